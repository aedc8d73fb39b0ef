from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.consensus import rules
from asura.consensus.rules import Thresholds, Verdict, cast, decide
from asura.model.monitor import MonitorStatus, Status
from asura.model.vote import Vote

WINDOW = 60_000
NOW = 1_000_000

U, G, D = Status.UP, Status.DEGRADED, Status.DOWN
UP, DEGRADED, DOWN, PENDING = MonitorStatus.UP, MonitorStatus.DEGRADED, MonitorStatus.DOWN, MonitorStatus.PENDING


@pytest.mark.parametrize(
    ("interval_s", "expected"),
    [
        pytest.param(5, 60_000, id="never under a minute"),
        pytest.param(60, 60_000, id="a minute"),
        pytest.param(300, 300_000, id="the interval when that is longer"),
    ],
)
def test_a_vote_counts_for_an_interval_and_at_least_a_minute(interval_s: int, expected: int) -> None:
    assert rules.window_ms(interval_s) == expected


def test_after_three_windows_of_silence_nobody_knows() -> None:
    assert rules.stale_at(NOW, interval_s=300) == NOW + 900_000
    assert rules.stale_at(NOW, interval_s=10) == NOW + 180_000


def voted(*seen: tuple[Status, int]) -> Vote:
    """The vote of one region after results of some status at some instants."""
    vote: Vote | None = None
    for status, at in seen:
        vote = cast(vote, region="local", status=status, at=at, message=status.value, window=WINDOW)
    assert vote is not None
    return vote


@pytest.mark.parametrize(
    ("seen", "streak", "since"),
    [
        pytest.param([(D, 0)], 1, 0, id="a first result begins a streak"),
        pytest.param([(D, 0), (D, 60_000), (D, 120_000)], 3, 0, id="failures add up"),
        pytest.param([(D, 0), (U, 60_000), (D, 120_000)], 1, 120_000, id="a success between starts anew"),
        pytest.param([(U, 0), (G, 60_000), (U, 120_000)], 3, 0, id="up and degraded are both no failure"),
        pytest.param([(G, 0), (D, 60_000)], 1, 60_000, id="a failure ends a streak of degraded"),
        pytest.param([(D, 0), (D, 120_000)], 2, 0, id="two windows of silence are no gap"),
        pytest.param([(D, 0), (D, 120_020)], 2, 0, id="nor is it when the check after a missed one is a little late"),
        pytest.param([(D, 0), (D, 121_001)], 1, 121_001, id="more than two windows are one"),
        pytest.param([(D, 0), (D, 60_000), (D, 500_000), (D, 560_000)], 2, 500_000, id="the streak after a gap"),
        pytest.param([(D, 70_000), (D, 10_000)], 2, 70_000, id="a clock set back is no gap"),
    ],
)
def test_streaks(seen: list[tuple[Status, int]], streak: int, since: int) -> None:
    vote = voted(*seen)
    assert (vote.streak, vote.streak_since) == (streak, since)


@pytest.mark.parametrize(
    ("silent_ms", "streak"),
    [
        pytest.param(None, 1, id="not known: by the instants"),
        pytest.param(55_000, 2, id="the check itself took long, or waited for its place"),
        pytest.param(121_001, 1, id="nobody was looking"),
    ],
)
def test_only_the_time_in_which_nobody_looked_is_a_gap(silent_ms: int | None, streak: int) -> None:
    vote = cast(voted((D, 0)), region="local", status=D, at=400_000, message="down", window=WINDOW, silent_ms=silent_ms)
    assert vote.streak == streak


def test_a_vote_tells_the_latest_result() -> None:
    vote = voted((D, 0), (D, 60_000))
    assert (vote.region, vote.status, vote.effective_at, vote.message) == ("local", D, 60_000, "down")


def vote(status: Status, *, streak: int = 1, age: int = 0, region: str = "local") -> Vote:
    return Vote(region=region, status=status, effective_at=NOW - age, streak=streak, streak_since=NOW - age)


def judged(*votes: Vote, current: MonitorStatus, failure: int = 1, success: int = 1, **fleet: Any) -> Verdict:
    regions = {"eligible": max(1, len(votes)), "quorum": 1, **fleet}
    thresholds = Thresholds(failure=failure, success=success)
    return decide(votes, current=current, thresholds=thresholds, now_ms=NOW, window=WINDOW, **regions)


