"""Durations, sizes and instants."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("24h", 86_400), ("90d", 7_776_000), ("0s", 0), ("60", 60), (45, 45), (" 5m ", 300)],
)
def test_a_duration_is_read_as_whole_seconds(text: str | int, seconds: int) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "5 minutes", "1.5h", "-5s", "5M", "٣s", "1_000", "s", "9999999999d", True, None])
def test_what_is_no_duration_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="such as 30s"):
        units.parse_duration(text)  # type: ignore[arg-type]


@given(st.integers(min_value=0, max_value=units.MAX_DURATION_S))
def test_a_written_duration_reads_back_the_same(seconds: int) -> None:
    assert units.parse_duration(units.format_duration(seconds)) == seconds


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("64MiB", 67_108_864),
        ("1KiB", 1024),
        ("10MB", 10_000_000),
        ("512B", 512),
        ("77", 77),
        (5, 5),
        ("1 GiB", 1 << 30),
    ],
)
def test_a_size_is_read_as_bytes(text: str | int, size_bytes: int) -> None:
    assert units.parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "1 mib", "MiB", "1.5MiB", "-1", "٣MiB", "9999999TiB", False])
def test_what_is_no_size_is_refused_with_an_example(text: object) -> None:
    with pytest.raises(ValueError, match="such as 512KiB"):
        units.parse_size(text)  # type: ignore[arg-type]


@given(st.integers(min_value=0, max_value=units.MAX_SIZE_BYTES))
def test_a_written_size_reads_back_the_same(size_bytes: int) -> None:
    assert units.parse_size(units.format_size(size_bytes)) == size_bytes


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    assert units.iso(1_774_746_000_000) == "2026-03-29T01:00:00.000Z"
    assert units.iso(-1) == "1969-12-31T23:59:59.999Z"


@pytest.mark.parametrize("ms", [10**18, -(10**18), 1 << 62])
def test_an_instant_outside_the_calendar_is_an_error_not_a_crash(ms: int) -> None:
    with pytest.raises(ValueError, match="between the years"):
        units.iso(ms)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("2026-03-29T01:00:00Z", 1_774_746_000_000),
        ("2026-03-29t01:00:00.5z", 1_774_746_000_500),
        ("2026-03-29T03:00:00.123456789+02:00", 1_774_746_000_123),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000),
    ],
)
def test_an_instant_is_read_to_the_millisecond(text: str, ms: int) -> None:
    assert units.parse_iso(text) == ms


@pytest.mark.parametrize(
    "text",
    ["", "2026-03-29", "2026-03-29T01:00:00", "2026-02-30T01:00:00Z", "2026-03-29T25:00:00Z", "1774746000",
     "٢026-03-29T01:00:00Z",
     "2026-03-29 01:00:00Z", "2026-03-29T01:00:00+99:00", "2026-03-29T01:00:00Z\n"],
)  # fmt: skip
def test_what_is_no_instant_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 2026"):
        units.parse_iso(text)


@given(st.integers(min_value=-62_135_596_800_000, max_value=253_402_300_799_999))
def test_a_written_instant_reads_back_the_same(ms: int) -> None:
    assert units.parse_iso(units.iso(ms)) == ms
