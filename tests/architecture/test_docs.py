"""What the papers say is so: commands, links, the version, no address of a registry, no lock out of date."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import asura
from asura.api import monitor_documents
from asura.cli import main
from asura.config.schema import MonitorDefaults
from asura.netguard import Guard
from asura.protocols.attempt import Env
from asura.protocols.contexts import TlsContexts

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = [wanted for extra in PROJECT["project"]["optional-dependencies"].values() for wanted in extra]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def test_the_readme_names_every_command_and_no_other() -> None:
    commands = re.findall(r"`asura ([a-z-]+)[^`]*`", (ROOT / "README.md").read_text())
    assert set(commands) == set(main.commands)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "ARCHITECTURE.md"])
def test_links_between_the_papers_lead_somewhere(name: str) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", (ROOT / name).read_text()):
        assert (ROOT / target).exists(), target


def test_every_type_of_monitor_has_its_page_and_the_page_tells_the_truth() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "scripts" / "monitor_docs.py"), "--check"], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "monitors").glob("[a-z]*.md")), ids=lambda page: page.stem)
def test_the_example_of_a_type_would_be_taken(page: Path) -> None:
    example = json.loads(re.findall(r"```json\n(.+?)\n```", page.read_text(), re.DOTALL)[0])
    env = Env(guard=Guard(), tls=TlsContexts(), command_allowlist=("/usr/lib/nagios/plugins/check_disk",))
    _, problems = monitor_documents.read(example, defaults=MonitorDefaults(), env=env)
    wrong = {field: text for field, text in problems.items() if "socket" not in text}  # there may be no engine here
    assert wrong == {}


def test_every_just_recipe_that_the_papers_name_exists() -> None:
    recipes = set(re.findall(r"^([a-z]+)(?: [^:=]*)?:(?!=)", (ROOT / "justfile").read_text(), re.MULTILINE))
    for name in ("README.md", "CONTRIBUTING.md"):
        for recipe in re.findall(r"(?:\bjust |`just )([a-z]+)", (ROOT / name).read_text()):
            assert recipe in recipes, recipe


def test_the_changelog_knows_this_version() -> None:
    assert f"\n## {asura.__version__}" in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_pins_with_hashes_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text()
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links", text)
    for pin in re.split(r"\n(?=[a-z])", text):
        assert re.match(r"[a-z0-9._-]+==\S+", pin), pin[:80]
        assert "--hash=sha256:" in pin, pin[:80]


def test_the_dashboards_lock_names_no_registry() -> None:
    assert '"resolved"' not in (ROOT / "frontend" / "package-lock.json").read_text()


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("run", PROJECT["project"]["dependencies"]),
        ("test", [*PROJECT["project"]["dependencies"], *EXTRAS]),
        ("build", PROJECT["dependency-groups"]["build"]),
        ("node", PROJECT["dependency-groups"]["node"]),
    ],
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, wanted: list[str]) -> None:
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    pins = dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE))
    for requirement in map(Requirement, wanted):
        version = pins.get(requirement.name.lower())
        assert version is not None, f"{requirement.name} is not locked; run `just lock`"
        assert requirement.specifier.contains(version), f"{requirement.name} {version}; run `just lock`"


@pytest.mark.parametrize("script", ["install.sh", "packaging/asura", ".ci/run"])
def test_a_script_is_executable_and_parses(script: str) -> None:
    path = ROOT / script
    assert path.stat().st_mode & 0o111
    shell = path.read_text().splitlines()[0].rpartition("/")[2].rpartition(" ")[2]
    subprocess.run([shell, "-n", str(path)], check=True)
    if shutil.which("shellcheck"):
        subprocess.run(["shellcheck", str(path)], check=True)


def test_the_unit_starts_what_the_installer_installs() -> None:
    unit = (ROOT / "packaging" / "asura.service").read_text()
    installer = (ROOT / "install.sh").read_text()
    assert "ExecStart=/opt/asura/current/bin/asura serve --config /etc/asura/asura.yaml" in unit
    assert "APP=/opt/asura\n" in installer
    assert "ETC=/etc/asura\n" in installer
    assert "Type=notify" in unit


def test_the_package_runs_on_the_python_that_it_promises() -> None:
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert sys.version_info >= (3, 11)
