"""The command line, as somebody at a shell meets it: a process, its output, its exit status."""

import hashlib
import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.fakes.daemon import Daemon, free_port

KEY = re.compile(r"ak_[A-Za-z0-9_-]{40}\b")


def asura(*arguments: str, cwd: Path, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "asura", *arguments],
        cwd=cwd, input=stdin, env=os.environ | environ, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def configuration(folder: Path, text: str = "") -> Path:
    path = folder / "asura.yaml"
    path.write_text(text)
    path.chmod(0o600)
    return path


@contextmanager
def answering(*, status: int = 200) -> Iterator[str]:
    """An HTTP server in a process of its own; gives its address."""
    code = (
        "import http.server as h\n"
        "class A(h.BaseHTTPRequestHandler):\n"
        "    def do_GET(self):\n"
        f"        self.send_response({status}); self.send_header('Content-Length', '0'); self.end_headers()\n"
        "    def log_message(self, *a): pass\n"
        "s = h.HTTPServer(('127.0.0.1', 0), A); print(s.server_port, flush=True); s.serve_forever()\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.kill()
        process.communicate()


class TestServe:
    def test_it_starts_from_nothing_and_shows_the_key_once(self, tmp_path: Path) -> None:
        if _is_taken(8090):
            pytest.skip("the default port is in use on this machine")
        process = subprocess.Popen(
            [sys.executable, "-m", "asura"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            shown = [process.stdout.readline() for _ in range(9)]
            while " ready " not in process.stderr.readline():
                assert process.poll() is None
            (key,) = KEY.findall("".join(shown))
            me = httpx.get("http://127.0.0.1:8090/api/v1/monitors", headers={"X-API-Key": key}, trust_env=False)
            process.send_signal(signal.SIGTERM)
            rest = process.communicate(timeout=30)
        finally:
            process.kill()
        assert "http://127.0.0.1:8090" in "".join(shown)
        assert me.status_code == 200
        assert process.returncode == 0
        written = tmp_path / "asura.yaml"
        assert stat.S_IMODE(written.stat().st_mode) == 0o600
        assert hashlib.sha256(key.encode()).hexdigest() in written.read_text()
        assert key not in written.read_text() + "".join(rest)

    def test_a_wrong_configuration_starts_nothing_and_tells_every_problem(self, tmp_path: Path) -> None:
        configuration(tmp_path, "server: {lisen: x}\nlogging: {level: loud}\n")
        done = asura("serve", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.splitlines() == [
            "asura.yaml:1: server.lisen: unknown key; did you mean listen?",
            "asura.yaml:2: logging.level: must be one of debug, info, warning, error",
        ]
        assert not (tmp_path / "asura.db").exists()

    def test_a_configuration_that_can_not_be_written_is_one_clear_line(self, tmp_path: Path) -> None:
        done = asura("--config", "no/such/folder/asura.yaml", cwd=tmp_path)
        assert done.returncode == 2
        (line,) = done.stderr.splitlines()
        assert "is missing and can't be written" in line

    def test_a_database_that_can_not_be_used_is_one_clear_line(self, tmp_path: Path) -> None:
        configuration(tmp_path, f"server: {{listen: '127.0.0.1:{free_port()}'}}")
        (tmp_path / "asura.db").write_bytes(b"this is a letter to my grandmother, not a database" * 100)
        done = asura("serve", cwd=tmp_path)
        assert done.returncode == 1
        assert "is not an SQLite database" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr

    def test_a_second_daemon_is_told_who_holds_the_database(self, tmp_path: Path) -> None:
        with Daemon(tmp_path) as daemon:
            daemon.start()
            assert daemon.process is not None
            done = asura("serve", cwd=tmp_path)
            assert done.returncode == 1
            assert f"in use by process {daemon.process.pid}" in done.stderr
            assert "Traceback" not in done.stderr

    def test_an_address_in_use_is_one_clear_line(self, tmp_path: Path) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            configuration(tmp_path, f"server: {{listen: '127.0.0.1:{port}'}}")
            done = asura("serve", cwd=tmp_path)
        assert done.returncode == 1
        assert f"127.0.0.1:{port}" in done.stderr
        assert "in use" in done.stderr
        assert "Traceback" not in done.stderr


class TestKeys:
    def test_setup_shows_a_key_and_the_lines_for_its_hash(self, tmp_path: Path) -> None:
        done = asura("setup", "--name", "grafana", "--role", "readonly", cwd=tmp_path)
        (key,) = KEY.findall(done.stdout)
        assert done.returncode == 0
        assert f'hash: "{hashlib.sha256(key.encode()).hexdigest()}"' in done.stdout
        assert 'name: "grafana"' in done.stdout
        assert "role: readonly" in done.stdout
        assert list(tmp_path.iterdir()) == []

    def test_a_configuration_that_can_not_be_written_whole_is_not_left_behind(self, tmp_path: Path) -> None:
        # Half of one would be read at the next start, as a configuration that knows no key.
        done = subprocess.run(
            [sys.executable, "-m", "asura", "setup", "--write", "asura.yaml"],
            cwd=tmp_path, capture_output=True, text=True, timeout=60,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
        )  # fmt: skip
        assert (done.returncode, "ak_" in done.stdout) == (1, False), done.stderr
        assert not (tmp_path / "asura.yaml").exists()

    def test_setup_writes_a_configuration_that_loads_and_never_overwrites_one(self, tmp_path: Path) -> None:
        first = asura("setup", "--write", "asura.yaml", "--database", "data.db", cwd=tmp_path)
        second = asura("setup", "--write", "asura.yaml", cwd=tmp_path)
        assert (first.returncode, second.returncode) == (0, 1)
        assert "exists already" in second.stderr
        assert not KEY.search(second.stdout)
        assert asura("doctor", "--offline", cwd=tmp_path).returncode == 0

    @pytest.mark.parametrize("name", ["", 'a"b', "${HOME}", "a\nb", "x" * 101])
    def test_a_name_that_would_break_the_file_is_refused(self, tmp_path: Path, name: str) -> None:
        assert asura("setup", "--name", name, cwd=tmp_path).returncode == 2

    def test_hash_key_reads_the_key_from_standard_input(self, tmp_path: Path) -> None:
        key = "ak_" + "x" * 40
        assert (
            asura("hash-key", cwd=tmp_path, stdin=key + "\n").stdout == hashlib.sha256(key.encode()).hexdigest() + "\n"
        )

    @pytest.mark.parametrize("key", ["", "short", "two words that are long enough", "ключ" * 10, "x" * 500])
    def test_hash_key_refuses_what_makes_no_good_key(self, tmp_path: Path, key: str) -> None:
        done = asura("hash-key", cwd=tmp_path, stdin=key)
        assert done.returncode == 2
        assert done.stdout == ""


class TestCheck:
    def test_a_target_that_answers_is_up_and_its_timings_are_shown(self, tmp_path: Path) -> None:
        with answering() as address:
            done = asura("check", f"http://{address}/", "--allow-private", cwd=tmp_path)
        assert done.returncode == 0
        assert done.stdout.startswith(f"up  http://{address}/ in ")
        assert re.search(r"^  connect +\d+ ms +━+$", done.stdout, re.MULTILINE)
        assert re.search(r"^  answer +200\b", done.stdout, re.MULTILINE)
        assert list(tmp_path.iterdir()) == []

    def test_a_target_that_says_it_is_broken_is_down(self, tmp_path: Path) -> None:
        with answering(status=503) as address:
            done = asura("check", f"http://{address}/", "--allow-private", cwd=tmp_path)
        assert done.returncode == 1
        assert "503" in done.stdout

    def test_settings_are_set_by_hand(self, tmp_path: Path) -> None:
        with answering(status=404) as address:
            arguments = ("check", f"http://{address}/", "--allow-private", "--set")
            assert asura(*arguments, "expected_status=404", cwd=tmp_path).returncode == 0
            assert asura(*arguments, "expected_status=[2xx, 404]", cwd=tmp_path).returncode == 0

    @pytest.mark.parametrize(
        ("setting", "told"),
        [
            ("keyword", "must be NAME=VALUE"),
            ("colour=red", "http has no setting colour"),
            ("max_redirects=many", "--set max_redirects must be a whole number"),
            ("headers={", "can't be read as YAML"),
        ],
    )
    def test_a_wrong_setting_is_wrong_usage(self, tmp_path: Path, setting: str, told: str) -> None:
        done = asura("check", "http://127.0.0.1:9/", "--set", setting, cwd=tmp_path)
        assert done.returncode == 2
        assert told in done.stderr

    def test_an_unknown_type_is_wrong_usage_and_the_types_are_named(self, tmp_path: Path) -> None:
        done = asura("check", "example.org", "--type", "gopher", cwd=tmp_path)
        assert done.returncode == 2
        assert "http, " in done.stderr

    @pytest.mark.parametrize("target", [(), ("db1",)], ids=["without a target", "with one"])
    def test_a_heartbeat_is_nothing_to_check(self, tmp_path: Path, target: tuple[str, ...]) -> None:
        done = asura("check", *target, "--type", "heartbeat", cwd=tmp_path)
        assert done.returncode == 2
        assert "a heartbeat reports by itself: there is nothing to check" in done.stderr
        assert "heartbeat" not in asura("check", "--help", cwd=tmp_path).stdout

    def test_host_and_port_are_checked_by_tcp(self, tmp_path: Path) -> None:
        with answering() as address:
            assert asura("check", address, "--allow-private", cwd=tmp_path).returncode == 0
        assert asura("check", f"127.0.0.1:{free_port()}", "--allow-private", cwd=tmp_path).returncode == 1

    def test_private_networks_are_opened_by_the_configuration_only_or_by_hand(self, tmp_path: Path) -> None:
        config = configuration(tmp_path, "monitor: {allowed_networks: [127.0.0.0/8]}")
        with answering() as address:
            elsewhere = tmp_path / "elsewhere"
            elsewhere.mkdir()
            refused = asura("check", address, cwd=elsewhere)
            allowed = asura("check", address, "--config", str(config), cwd=elsewhere)
            assert asura("check", address, cwd=tmp_path).returncode == 0, "asura.yaml is here"
        assert refused.returncode == 1
        assert refused.stdout.startswith("not permitted  ")
        assert "loopback" in refused.stdout
        assert "--allow-private" in refused.stdout
        assert allowed.returncode == 0

    @pytest.mark.parametrize("target", ["", "nothing", "ftp://example.org", "http://", "a:0", "a:b"])
    def test_what_is_no_target_is_wrong_usage(self, tmp_path: Path, target: str) -> None:
        done = asura("check", target, cwd=tmp_path)
        assert done.returncode == 2
        assert "must" in done.stderr


class TestCopies:
    def test_a_backup_of_a_running_database_is_restored_after_it(self, tmp_path: Path) -> None:
        monitor = {"name": "kept", "type": "tcp", "target": "127.0.0.1:9"}
        with Daemon(tmp_path) as daemon:
            daemon.start()
            with daemon.client() as client:
                assert client.post("/api/v1/monitors", json=monitor).status_code == 201
                done = asura("backup", "copy.db", cwd=tmp_path)
                assert done.returncode == 0, done.stderr
                assert client.post("/api/v1/monitors", json=monitor | {"name": "lost"}).status_code == 201
            refused = asura("restore", "copy.db", cwd=tmp_path)
            assert refused.returncode == 1
            assert "in use by process" in refused.stderr
            assert daemon.stop() == 0
            restored = asura("restore", "copy.db", cwd=tmp_path)
            assert restored.returncode == 0, restored.stderr
            daemon.start()
            with daemon.client() as client:
                names = [found["name"] for found in client.get("/api/v1/monitors").json()["data"]]
        assert names == ["kept"]
        assert len(list(tmp_path.glob("asura.db.replaced-*"))) == 1

    def test_nothing_is_overwritten_and_rubbish_is_not_restored(self, tmp_path: Path) -> None:
        configuration(tmp_path)
        assert "doesn't exist yet" in asura("backup", "copy.db", cwd=tmp_path).stderr
        (tmp_path / "copy.db").write_bytes(b"x" * 5000)
        (tmp_path / "asura.db").write_bytes(b"x" * 5000)
        for arguments in (("backup", "copy.db"), ("restore", "copy.db")):
            done = asura(*arguments, cwd=tmp_path)
            assert done.returncode == 1
            assert "Traceback" not in done.stderr
        assert (tmp_path / "asura.db").read_bytes() == b"x" * 5000


class TestDoctor:
    def test_a_running_installation_is_well(self, tmp_path: Path) -> None:
        with Daemon(tmp_path) as daemon:
            daemon.start()
            daemon.config.chmod(0o600)
            done = asura("doctor", "--offline", cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        assert "FAIL" not in done.stdout
        assert "every page is sound" in done.stdout
        assert re.search(r"daemon +process \d+ answers 200", done.stdout)

    def test_it_looks_without_touching(self, tmp_path: Path) -> None:
        configuration(tmp_path)
        done = asura("doctor", "--offline", cwd=tmp_path)
        assert done.returncode == 0
        assert "nobody can log in" in done.stdout
        assert [path.name for path in tmp_path.iterdir()] == ["asura.yaml"]

    def test_what_is_wrong_comes_with_a_remedy(self, tmp_path: Path) -> None:
        configuration(tmp_path, "{server: {listen: '0.0.0.0:1', tls_cert: a.pem, tls_key: b.pem}}").chmod(0o666)
        (tmp_path / "asura.db").write_bytes(b"x" * 5000)
        done = asura("doctor", "--offline", cwd=tmp_path)
        assert done.returncode == 1
        assert "chmod go-w" in done.stdout
        assert "a.pem can't be read" in done.stdout
        assert "is not an SQLite database" in done.stdout

    def test_a_wrong_configuration_is_told_whole(self, tmp_path: Path) -> None:
        configuration(tmp_path, "a: 1\nb: 2\n")
        done = asura("doctor", "--offline", cwd=tmp_path)
        assert done.returncode == 2
        assert done.stdout.count("unknown key") == 2


class TestUsage:
    def test_version_names_what_a_bug_report_needs(self, tmp_path: Path) -> None:
        done = asura("version", cwd=tmp_path)
        assert done.returncode == 0
        assert [line.split()[0] for line in done.stdout.splitlines()] == ["Asura", "Python", "SQLite"]

    @pytest.mark.parametrize(
        "arguments", [("nonsense",), ("backup",), ("check",), ("serve", "--nonsense"), ("doctor",)]
    )
    def test_wrong_usage_ends_with_2(self, tmp_path: Path, arguments: tuple[str, ...]) -> None:
        assert asura(*arguments, cwd=tmp_path).returncode == 2

    def test_help_names_every_command(self, tmp_path: Path) -> None:
        done = asura("--help", cwd=tmp_path)
        for command in ("serve", "setup", "hash-key", "check", "backup", "restore", "doctor", "version"):
            assert re.search(rf"^  {command} ", done.stdout, re.MULTILINE)


def _is_taken(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
