"""Notification channels over HTTP, and the history of what went through them."""

from typing import Any

import pytest

from tests.api.conftest import Api
from tests.api.test_incidents import go_down
from tests.api.test_monitors import MASK, make
from tests.fakes.receiver import Answer, open_receiver


async def add(api: Api, **fields: Any) -> dict[str, Any]:
    document = {"name": "Ops", "type": "webhook", "settings": {"url": "https://hooks.example/x"}, **fields}
    made = await api.admin.post("/api/v1/notifications", json=document)
    assert made.status_code == 201, made.text
    return made.json()


async def test_a_channel_is_made_read_changed_and_deleted(api: Api):
    made = await add(api)
    assert (made["enabled"], made["events"], made["settings"]["secret"]) == (True, [], "")
    assert (await api.reader.get("/api/v1/notifications/1")).json() == made
    assert (await api.reader.get("/api/v1/notifications")).json()["data"] == [made]
    patch = {"events": ["incident.created"], "enabled": False}
    changed = (await api.admin.patch("/api/v1/notifications/1", json=patch)).json()
    assert (changed["events"], changed["enabled"], changed["settings"]) == (
        ["incident.created"],
        False,
        made["settings"],
    )
    assert (await api.admin.put("/api/v1/notifications/1", json=made)).json()["enabled"] is True
    assert (await api.admin.delete("/api/v1/notifications/1")).status_code == 204
    assert (await api.admin.get("/api/v1/notifications/1")).status_code == 404
    actions = [entry["action"] for entry in (await api.admin.get("/api/v1/audit")).json()["data"]]
    assert actions == ["notification.delete", "notification.update", "notification.update", "notification.create"]


async def test_every_wrong_field_of_a_channel_is_named_at_once(api: Api):
    document = {
        "name": "",
        "type": "webhook",
        "enabled": 1,
        "events": ["x"],
        "settings": {"url": "gopher://x", "headers": {"Host": "x"}, "odd": 1},
        "odd": 1,
    }
    refused = await api.admin.post("/api/v1/notifications", json=document)
    assert (refused.status_code, set(refused.json()["fields"])) == (
        422,
        {"name", "enabled", "events[0]", "settings.url", "settings.headers", "settings.odd", "odd"},
    )
    refused = await api.admin.post("/api/v1/notifications", json={"type": "pigeon"})
    assert set(refused.json()["fields"]) == {"name", "type"}


async def test_a_channels_secrets_are_masked_and_kept(api: Api):
    settings = {"url": "https://h.example/", "secret": "s3cret", "headers": {"authorization": "Bearer t", "X": "y"}}
    made = await add(api, settings=settings)
    assert (made["settings"]["secret"], made["settings"]["headers"]) == (MASK, {"authorization": MASK, "X": "y"})
    assert (await api.admin.put("/api/v1/notifications/1", json=made)).status_code == 200
    await api.admin.patch("/api/v1/notifications/1", json={"settings": {"secret": MASK, "headers": {"X": "z"}}})
    from asura.store import channels

    stored = await api.services.store.read(lambda conn: channels.get(conn, 1))
    assert (stored.settings["secret"], stored.settings["headers"]) == (
        "s3cret",
        {"authorization": "Bearer t", "X": "z"},
    )
    audit = (await api.admin.get("/api/v1/audit")).text
    assert "s3cret" not in audit
    assert "Bearer t" not in audit


async def test_names_are_unique_and_channels_in_use_stay(api: Api):
    await add(api)
    document = {"name": "Ops", "type": "webhook", "settings": {"url": "https://x.example/"}}
    assert (await api.admin.post("/api/v1/notifications", json=document)).status_code == 409
    await make(api, notification_channel_ids=[1])
    refused = await api.admin.delete("/api/v1/notifications/1")
    assert (refused.status_code, "Site" in refused.json()["error"]) == (409, True)


async def test_a_test_answers_what_the_provider_said_and_stands_in_the_history(api: Api):
    async with open_receiver(secret="s") as receiver:
        await add(api, settings={"url": f"http://127.0.0.1:{receiver.port}/", "secret": "s"})
        said = (await api.admin.post("/api/v1/notifications/1/test")).json()
        assert (said["delivered"], said["status_code"]) == (True, 200)
        assert receiver.events == ["test"]
        receiver.answers.append(Answer(status=503, body=b"busy"))
        said = (await api.admin.post("/api/v1/notifications/1/test")).json()
        assert (said["delivered"], said["status_code"], said["message"]) == (False, 503, "answered 503: busy")
    history = (await api.reader.get("/api/v1/notifications/history")).json()["data"]
    assert [(each["status"], each["channel_name"], each["event"]) for each in history] == [
        ("failed", "Ops", "test"),
        ("delivered", "Ops", "test"),
    ]
    assert receiver.keys == [each["delivery"] for each in reversed(history)]


async def test_the_history_can_be_filtered_and_goes_on_after_one(api: Api):
    await add(api)
    await make(api)
    await go_down(api)
    await api.bot.post("/api/v1/incidents/1/ack")

    async def events(query: str) -> list[str]:
        answer = await api.reader.get(f"/api/v1/notifications/history?{query}")
        return [each["event"] for each in answer.json()["data"]]

    both = ["incident.acknowledged", "incident.created"]
    assert await events("") == await events("incident_id=1&monitor_id=1&channel_id=1&status=queued") == both
    assert await events("event=incident.created") == ["incident.created"]
    assert await events("before=2") == ["incident.created"]
    assert await events("status=purple") == await events("channel_id=7") == []


async def test_a_finished_message_can_be_sent_again(api: Api):
    async with open_receiver() as receiver:
        await add(api, settings={"url": f"http://127.0.0.1:{receiver.port}/"})
        await api.admin.post("/api/v1/notifications/1/test")
    again = await api.admin.post("/api/v1/notifications/history/1/retry")
    assert (again.status_code, again.json()["status"], again.json()["id"]) == (202, "queued", 2)
    assert (await api.admin.post("/api/v1/notifications/history/2/retry")).status_code == 409


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/", "http://[::1]:80/"])
async def test_a_webhook_to_a_refused_address_is_a_clear_message(url: str):
    from asura.api import channel_documents
    from asura.errors import InvalidDocument
    from asura.netguard import Guard

    with pytest.raises(InvalidDocument) as caught:
        channel_documents.read({"name": "x", "type": "webhook", "settings": {"url": url}}, guard=Guard())
    assert set(caught.value.fields) == {"settings.url"}
