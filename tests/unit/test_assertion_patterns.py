"""Patterns and bodies that would keep a backtracking engine busy for years."""

import time

import pytest

from asura.assertions import regex
from asura.assertions.budget import MATCHING

LONG = "a" * 1_000_000


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$",
        "(a+)+b",
        "(a|a)*b",
        "(a|aa)+$",
        "(.*)(.*)(.*)(.*)(.*)b",
        "(x+x+)+y",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
        "(a*)*b",
        "(a?){30}a{30}b",
        ".*.*.*=.*",
        r"(\w+\s?)*$",
        "([a-zA-Z]+)*1",
        r"(?i)(a|A)+\d",
    ],
)
def test_a_pattern_that_others_choke_on_takes_milliseconds(pattern: str) -> None:
    for text in (LONG, LONG + "!", "ab" * 500_000):
        began = time.thread_time()
        regex.find(pattern, text)
        assert time.thread_time() - began < 1


def test_a_search_that_would_be_too_much_work_says_so() -> None:
    pattern = "[a-z]{1,900}0"
    size = regex.compiled(pattern).programsize
    room = MATCHING // size
    began = time.thread_time()
    assert not regex.find(pattern, "a" * (room + 1)).is_whole
    assert time.thread_time() - began < 4
    assert regex.find(pattern, "a" * 1000).is_whole
    assert regex.work(pattern, 10**9) == MATCHING


def test_what_is_found_is_the_first_match() -> None:
    assert regex.find(r"v\d+", "see v12 and v13").text == "v12"
    assert regex.find(r"v\d+", "none").text is None
    assert regex.find("ü+", "aüüb").text == "üü"
    assert regex.find("x", "\ud800x").text == "x", "an unpaired surrogate is no reason to fail"


@pytest.mark.parametrize(
    ("pattern", "wanted"),
    [
        ("(", "missing )"),
        ("[", "missing ]"),
        ("a**", "repetition"),
        ("(?=a)", "look-around and backreferences are not supported"),
        ("(?<!a)b", "look-around and backreferences are not supported"),
        (r"(a)\1", "look-around and backreferences are not supported"),
        ("(a{1000}){1000}", "repetition size"),
        ("[a-z]{1,1000}x", "simpler"),
        (r"\pL{300}", "must be"),
        ("x" * 1025, "at most 1024 characters"),
    ],
)
def test_a_pattern_that_can_not_be_used_is_refused_with_the_reason(pattern: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=r"^must be ") as refused:
        regex.compiled(pattern)
    assert wanted in str(refused.value)
