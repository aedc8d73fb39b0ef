"""What a diff says must be so: applied to the old text it gives the new one, and its cost has a limit."""

import random
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.content import diff
from asura.content.diff import compare

_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
TEXTS = st.lists(st.sampled_from(["", "a", "b", "c", "d", " a", "-a", "+a", "@@"]), max_size=40).map("\n".join)


def lines_of(text: str) -> list[str]:
    return text.split("\n") if text else []


def patched(old: str, hunks: str) -> str:
    """`old` after `hunks`; fails where they don't fit it."""
    source, made, at = lines_of(old), [], 0
    for line in lines_of(hunks):
        header = _HEADER.fullmatch(line)
        if header:
            start = int(header[1]) - (header[2] != "0")
            made += source[at:start]
            at = start
            assert len(made) == int(header[3]) - (header[4] != "0")
        elif line[0] == "+":
            made.append(line[1:])
        else:
            assert source[at] == line[1:]
            at += 1
            made += [line[1:]] if line[0] == " " else []
    return "\n".join(made + source[at:])


@pytest.mark.parametrize(
    ("old", "new", "hunks"),
    [
        pytest.param("a", "a", "", id="the same"),
        pytest.param("", "a", "@@ -0,0 +1 @@\n+a", id="from nothing"),
        pytest.param("a", "", "@@ -1 +0,0 @@\n-a", id="to nothing"),
        pytest.param("a", "b", "@@ -1 +1 @@\n-a\n+b", id="one line"),
        pytest.param("a\nb", "a\nb\nc", "@@ -1,2 +1,3 @@\n a\n b\n+c", id="added at the end"),
        pytest.param("a\nb", "c\na\nb", "@@ -1,2 +1,3 @@\n+c\n a\n b", id="added at the beginning"),
        pytest.param(
            "1\n2\n3\n4\n5\n6\n7\n8\n9",
            "1\n2\n3\n4\n5x\n6\n7\n8\n9",
            "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+5x\n 6\n 7\n 8",
            id="three lines around it",
        ),
        pytest.param("{\n}\n{\n}", "{\n}\n{\n}\n{\n}", "@@ -2,3 +2,5 @@\n }\n {\n }\n+{\n+}", id="one more of a kind"),
    ],
)
def test_the_hunks_are_those_of_a_unified_diff(old: str, new: str, hunks: str) -> None:
    assert compare(old, new).diff == hunks


def test_changes_that_lie_close_share_a_hunk_and_others_have_their_own() -> None:
    old = [str(n) for n in range(40)]
    close, far = list(old), list(old)
    close[10], close[17] = "x", "y"
    far[10], far[18] = "x", "y"
    assert compare("\n".join(old), "\n".join(close)).diff.count("@@ -") == 1
    assert compare("\n".join(old), "\n".join(far)).diff.count("@@ -") == 2


@given(old=TEXTS, new=TEXTS)
def test_a_whole_diff_turns_the_old_text_into_the_new(old: str, new: str) -> None:
    found = compare(old, new)
    assert not found.is_cut
    assert patched(old, found.diff) == new
    signs = [line[0] for line in lines_of(found.diff)]
    assert (signs.count("+"), signs.count("-")) == (found.added, found.removed)
    assert found.added - found.removed == len(lines_of(new)) - len(lines_of(old))


@given(old=TEXTS, new=TEXTS)
def test_a_spent_budget_makes_a_diff_longer_but_not_wrong(old: str, new: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diff, "MAX_WORK", 5)
        assert patched(old, compare(old, new).diff) == new


def test_lines_that_only_moved_together_are_found_again() -> None:
    old = [f"line {n}" for n in range(5000)]
    new = [*old[:100], "new", *old[100:3000], *old[3001:]]
    found = compare("\n".join(old), "\n".join(new))
    assert (found.added, found.removed, found.is_cut) == (1, 1, False)


@pytest.mark.parametrize("change", [1, 300], ids=["one long change", "many changes"])
def test_a_diff_that_is_too_long_shows_the_beginning_of_both_sides_and_says_so(change: int) -> None:
    old = [f"old {n}" if n % change == 0 else f"same {n}" for n in range(60_000)]
    new = [f"new {n}" if n % change == 0 else f"same {n}" for n in range(60_000)]
    found = compare("\n".join(old), "\n".join(new))
    assert found.is_cut
    assert len(found.diff) <= diff.MAX_DIFF_CHARS
    assert len(found.brief) <= diff.MAX_BRIEF_CHARS
    assert found.added == found.removed == 60_000 // change
    for shown in (found.diff, found.brief):
        assert "\n-old 0\n" in shown
        assert "\n+new 0\n" in shown
        assert re.search(r"\n\\ (\d+ more lines added|the rest is left out)$", shown)


def test_what_fits_into_a_message_is_told_whole() -> None:
    found = compare("a", "b")
    assert found.brief == found.diff


def _letters(seed: int) -> str:
    chance = random.Random(seed)
    return "\n".join(chance.choice("ab") for _ in range(2**17))


HOSTILE = {
    "two kinds of line": (_letters(1), _letters(2)),
    "the same line throughout": ("\n" * 2**18, "\n" * 2**17 + "x" + "\n" * 2**16 + "y"),
    "shuffled": (
        "\n".join(map(str, range(40_000))),
        "\n".join(map(str, random.Random(3).sample(range(40_000), 40_000))),
    ),
    "reversed": ("\n".join(map(str, range(40_000))), "\n".join(map(str, reversed(range(40_000))))),
    "nothing in common": ("\n".join("a" * 399 for _ in range(600)), "\n".join("b" * 399 for _ in range(600))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_texts_made_to_be_hard_to_compare_have_a_bounded_diff_in_bounded_time(name: str) -> None:
    old, new = HOSTILE[name]
    begun = time.process_time()
    found = compare(old, new)
    # Half a second on a slow machine; what is quadratic would take minutes.
    assert time.process_time() - begun < 5
    assert len(found.diff) <= diff.MAX_DIFF_CHARS
