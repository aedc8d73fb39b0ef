"""Capabilities that the service manager gives are the daemon's own."""

import os
import subprocess
import sys

import pytest

from asura.cli import examining
from tests.fakes.network import no_raw_sockets
from tests.fakes.peers import need

NET_RAW = 1 << 13
SHOW = """
import subprocess
from asura.daemon.privileges import keep_to_ourselves

def capabilities(path):
    return {line.split(":")[0]: int(line.split(":")[1], 16) for line in open(path) if line.startswith("Cap")}

before = capabilities("/proc/self/status")
keep_to_ourselves()
after = capabilities("/proc/self/status")
child = subprocess.run(["/bin/cat", "/proc/self/status"], capture_output=True, text=True).stdout
inherited = next(int(line.split(":")[1], 16) for line in child.splitlines() if line.startswith("CapEff"))
print(before["CapAmb"], after["CapAmb"], after["CapEff"], inherited)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a capability away")
def test_a_program_that_the_daemon_starts_does_not_inherit_its_capabilities() -> None:
    setpriv = need("setpriv")
    # As systemd starts the service: another user, with one capability that its children would get as well.
    options = ["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=+net_raw", "--ambient-caps=+net_raw"]
    done = subprocess.run([setpriv, *options, sys.executable, "-c", SHOW], capture_output=True, text=True)
    if done.returncode != 0 and "Permission denied" in done.stderr:
        pytest.skip("another user may not read this Python")
    before, after, own, inherited = map(int, done.stdout.split())
    assert before == NET_RAW
    assert after == 0
    assert own == NET_RAW
    assert inherited == 0


def test_the_doctor_says_whether_pings_are_permitted() -> None:
    assert [finding.verdict for finding in examining.ping_permission()][:1] in (["ok"], ["warn"])
    with no_raw_sockets():
        over_ipv4, over_ipv6 = examining.ping_permission()
    for finding, name in ((over_ipv4, "IPv4"), (over_ipv6, "IPv6")):
        assert finding.verdict == "warn"
        assert finding.text == f"ICMP monitors over {name} can't work"
        assert "net.ipv4.ping_group_range" in finding.remedy