@pytest.mark.parametrize(
    ("current", "seen", "thresholds", "status", "confirming"),
    [
        pytest.param(PENDING, vote(U), (1, 1), UP, False, id="pending, the first success: up"),
        pytest.param(PENDING, vote(U), (3, 2), UP, False, id="pending needs no success threshold"),
        pytest.param(PENDING, vote(G), (1, 1), DEGRADED, False, id="pending, degraded at once"),
        pytest.param(PENDING, vote(D), (1, 1), DOWN, False, id="pending, threshold 1: down at once"),
        pytest.param(PENDING, vote(D, streak=2), (3, 1), PENDING, True, id="pending, threshold 3: doubted"),
        pytest.param(PENDING, vote(D, streak=3), (3, 1), DOWN, False, id="pending, threshold 3 met: down"),
        pytest.param(UP, vote(U), (3, 2), UP, False, id="up stays up"),
        pytest.param(UP, vote(D, streak=1), (3, 1), UP, True, id="up, the first failure of three: doubted"),
        pytest.param(UP, vote(D, streak=2), (3, 1), UP, True, id="up, the second failure of three: doubted"),
        pytest.param(UP, vote(D, streak=3), (3, 1), DOWN, False, id="up, the third failure: down"),
        pytest.param(UP, vote(D, streak=1), (1, 1), DOWN, False, id="up, threshold 1: down at once"),
        pytest.param(UP, vote(G), (3, 2), DEGRADED, False, id="up to degraded at once"),
        pytest.param(DEGRADED, vote(U), (3, 2), UP, False, id="degraded to up at once"),
        pytest.param(DEGRADED, vote(D, streak=2), (3, 1), DEGRADED, True, id="degraded, doubted"),
        pytest.param(DOWN, vote(D, streak=9), (3, 1), DOWN, False, id="down stays down"),
        pytest.param(DOWN, vote(U, streak=1), (3, 1), UP, False, id="down, success threshold 1: up at once"),
        pytest.param(DOWN, vote(U, streak=1), (3, 2), DOWN, True, id="down, the first success of two: doubted"),
        pytest.param(DOWN, vote(U, streak=2), (3, 2), UP, False, id="down, the second success: up"),
        pytest.param(DOWN, vote(G, streak=2), (3, 2), DEGRADED, False, id="degraded is a recovery too"),
        pytest.param(DOWN, vote(D, streak=1), (3, 2), DOWN, False, id="down, failing again after one success: down"),
    ],
)
def test_one_region(
    current: MonitorStatus, seen: Vote, thresholds: tuple[int, int], status: MonitorStatus, confirming: bool
) -> None:
    failure, success = thresholds
    verdict = judged(seen, current=current, failure=failure, success=success)
    assert verdict == Verdict(status=status, confirming=confirming, partial=False)


@pytest.mark.parametrize("current", [PENDING, UP, DEGRADED, DOWN])
@pytest.mark.parametrize("votes", [(), (vote(D, streak=9, age=WINDOW + 1),), (vote(U, streak=9, age=WINDOW + 1),)])
def test_silence_neither_alarms_nor_recovers(current: MonitorStatus, votes: tuple[Vote, ...]) -> None:
    assert judged(*votes, current=current) == Verdict(status=current, confirming=False, partial=False)


def test_a_vote_counts_up_to_the_very_end_of_its_window() -> None:
    assert judged(vote(D, age=WINDOW), current=UP).status is DOWN
    assert judged(vote(D, age=WINDOW + 1), current=UP).status is UP


def ballot(statuses: str) -> list[Vote]:
    """Fresh and long-standing votes: U up, G degraded, D down, d down but not yet confirmed, - silent."""
    kinds = {"U": (U, 5), "G": (G, 5), "D": (D, 5), "d": (D, 1)}
    return [
        vote(kinds[letter][0], streak=kinds[letter][1], region=f"r{number}")
        for number, letter in enumerate(statuses)
        if letter != "-"
    ]


