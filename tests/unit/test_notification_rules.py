import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.channels import over_http
from asura.errors import SendError
from asura.ids import ChannelId
from asura.model.notification import Channel, EventName
from asura.notifications import rules

DAY_MS = 24 * 3600 * 1000
CREATED, RESOLVED, REMINDER = EventName.CREATED, EventName.RESOLVED, EventName.REMINDER

chances = st.floats(min_value=0, max_value=1, exclude_max=True)


def channel(channel_id: int, *events: str) -> Channel:
    return Channel(id=ChannelId(channel_id), name=f"c{channel_id}", type="webhook", events=events)


@pytest.mark.parametrize(
    ("event", "channels", "named", "told", "expected"),
    [
        pytest.param(CREATED, [channel(1), channel(2)], (), (), [1, 2], id="no name means every channel"),
        pytest.param(CREATED, [channel(1), channel(2)], (2,), (), [2], id="only the named"),
        pytest.param(CREATED, [channel(1, RESOLVED), channel(2, CREATED)], (), (), [2], id="only who asks for it"),
        pytest.param(CREATED, [], (7,), (), [], id="a named channel that is disabled is not told"),
        pytest.param(RESOLVED, [channel(1), channel(2)], (), (1,), [1], id="the end concerns who knew"),
        pytest.param(RESOLVED, [channel(1), channel(2)], (2,), (1,), [1], id="even if it is no longer named"),
        pytest.param(RESOLVED, [channel(1, CREATED)], (), (1,), [], id="unless it does not ask for it"),
        pytest.param(RESOLVED, [channel(1, RESOLVED)], (), (), [1], id="who asks for ends only is told of them"),
        pytest.param(RESOLVED, [channel(1, RESOLVED)], (2,), (), [], id="but not of monitors that name others"),
        pytest.param(REMINDER, [channel(1), channel(2)], (), (1,), [1, 2], id="a reminder finds the new ones too"),
    ],
)
def test_who_is_told(
    event: EventName, channels: list[Channel], named: tuple[int, ...], told: tuple[int, ...], expected: list[int]
) -> None:
    found = rules.recipients(event, enabled=channels, named=named, told=told)

    assert [each.id for each in found] == expected


@given(attempts=st.integers(1, 10_000), chance=chances)
def test_backoff_lies_between_its_limits(attempts: int, chance: float) -> None:
    assert rules.SHORTEST_WAIT_S <= rules.backoff_s(attempts, chance=chance) <= rules.LONGEST_BACKOFF_S


@given(attempts=st.integers(1, 1000), chance=chances)
def test_backoff_never_shrinks_with_more_attempts(attempts: int, chance: float) -> None:
    assert rules.backoff_s(attempts + 1, chance=chance) >= rules.backoff_s(attempts, chance=chance)


@pytest.mark.parametrize(("attempts", "ceiling_s"), [(1, 5), (2, 10), (3, 20), (7, 320), (8, 600), (9, 600)])
def test_backoff_doubles_from_five_seconds_to_ten_minutes(attempts: int, ceiling_s: float) -> None:
    nearly_one = math.nextafter(1, 0)

    assert rules.backoff_s(attempts, chance=nearly_one) == pytest.approx(ceiling_s)
    assert rules.backoff_s(attempts, chance=0.5) == pytest.approx(max(1, ceiling_s / 2))


@given(
    retry_after_s=st.none() | st.floats(0, 1e12),
    attempts=st.integers(1, 500),
    age_ms=st.integers(0, 3 * DAY_MS),
    chance=chances,
)
def test_a_failure_is_tried_again_within_the_hour_or_given_up_for_good(
    retry_after_s: float | None, attempts: int, age_ms: int, chance: float
) -> None:
    error = SendError("answered 503", retry_after_s=retry_after_s)
    now_ms = 1_774_746_000_000

    decision = rules.after_failure(error, attempts=attempts, created_at=now_ms - age_ms, now_ms=now_ms, chance=chance)

    match decision:
        case rules.TryAgain(at_ms=at_ms):
            assert now_ms + 1000 <= at_ms <= now_ms + rules.LONGEST_WAIT_S * 1000
            assert at_ms >= now_ms + min(retry_after_s or 0, rules.LONGEST_RETRY_AFTER_S) * 1000 - 1
            assert at_ms <= now_ms - age_ms + DAY_MS
        case rules.GiveUp(reason=reason):
            assert age_ms > DAY_MS - rules.LONGEST_WAIT_S * 1000
            assert "answered 503" in reason


def test_a_permanent_refusal_is_given_up_at_once() -> None:
    decision = rules.after_failure(
        SendError("answered 404", permanent=True), attempts=1, created_at=0, now_ms=0, chance=0.5
    )

    assert decision == rules.GiveUp(reason="answered 404")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 406, 410, 413, 414, 415, 422, 431, 451, 301, 308])
def test_answers_that_would_be_the_same_again_are_permanent(status: int) -> None:
    assert over_http.is_permanent(status)


@pytest.mark.parametrize(
    "status", [408, 409, 421, 423, 424, 425, 429, 500, 501, 502, 503, 504, 599, 302, 303, 307, 304]
)
def test_answers_that_may_change_are_worth_another_try(status: int) -> None:
    assert not over_http.is_permanent(status)


NOW_MS = 1_774_746_000_000  # 2026-03-29T01:00:00Z


@pytest.mark.parametrize(
    ("text", "expected_s"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sun, 29 Mar 2026 01:02:00 GMT", 120.0),
        ("Sun, 29 Mar 2026 00:00:00 GMT", 0.0),
        ("9" * 400, 999_999_999_999.0),
        ("soon", None),
        ("-5", None),
        ("٣", None),
        ("1_0", None),
        ("", None),
        ("Sun, 99 Mar 2026 01:02:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_both_forms(text: str, expected_s: float | None) -> None:
    assert over_http.retry_after_s(text, now_ms=NOW_MS) == expected_s


@given(st.text())
def test_no_retry_after_breaks_the_reading(text: str) -> None:
    found = over_http.retry_after_s(text, now_ms=NOW_MS)

    assert found is None or found >= 0
    refusal = over_http.refusal(503, said="", retry_after=text, now_ms=NOW_MS)
    assert 0 <= rules.pause_s(refusal) <= rules.LONGEST_RETRY_AFTER_S
