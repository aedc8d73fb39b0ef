"""The certificates of a monitor, over HTTP."""

from tests import factories
from tests.api.conftest import Api
from tests.api.test_monitors import make
from tests.factories import certificate

DAY_MS = 86_400_000


async def test_the_chain_and_its_changes_are_told(api: Api):
    await make(api)
    now_ms = api.services.clock.now_ms()
    root = certificate(fingerprint="f" * 64, subject="CN=Root", names=("Root",), expires_at=now_ms + 3650 * DAY_MS)
    for number, fingerprint in enumerate(("a" * 64, "b" * 64)):
        own = certificate(fingerprint=fingerprint, expires_at=now_ms + 20 * DAY_MS + 5000)
        seen = factories.observation(1, at=now_ms - 1000 + number, chain=(own, root), cert_expires_at=own.expires_at)
        await api.services.record([seen])
    found = (await api.reader.get("/api/v1/monitors/1/certificates")).json()
    assert [(each["subject"], each["days_left"], each["fingerprint"]) for each in found["chain"]] == [
        ("CN=web.test", 20, "b" * 64),
        ("CN=Root", 3649, "f" * 64),
    ]
    assert (found["chain"][0]["names"], found["chain"][0]["issuer"]) == (["web.test"], "Test CA")
    [change] = found["changes"]
    assert (change["old_fingerprint"], change["new_fingerprint"]) == ("a" * 64, "b" * 64)


async def test_a_monitor_without_certificates_has_an_empty_chain(api: Api):
    await make(api)
    assert (await api.reader.get("/api/v1/monitors/1/certificates")).json() == {"chain": [], "changes": []}


async def test_there_are_no_certificates_of_what_is_not_there(api: Api):
    answer = await api.reader.get("/api/v1/monitors/77/certificates")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
