import structlog
import trio

from asura.clock import TrioClock
from asura.daemon.journal import keep_journal
from asura.incidents import ledger
from asura.model.monitor import Status
from asura.store.database import Store
from tests import factories
from tests.factories import BASE_URL


async def test_the_log_tells_of_an_incident_from_its_beginning_to_its_end(
    inline_store: Store, clock: TrioClock
) -> None:
    now_ms = clock.now_ms()
    web = await inline_store.write(lambda conn: factories.create(conn, name="web", failure_threshold=1, now_ms=now_ms))
    stopping = trio.Event()
    with structlog.testing.capture_logs() as lines:
        async with trio.open_nursery() as nursery:

            async def journal(*, task_status: trio.TaskStatus[None]) -> None:
                await keep_journal(inline_store, stopping=stopping, task_status=task_status)

            await nursery.start(journal)
            for number, status in enumerate((Status.UP, Status.DOWN, Status.UP)):
                seen = factories.observation(web.id, status, at=now_ms + number * 60_000, message="refused")
                await inline_store.write(
                    lambda conn, seen=seen: ledger.record(conn, [seen], now_ms=seen.checked_at, base_url=BASE_URL)
                )
            await trio.testing.wait_all_tasks_blocked()
            stopping.set()
    assert [(line["event"], line["name"], line["cause"]) for line in lines] == [
        ("incident opened", "web", "refused"),
        ("incident resolved", "web", "refused"),
    ]