@pytest.mark.parametrize(
    ("statuses", "quorum", "current", "expected"),
    [
        pytest.param("DDU", 2, UP, DOWN, id="2 of 3 fail, quorum 2: down"),
        pytest.param("DUU", 2, UP, UP, id="1 of 3 fails, quorum 2: up"),
        pytest.param("DUU", 2, DOWN, UP, id="2 of 3 say otherwise: recovered"),
        pytest.param("DU-", 2, UP, UP, id="one each, one silent: the status holds, up"),
        pytest.param("DU-", 2, DOWN, DOWN, id="one each, one silent: the status holds, down"),
        pytest.param("D--", 2, DOWN, DOWN, id="silence does not recover"),
        pytest.param("U--", 2, DOWN, DOWN, id="one success is not enough to recover"),
        pytest.param("U--", 2, PENDING, PENDING, id="one success of three is no verdict yet"),
        pytest.param("UU-", 2, PENDING, UP, id="two of three can't be outvoted any more"),
        pytest.param("DDD", 3, UP, DOWN, id="all agree, quorum all"),
        pytest.param("DDU", 3, DOWN, UP, id="quorum all: a single success recovers"),
        pytest.param("DD-", 3, UP, UP, id="quorum all: silence does not alarm"),
        pytest.param("DUU", 1, UP, DOWN, id="quorum 1: one failure is enough"),
        pytest.param("-UU", 1, DOWN, DOWN, id="quorum 1: recovery needs every region"),
        pytest.param("UUU", 1, DOWN, UP, id="quorum 1: and has it"),
        pytest.param("DDUU", 2, UP, DOWN, id="2 of 4 fail, quorum 2: down, there is no tie"),
        pytest.param("DDUU", 3, DOWN, UP, id="2 of 4 fail, quorum 3: up, there is no tie"),
        pytest.param("Ddd", 2, UP, UP, id="thresholds are per region: one confirmed of three failing"),
        pytest.param("DDd", 2, UP, DOWN, id="thresholds are per region: two confirmed"),
        pytest.param("GGU", 2, UP, DEGRADED, id="degraded by quorum"),
        pytest.param("GUU", 2, UP, UP, id="one degraded of three is up"),
        pytest.param("dGU", 2, UP, DEGRADED, id="two others rule out down; a failure and a degraded remain"),
        pytest.param("ddU", 2, UP, UP, id="two failures not confirmed: the status holds"),
        pytest.param("DGU", 2, UP, DEGRADED, id="a failure and a degraded make degraded"),
        pytest.param("DGU", 2, DOWN, DEGRADED, id="and recover from down"),
        pytest.param("GGG", 1, DOWN, DEGRADED, id="all degraded recovers to degraded"),
    ],
)
def test_several_regions(statuses: str, quorum: int, current: MonitorStatus, expected: MonitorStatus) -> None:
    verdict = judged(*ballot(statuses), current=current, failure=3, eligible=len(statuses), quorum=quorum)
    assert verdict.status is expected


@pytest.mark.parametrize(
    ("statuses", "current", "partial"),
    [
        pytest.param("DUU", UP, True, id="one confirmed failure of three"),
        pytest.param("dUU", UP, False, id="a failure that isn't confirmed"),
        pytest.param("DDU", UP, False, id="a quorum is not partial"),
        pytest.param("UUU", UP, False, id="no failure"),
        pytest.param("D--", DOWN, False, id="down already"),
    ],
)
def test_a_failure_without_a_quorum_is_told_as_partial(statuses: str, current: MonitorStatus, partial: bool) -> None:
    assert judged(*ballot(statuses), current=current, failure=3, eligible=3, quorum=2).partial is partial


def test_fewer_eligible_regions_than_the_quorum_hold_the_alarm_but_not_the_recovery() -> None:
    assert judged(*ballot("D"), current=UP, failure=1, eligible=1, quorum=2).status is UP
    assert judged(*ballot("U"), current=DOWN, failure=1, eligible=1, quorum=2).status is UP


VOTES = st.lists(
    st.builds(vote, st.sampled_from(Status), streak=st.integers(1, 4), age=st.integers(0, 2 * WINDOW)), max_size=5
)


@given(VOTES, st.sampled_from([PENDING, UP, DEGRADED, DOWN]), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
def test_down_needs_a_quorum_of_confirmed_failures_and_recovery_enough_others(
    votes: list[Vote], current: MonitorStatus, quorum: int, failure: int, success: int
) -> None:
    eligible = max(len(votes), quorum)
    verdict = judged(*votes, current=current, failure=failure, success=success, eligible=eligible, quorum=quorum)
    fresh = [each for each in votes if NOW - each.effective_at <= WINDOW]
    down = [each for each in fresh if each.is_down and each.streak >= failure]
    others = [each for each in fresh if not each.is_down]
    if verdict.status is DOWN and current is not DOWN:
        assert len(down) >= quorum
    if verdict.status is not current and verdict.status is not DOWN:
        assert len(others) >= eligible - quorum + 1
    if len(down) >= quorum:
        assert verdict.status is DOWN
    assert verdict.status is not PENDING or current is PENDING


@given(VOTES, st.sampled_from([PENDING, UP, DEGRADED, DOWN]), st.randoms(use_true_random=False))
def test_the_order_of_the_votes_makes_no_difference(votes: list[Vote], current: MonitorStatus, random: Any) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)
    assert judged(*votes, current=current, failure=2) == judged(*shuffled, current=current, failure=2)
