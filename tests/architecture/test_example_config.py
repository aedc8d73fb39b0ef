"""`asura.yaml.example` says everything that can be set, and what is so without it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from asura import units
from asura.config.load import load, parse
from asura.config.schema import Config
from asura.errors import ConfigError

EXAMPLE = Path(__file__).resolve().parents[2] / "asura.yaml.example"


def keys(cls: type[Any], path: str = "") -> Iterator[tuple[str, "attrs.Attribute[Any]"]]:
    for field in attrs.fields(cls):
        if "section" in field.metadata:
            yield from keys(field.metadata["section"], f"{path}{field.name}.")
        else:
            yield f"{path}{field.name}", field


KEYS = dict(keys(Config))


def lines() -> dict[str, str]:
    """The line of each key, commented ones of a section included."""
    found: dict[str, str] = {}
    parents: list[str] = []
    for line in EXAMPLE.read_text().splitlines():
        if match := re.match(r"( *)(?:# )?([a-z_]+):( .*|$)", line):
            parents = [*parents[: len(match[1]) // 2], match[2]]
            found.setdefault(".".join(parents), line)
    return found


def test_the_example_loads_and_changes_nothing() -> None:
    config = load(EXAMPLE, environ={})
    folder = EXAMPLE.parent
    assert config == attrs.evolve(Config(), database=attrs.evolve(config.database, path=folder / "asura.db"))


def test_the_hash_in_the_example_lets_nobody_in() -> None:
    (example,) = re.findall(r'hash: "(.*?)"', EXAMPLE.read_text())
    text = f'auth: {{api_keys: [{{name: a, role: admin, hash: "{example}"}}]}}'
    with pytest.raises(ConfigError, match="put the hash that `asura setup` prints here"):
        parse(text.encode(), name="example", folder=EXAMPLE.parent, environ={})


@pytest.mark.parametrize("path", KEYS)
def test_the_example_shows_each_key_with_one_line_of_explanation(path: str) -> None:
    line = lines()[path]
    assert "# " in line.partition(":")[2] or path == "auth.api_keys"


@pytest.mark.parametrize("path", [path for path, field in KEYS.items() if field.default is not None])
def test_the_example_shows_each_key_with_its_default(path: str) -> None:
    value: Any = yaml.safe_load(EXAMPLE.read_text())
    for name in path.split("."):
        value = value[name]
    default = KEYS[path].default
    if isinstance(default, tuple):
        assert value == list(default)
    elif isinstance(default, Path):
        assert value == str(default)
    elif "size" in path:
        assert units.parse_size(value) == default
    elif isinstance(value, str) and isinstance(default, int):
        assert units.parse_duration(value) == default
    else:
        assert value == default


@pytest.mark.parametrize("path", [path for path, field in KEYS.items() if field.default is None])
def test_the_example_shows_what_has_no_default_as_a_comment(path: str) -> None:
    assert lines()[path].lstrip().startswith("# ")


@pytest.mark.parametrize("path", KEYS)
def test_the_example_marks_what_waits_for_a_restart(path: str) -> None:
    assert lines()[path].endswith("(restart)") is not KEYS[path].metadata["live"]


def test_the_example_shows_no_key_that_there_is_not() -> None:
    sections = {path.rpartition(".")[0] for path in KEYS} | {"auth.session"}
    assert set(lines()) - set(KEYS) - sections == set()
