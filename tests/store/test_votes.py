from asura.model.monitor import Status
from asura.model.vote import Vote
from asura.store import judging, states, votes
from asura.store.connection import WriteConnection
from tests import factories


def vote(region: str, status: Status = Status.DOWN, **fields: object) -> Vote:
    return Vote(**{"region": region, "status": status, "effective_at": 5, "message": "it's “odd”", **fields})  # type: ignore[arg-type]


def of_monitor(conn: WriteConnection, monitor_id: int) -> list[Vote]:
    return list(judging.situations(conn, {monitor_id})[monitor_id].votes.values())


def test_the_latest_vote_of_each_region_is_kept(conn: WriteConnection) -> None:
    web, other = (factories.create(conn, name=name).id for name in "ab")
    votes.save(conn, [(web, vote("eu")), (web, vote("us")), (other, vote("eu", Status.UP))])
    later = vote("eu", Status.DEGRADED, effective_at=9, streak=3, streak_since=2, message="")
    votes.save(conn, [(web, later)])
    assert sorted(of_monitor(conn, web), key=lambda each: each.region) == [later, vote("us")]
    assert of_monitor(conn, other) == [vote("eu", Status.UP)]


def test_saving_nothing_changes_nothing(conn: WriteConnection) -> None:
    votes.save(conn, [])
    assert conn.execute("SELECT count(*) FROM vote").fetchone() == (0,)


def test_dropped_votes_are_those_of_one_monitor(conn: WriteConnection) -> None:
    web, other = (factories.create(conn, name=name).id for name in "ab")
    votes.save(conn, [(web, vote("eu")), (web, vote("us")), (other, vote("eu"))])
    votes.drop(conn, web)
    assert of_monitor(conn, web) == []
    assert of_monitor(conn, other) == [vote("eu")]


def test_all_that_judging_needs_is_read_at_once(conn: WriteConnection) -> None:
    web = factories.create(conn, name="web", interval_s=30, failure_threshold=4, success_threshold=2)
    other = factories.create(conn, name="other", enabled=False)
    ballots = [vote("eu", message="smart “quotes” \\ and\nlines"), vote("us", Status.UP)]
    votes.save(conn, [(web.id, each) for each in ballots])
    found = judging.situations(conn, {web.id, other.id, 999})
    assert found[web.id] == judging.Situation(
        state=states.get(conn, web.id),
        config_version=1,
        is_enabled=True,
        interval_s=30,
        failure_threshold=4,
        success_threshold=2,
        votes={each.region: each for each in ballots},
    )
    assert not found[other.id].is_enabled
    assert found[other.id].votes == {}
    assert set(found) == {web.id, other.id}


def test_judging_nothing_reads_nothing(conn: WriteConnection) -> None:
    assert judging.situations(conn, set()) == {}
