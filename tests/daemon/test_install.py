"""The installer's answers, and when the dashboard is built again."""

import os
import runpy
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def install(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(ROOT / "install.sh"), *arguments],
        env=os.environ | environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


@pytest.mark.skipif(Path("/run/systemd/system").exists(), reason="this machine has systemd, and it would be used")
@pytest.mark.parametrize("arguments", [(), ("--uninstall",)])
def test_without_systemd_it_says_what_to_do_instead_and_changes_nothing(arguments: tuple[str, ...]) -> None:
    done = install(*arguments)
    assert done.returncode == 1
    assert "there is no systemd here" in done.stderr
    assert "./install.sh --run" in done.stderr
    assert not Path("/opt/asura").exists()
    assert not Path("/etc/systemd/system/asura.service").exists()


@pytest.mark.parametrize("arguments", [("--nonsense",), ("--uninstall", "--everything"), ("run",)])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    done = install(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr


def test_help_names_each_way_to_use_it() -> None:
    done = install("--help")
    assert done.returncode == 0
    for option in ("--run", "--test", "--setup", "--uninstall", "--purge"):
        assert option in done.stdout


class Bundle:
    """scripts/bundle.py in a project of its own, whose npm notes what it was asked."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        (root / "scripts").mkdir()
        shutil.copy(ROOT / "scripts" / "bundle.py", root / "scripts")
        (root / "frontend" / "src").mkdir(parents=True)
        (root / "frontend" / "package.json").write_text("{}")
        (root / "frontend" / "package-lock.json").write_text("{}")
        (root / "frontend" / "src" / "main.tsx").write_text("one")
        self.bin = root / "bin"
        self.bin.mkdir()
        self.tool("node", "echo v22.12.0")
        self.tool(
            "npm",
            f'echo "$@" >> {root}/calls; case "$1" in ci) mkdir -p node_modules ;; '
            f"run) mkdir -p {root}/asura/web/static && touch {root}/asura/web/static/index.html ;; esac",
        )
        monkeypatch.setenv("PATH", f"{self.bin}:/usr/bin:/bin")
        monkeypatch.delenv("ASURA_SKIP_FRONTEND", raising=False)

    def tool(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def build(self) -> int:
        main: Callable[[], int] = runpy.run_path(str(self.root / "scripts" / "bundle.py"))["main"]
        return main()

    def calls(self) -> list[str]:
        log = self.root / "calls"
        calls = [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []
        log.unlink(missing_ok=True)
        return calls


@pytest.fixture
def bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bundle:
    return Bundle(tmp_path, monkeypatch)


def test_the_dashboard_is_built_once_and_again_only_after_a_change(bundle: Bundle) -> None:
    assert bundle.build() == 0
    assert bundle.calls() == ["ci", "run"]
    assert bundle.build() == 0
    assert bundle.calls() == []
    (bundle.root / "frontend" / "src" / "main.tsx").write_text("two")
    assert bundle.build() == 0
    assert bundle.calls() == ["run"]
    (bundle.root / "frontend" / "package-lock.json").write_text('{"changed": true}')
    assert bundle.build() == 0
    assert bundle.calls() == ["ci", "run"]


def test_a_lost_bundle_is_built_again(bundle: Bundle) -> None:
    bundle.build()
    shutil.rmtree(bundle.root / "asura" / "web" / "static")
    bundle.calls()
    assert bundle.build() == 0
    assert bundle.calls() == ["run"]


def test_a_failed_build_is_tried_again(bundle: Bundle) -> None:
    bundle.tool("npm", 'case "$1" in ci) mkdir -p node_modules ;; *) exit 7 ;; esac')
    assert bundle.build() == 7
    assert bundle.build() == 7


def test_without_sources_the_bundle_is_taken_as_it_is(bundle: Bundle) -> None:
    shutil.rmtree(bundle.root / "frontend")
    assert bundle.build() == 0


def test_it_can_be_left_alone(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASURA_SKIP_FRONTEND", "1")
    assert bundle.build() == 0
    assert bundle.calls() == []


@pytest.mark.parametrize(
    ("version", "is_recent"),
    [("v20.18.9", False), ("v20.19.0", True), ("v21.7.0", False), ("v22.11.0", False), ("v22.12.0", True),
     ("v24.1.0", True), ("v100.0.0", True), ("nonsense", False)],
)  # fmt: skip
def test_a_node_is_used_only_if_it_is_recent(bundle: Bundle, version: str, is_recent: bool) -> None:
    bundle.tool("node", f"echo {version}")
    names = runpy.run_path(str(bundle.root / "scripts" / "bundle.py"))
    assert names["_is_recent"](str(bundle.bin / "node")) is is_recent


def test_a_node_that_does_not_run_counts_as_none(bundle: Bundle) -> None:
    bundle.tool("node", "exit 1")
    names = runpy.run_path(str(bundle.root / "scripts" / "bundle.py"))
    assert names["_is_recent"](str(bundle.bin / "node")) is False
