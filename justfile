# A developer's day. Every recipe uses .venv, which `./install.sh --setup` makes.

bin := justfile_directory() / ".venv/bin"
export PATH := bin + ":" + env("PATH")

# What there is
default:
    @just --list --unsorted

# Make .venv, the dashboard and the tools
setup:
    ./install.sh --setup

# Start Asura as a user would
run *args:
    ./install.sh --run {{args}}

# Start Asura, and the dashboard from its sources on http://127.0.0.1:5173
dev:
    #!/usr/bin/env bash
    set -euo pipefail
    asura serve &
    trap 'kill %1 2>/dev/null; wait' EXIT
    python scripts/bundle.py npm run --silent dev

# Run the tests; arguments go to pytest
test *args:
    ./install.sh --test {{args}}

# The one gate: lint, format, async lint, types, import contracts, dashboard, tests
check: lint types layers dashboard
    python -m pytest -n 2

# ruff, its format, and what only flake8-async knows
lint:
    ruff check .
    ruff format --check .
    python scripts/async_lint.py

# mypy, strict
types:
    mypy

# Who may import whom
layers:
    lint-imports

# The dashboard's types, lint, tests, bundle and size
dashboard:
    python scripts/bundle.py npm run --silent check

# Measure, each figure beside its bare cost: everything, or one of durable_writes, checks, full_path, http_server, api, outbox, pings, deadlines, history, pruning
bench what="all" *args:
    #!/usr/bin/env bash
    set -euo pipefail
    if [ "{{what}}" != all ]; then
        exec python -m "bench.{{what}}" {{args}}
    fi
    for what in durable_writes checks full_path http_server api outbox pings deadlines history pruning; do
        printf '\n== %s\n' "$what"
        python -m "bench.$what"
    done

# Put everything into the house's format
fmt:
    ruff check --fix .
    ruff format .
    python scripts/bundle.py npm run --silent format

# Pin what changed, with hashes and without a registry's address; --upgrade pins everything anew
lock *args:
    just _pin run.txt pyproject.toml {{args}}
    just _pin test.txt pyproject.toml --extra test --extra dev -c requirements/run.txt {{args}}
    just _pin build.txt --group build -c requirements/test.txt {{args}}
    just _pin node.txt --group node {{args}}

_pin file *args:
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url -o requirements/{{file}} {{args}}

# Write store/schema.sql anew from the migrations
schema:
    python -m asura.store.migrate --dump > asura/store/schema.sql.new
    mv asura/store/schema.sql.new asura/store/schema.sql

# Write docs/monitors anew from the types' definitions
docs:
    python scripts/monitor_docs.py

# A wheel and an sdist in dist/
build:
    python -m pip wheel --quiet --no-deps --no-build-isolation -w dist .
    python -m hatchling build -t sdist -d dist

# Remove what can be made again
clean:
    rm -rf dist build asura/web/static frontend/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
    find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
