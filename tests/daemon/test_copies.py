"""`asura backup` and `asura restore` around a real daemon whose jobs report all the while."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from tests.fakes.daemon import Daemon

PINGERS = 4


def asura(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "asura", *arguments]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, timeout=60)


@contextmanager
def pinging(daemon: Daemon, token: str) -> Iterator[list[int]]:
    """Jobs that report as fast as they can; gives one number for each ping that was answered 200."""
    answered: list[int] = []
    stop, begun = threading.Event(), threading.Event()

    def ping() -> None:
        with httpx.Client(trust_env=False, timeout=10) as client:
            while not stop.is_set():
                body = {"content": "x" * 3000}
                response = client.post(f"{daemon.url}/api/v1/heartbeat/{token}", **body)
                assert response.status_code == 200, response.text
                answered.append(1)
                begun.set()

    jobs = [threading.Thread(target=ping) for _ in range(PINGERS)]
    for job in jobs:
        job.start()
    try:
        assert begun.wait(10)
        yield answered
    finally:
        stop.set()
        for job in jobs:
            job.join()


def number(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as conn:
        return int(conn.execute(query).fetchone()[0])


def make_heartbeat(client: httpx.Client) -> tuple[int, str]:
    """Its id and token; a job that reports every second."""
    document = {"name": "job", "type": "heartbeat", "interval": 1, "settings": {"grace": 3}}
    response = client.post("/api/v1/monitors", json=document)
    assert response.status_code == 201, response.text
    made = response.json()
    return made["id"], made["heartbeat"]["token"]


def test_a_backup_under_load_is_consistent_and_restores_tokens_pings_and_deadlines(tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with Daemon(tmp_path, server="heartbeat_rate_limit_per_sec: 0") as daemon:
        daemon.start()
        with daemon.client() as client:
            monitor_id, token = make_heartbeat(client)
            with pinging(daemon, token) as answered:
                before = len(answered)
                done = asura("backup", str(copy), cwd=tmp_path)
                after = len(answered) + PINGERS  # those under way may be in it, too
            rotated = client.post(f"/api/v1/monitors/{monitor_id}/rotate-token", json={"keep_old": False})
            assert rotated.status_code == 200
        assert done.returncode == 0, done.stderr

        pings = number(copy, "SELECT count(*) FROM ping")
        assert before <= pings <= after
        assert number(copy, "SELECT ping_count FROM heartbeat") == pings
        assert number(copy, "SELECT count(*) FROM check_result") == pings
        assert number(copy, "SELECT sum(up) FROM rollup WHERE span_s = 300") == pings
        assert number(copy, "SELECT count(*) FROM pulse") == 1
        with closing(sqlite3.connect(copy)) as conn:
            assert conn.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert conn.execute("PRAGMA foreign_key_check").fetchall() == []

        refused = asura("restore", str(copy), cwd=tmp_path)
        assert refused.returncode == 1
        assert "in use by process" in refused.stderr
        assert daemon.stop() == 0
        restored = asura("restore", str(copy), cwd=tmp_path)
        assert restored.returncode == 0, restored.stderr

        daemon.start()
        with daemon.client() as client:
            # Its deadline passed while the copy lay there; that is not held against the job.
            job = client.get(f"/api/v1/monitors/{monitor_id}").json()
            assert job["status"] == "up"
            assert job["heartbeat"]["token"] == token
            assert client.get(f"/api/v1/heartbeat/{token}").status_code == 200
            total = client.get(f"/api/v1/monitors/{monitor_id}/pings").json()["total"]
            assert total == pings + 1
            assert client.get(f"/api/v1/heartbeat/{rotated.json()['heartbeat']['token']}").status_code == 404
            assert client.get("/api/v1/incidents").json()["total"] == 0
