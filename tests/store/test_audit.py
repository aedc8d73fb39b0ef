"""The audit trail: newest first, in the transaction of what it tells."""

import pytest

from asura.errors import Conflict
from asura.store import audit
from asura.store.audit import Entry
from asura.store.database import Conn, Store


def entry(number: int) -> Entry:
    return Entry(at=number, actor="admin", action="monitor.create", resource_type="monitor", resource_id=number)


async def test_entries_are_read_newest_first_and_go_on_after_one(store: Store):
    await store.write(lambda conn: [audit.insert(conn, entry(number)) for number in range(1, 6)])
    ids = [each.id for each in await store.read(lambda conn: audit.page(conn, limit=2))]
    assert ids == [5, 4]
    assert [each.id for each in await store.read(lambda conn: audit.page(conn, limit=2, before=4))] == [3, 2]
    assert [each.id for each in await store.read(lambda conn: audit.page(conn, limit=2, offset=4))] == [1]
    assert await store.read(audit.count) == 5


async def test_an_entry_keeps_all_of_itself(store: Store):
    whole = Entry(
        at=1,
        actor="admin",
        action="monitor.update",
        resource_type="monitor",
        resource_id=2**62,
        resource_name="Site “ü”",
        remote_addr="2001:db8::1",
        detail={"changed": {"interval": {"from": 60, "to": 90}}},
        id=1,
    )
    await store.write(lambda conn: audit.insert(conn, whole))
    assert await store.read(lambda conn: audit.page(conn, limit=1)) == [whole]


async def test_what_is_taken_back_leaves_no_entry(store: Store):
    def fail(conn: Conn) -> None:
        audit.insert(conn, entry(1))
        raise Conflict("no")

    with pytest.raises(Conflict):
        await store.write(fail)
    assert await store.read(audit.count) == 0
