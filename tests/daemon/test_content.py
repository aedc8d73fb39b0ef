"""The real daemon watches a real page: each change of it reaches the webhook once, also across a kill."""

from pathlib import Path

import trio
from trio.abc import Stream

from tests.daemon.test_process import SECRET, Client, make_monitor, make_webhook
from tests.fakes.daemon import Daemon
from tests.fakes.receiver import open_receiver
from tests.fakes.target import answer, start_target


async def test_each_change_of_a_page_reaches_the_webhook_once(tmp_path: Path) -> None:
    page = "one\ntwo\nthree"

    async def say(stream: Stream) -> None:
        await answer(200, page.encode())(stream)

    with Daemon(tmp_path) as daemon:
        await trio.to_thread.run_sync(daemon.start)
        async with (
            Client(daemon) as client,
            open_receiver(secret=SECRET) as receiver,
            trio.open_nursery() as nursery,
        ):
            target = await start_target(nursery, say)
            await make_webhook(client, receiver.url)
            monitor_id = await make_monitor(client, target.url, name="page", track_changes=True)
            await client.until(f"/monitors/{monitor_id}", lambda each: each["status"] == "up")
            page = "one\n2\nthree"
            [first] = await receiver.wait_for(1)
            # Killed before that is recorded, it would send the message again, with the same key.
            await client.until("/notifications/history?status=delivered", lambda found: found["total"] == 1)
            await trio.to_thread.run_sync(daemon.kill)
            page = "one\n2\nthree\nfour"
            await trio.to_thread.run_sync(daemon.start)
            _, second = await receiver.wait_for(2)
            checks = await client.ask("GET", f"/monitors/{monitor_id}/checks")
            await client.until(f"/monitors/{monitor_id}/checks", lambda each: each["total"] > checks["total"] + 2)
            changes = await client.ask("GET", f"/monitors/{monitor_id}/changes")
            assert await trio.to_thread.run_sync(daemon.stop) == 0
            nursery.cancel_scope.cancel()

    assert receiver.events == ["content.changed", "content.changed"]
    assert not receiver.wrongly_signed
    assert first.document["incident"] is None
    assert first.document["monitor"]["name"] == "page"
    assert first.document["detail"]["diff"] == "@@ -1,3 +1,3 @@\n one\n-two\n+2\n three"
    assert second.document["detail"]["diff"] == "@@ -1,3 +1,4 @@\n one\n 2\n three\n+four"
    assert [each["diff"] for each in changes["data"]] == [
        second.document["detail"]["diff"],
        first.document["detail"]["diff"],
    ]
