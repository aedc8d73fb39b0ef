import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asura.errors import Conflict, NotFound
from asura.model.monitor import Monitor
from asura.store import monitors
from asura.store.connection import WriteConnection
from tests import factories
from tests.factories import monitor

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
JSON = st.recursive(st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, st.lists, max_leaves=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(
    st.builds(
        Monitor,
        id=st.just(0),
        name=TEXT.map(lambda text: f"name {text}"),
        type=TEXT,
        target=TEXT,
        description=TEXT,
        enabled=st.booleans(),
        public=st.booleans(),
        tags=st.lists(TEXT).map(tuple),
        group=st.none() | TEXT,
        settings=st.dictionaries(TEXT, JSON, max_size=3),
        assertions=st.lists(JSON, max_size=3),
        depends_on=st.lists(st.integers(1, 99)).map(tuple),
        regions=st.lists(TEXT).map(tuple),
        notification_channel_ids=st.lists(st.integers(1, 99)).map(tuple),
        escalation_policy_id=st.none() | st.integers(1, 9),
        upside_down=st.booleans(),
        created_at=st.integers(0, 2**42),
    )
)
def test_a_monitor_comes_back_as_it_was_stored(conn: WriteConnection, wanted: Monitor) -> None:
    conn.execute("SAVEPOINT example")
    stored = monitors.insert(conn, wanted)
    assert stored.id > 0
    assert monitors.get(conn, stored.id) == attrs.evolve(wanted, id=stored.id) == stored
    conn.execute("ROLLBACK TO example")


def test_an_update_replaces_everything(conn: WriteConnection) -> None:
    web = monitors.insert(conn, monitor())
    other = attrs.evolve(web, name="shop", interval_s=300, tags=("a", "b"), settings={"x": [1]}, enabled=False)
    monitors.update(conn, other)
    assert monitors.get(conn, web.id) == other


def test_a_name_is_unique(conn: WriteConnection) -> None:
    monitors.insert(conn, monitor(name="web"))
    shop = monitors.insert(conn, monitor(name="shop"))
    with pytest.raises(Conflict, match="“web” exists already"):
        monitors.insert(conn, monitor(name="web"))
    with pytest.raises(Conflict, match="“web” exists already"):
        monitors.update(conn, attrs.evolve(shop, name="web"))


def test_what_is_not_there_is_not_found(conn: WriteConnection) -> None:
    assert monitors.find(conn, 77) is None
    for call in (monitors.get, monitors.delete):
        with pytest.raises(NotFound, match="there is no monitor 77"):
            call(conn, 77)
    with pytest.raises(NotFound, match="there is no monitor 77"):
        monitors.update(conn, monitor(id=77))


def test_deleting_takes_the_state_along(conn: WriteConnection) -> None:
    web = factories.create(conn)
    monitors.delete(conn, web.id)
    assert monitors.find(conn, web.id) is None
    assert conn.execute("SELECT count(*) FROM monitor_state").fetchone() == (0,)


def test_some_of_them_by_id(conn: WriteConnection) -> None:
    one, _, three = (factories.create(conn, name=name) for name in "abc")
    assert monitors.by_ids(conn, [three.id, 999, one.id]) == [one, three]
    assert monitors.by_ids(conn, []) == []
    assert monitors.existing_ids(conn, [three.id, 999]) == {three.id}


def test_those_that_are_watched(conn: WriteConnection) -> None:
    one, _, three = (factories.create(conn, name=name, enabled=name != "b") for name in "abc")
    assert monitors.all_enabled(conn) == [one, three]


def test_who_depends_on_whom(conn: WriteConnection) -> None:
    a, b = (factories.create(conn, name=name) for name in "ab")
    c = factories.create(conn, name="c", depends_on=(a.id, b.id))
    d = factories.create(conn, name="d", depends_on=(a.id,))
    assert monitors.dependencies(conn) == {c.id: (a.id, b.id), d.id: (a.id,)}
    monitors.forget_dependency(conn, a.id)
    assert monitors.dependencies(conn) == {c.id: (b.id,)}


def test_a_dependency_is_forgotten_without_a_look_at_those_that_have_none(conn: WriteConnection) -> None:
    made = [factories.create(conn, name=f"m{number}").id for number in range(50)]
    factories.create(conn, name="other", depends_on=(made[1],))
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    conn.set_progress_handler(count, 1)
    monitors.forget_dependency(conn, made[0])
    conn.set_progress_handler(None, 0)
    assert steps < 50
