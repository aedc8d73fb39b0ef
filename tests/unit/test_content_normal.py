"""What of a body is compared."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asura.content import ignoring, normal
from asura.content.normal import normalise
from asura.errors import InvalidDocument
from asura.serde import load
from tests.fakes.ignoring import Ignoring

JSON = '{"b": [1, {"x": 2}], "a": "é\\n", "e": {}, "n": 123456789012345678901234567890, "f": 1.50, "z": null}'
PRETTY = """\
{
  "a": "é\\n",
  "b": [
    1,
    {
      "x": 2
    }
  ],
  "e": {},
  "f": 1.5,
  "n": 123456789012345678901234567890,
  "z": null
}"""


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param("", "", id="nothing"),
        pytest.param("a\r\nb\rc\n", "a\nb\nc", id="line ends of every kind"),
        pytest.param("a  \t\n\n b\n\n\n", "a\n\n b", id="white space at the end of a line and of the whole"),
        pytest.param(JSON, PRETTY, id="JSON: one member a line, keys sorted"),
        pytest.param(PRETTY, PRETTY, id="JSON: its white space means nothing"),
        pytest.param(" [1,2]", "[\n  1,\n  2\n]", id="a JSON array"),
        pytest.param('{"a": 1', '{"a": 1', id="broken JSON is text"),
        pytest.param("12", "12", id="a number alone is text"),
        pytest.param('{"a": "\\u0000"}', '{\n  "a": "\\u0000"\n}', id="an escaped NUL in JSON"),
        pytest.param("a\0b\x1b[1m\ud800", "a\ufffdb\ufffd[1m?", id="what can't be stored or shown"),
        pytest.param(
            "<p>a</p><p>b</p> <i>c</i>", "<p>a</p>\n<p>b</p>\n<i>c</i>", id="minified HTML breaks between tags"
        ),
        pytest.param("a ><b", "a ><b", id="but text doesn't"),
        pytest.param(
            "[" * 1000 + "]" * 1000,
            "[" * 400 + "\n" + "[" * 400 + "\n" + "[" * 200 + "]" * 200 + "\n" + "]" * 400 + "\n" + "]" * 400,
            id="JSON too deep to be read is text",
        ),
    ],
)
def test_a_body_becomes_lines_that_can_be_compared(body: str, text: str) -> None:
    assert normalise(body) == text


def test_a_long_line_breaks_where_its_sentences_end_so_that_a_change_moves_no_other_break() -> None:
    sentences = [f"Sentence number {n} is of some length." for n in range(40)]
    before = normalise(" ".join(sentences)).split("\n")
    sentences[3] = "This one is new."
    after = normalise(" ".join(sentences)).split("\n")
    assert [n for n in range(40) if before[n] != after[n]] == [3]
    assert normalise("x" * 1000).split("\n") == ["x" * 400, "x" * 400, "x" * 200]


@pytest.mark.parametrize("tags", ["<p>a</p>", "<i>x</i> \t", "<b\x01>"])
def test_markup_breaks_at_every_tag_however_long_it_is(tags: str) -> None:
    lines = normalise(tags * 9000).split("\n")
    assert (len(lines), set(lines)) == (9000, {tags.rstrip().replace("\x01", "\ufffd")})


def test_the_last_line_of_a_body_that_was_cut_is_not_compared() -> None:
    assert normalise("one\ntwo\nthr", is_cut=True) == "one\ntwo"
    assert normalise("one", is_cut=True) == "one"
    assert normalise('{"a": 1}', is_cut=True) == '{"a": 1}'


@pytest.mark.parametrize(
    ("body", "patterns", "text"),
    [
        pytest.param("at 12:30\nx", (r"\d\d:\d\d",), "at\nx", id="within a line"),
        pytest.param("a\n12:30\nb", (r"\d\d:\d\d",), "a\nb", id="a line of which nothing is left goes whole"),
        pytest.param("a\n\nb", ("x",), "a\n\nb", id="one that was empty stays"),
        pytest.param("a1 b2", (r"a\d", r"b\d"), "", id="several"),
        pytest.param("FOO foo", ("(?i)foo", "(?P<n>x)", "(?P<n>y)"), "", id="flags and names of each its own"),
        pytest.param("one\ntwo", ("(?s)one.two",), "one\ntwo", id="never beyond a line"),
        pytest.param("ab\nb", ("^b$",), "ab", id="anchors are those of the line"),
        pytest.param('{"t": 1, "u": 2}', (r'"t": \d+',), '{\n  ,\n  "u": 2\n}', id="JSON as diffs show it"),
        pytest.param("<a>1</a><b>2</b>", ("^<b>.*",), "<a>1</a>", id="HTML as diffs show it"),
        pytest.param("é", (r"\C",), "", id="bytes of a character"),
    ],
)
def test_what_matches_a_pattern_is_not_compared(body: str, patterns: tuple[str, ...], text: str) -> None:
    assert normalise(body, ignore_patterns=patterns) == text


@pytest.mark.parametrize(
    ("document", "paths", "left"),
    [
        pytest.param({"a": 1, "t": 2}, ("$.t",), {"a": 1}, id="a member"),
        pytest.param({"a": 1}, ("$.t", "$.a.b"), {"a": 1}, id="none"),
        pytest.param([1, 2, 3, 4], ("$[1]", "$[-1]"), [1, 3], id="elements, one path after the other"),
        pytest.param([1, 2, 3, 4], ("$[0,2]",), [2, 4], id="elements of one path, none moved by another"),
        pytest.param({"a": [{"t": 1, "k": 2}], "t": 3}, ("$..t",), {"a": [{"k": 2}]}, id="at any depth"),
        pytest.param({"a": {"t": {"t": 1}}}, ("$..t",), {"a": {}}, id="one within another"),
        pytest.param(
            [{"id": 1, "t": 5}, {"id": 2, "t": 6}],
            ("$[?@.id == 2].t",),
            [{"id": 1, "t": 5}, {"id": 2}],
            id="by a filter",
        ),
        pytest.param({"a": 1, "b": [2]}, ("$.*",), {}, id="everything"),
        pytest.param({"x": [1, 2]}, ("$.x[::-1]",), {"x": []}, id="a slice, backwards"),
        pytest.param(
            {"m": {str(n): n for n in range(12)}},
            ("$.m['1','10','9']",),
            {"m": {str(n): n for n in range(12) if n not in (1, 10, 9)}},
            id="names that are numbers",
        ),
    ],
)
def test_what_a_path_finds_is_not_compared(document: Any, paths: tuple[str, ...], left: Any) -> None:
    assert normalise(json.dumps(document), ignore_paths=paths) == normalise(json.dumps(left))


def test_paths_leave_alone_what_is_not_json() -> None:
    assert normalise("$.t is what it says", ignore_paths=("$.t",)) == "$.t is what it says"


@pytest.mark.parametrize(
    ("settings", "field", "problem"),
    [
        ({"ignore_patterns": ["a", "(b"]}, "ignore_patterns", "a regular expression: missing ): (b, unlike '(b'"),
        ({"ignore_patterns": [r"(a)\1"]}, "ignore_patterns", "regular expression: invalid escape sequence"),
        ({"ignore_patterns": [r"\p{L}\p{L}x"]}, "ignore_patterns", "regular expression: its repeats or"),
        ({"ignore_patterns": ["a*"]}, "ignore_patterns", "must not have 'a*', which matches an empty text, too"),
        ({"ignore_patterns": [r"\Qa", "b"]}, "ignore_patterns", r"close each \Q with \E"),
        ({"ignore_patterns": [""]}, "ignore_patterns", "each entry must not be empty"),
        ({"ignore_patterns": ["a"] * 21}, "ignore_patterns", "must have at most 20 entries, not 21"),
        ({"ignore_patterns": ["a" * 501]}, "ignore_patterns", "each entry must be at most 500 characters, not 501"),
        ({"ignore_paths": ["a.b"]}, "ignore_paths", "must have JSON paths (RFC 9535): "),
        ({"ignore_paths": ["$[?@ == 1e99999]"]}, "ignore_paths", "must have simpler paths than "),
        ({"ignore_paths": ["$"]}, "ignore_paths", "must not have $ alone, which is the whole document"),
        ({"ignore_paths": ["$[?@..a]"]}, "ignore_paths", "must have filters of comparisons and"),
        ({"ignore_paths": ["$[?!(@.a == 1 && $.*)]"]}, "ignore_paths", "must have filters of comparisons and"),
        ({"ignore_paths": ["$[?match(@.a, 'x')]"]}, "ignore_paths", "must have filters of comparisons and"),
        ({"ignore_paths": ["$.a"] * 21}, "ignore_paths", "must have at most 20 entries, not 21"),
    ],
    ids=lambda value: str(value)[:40],
)  # fmt: skip
def test_what_could_not_be_applied_is_refused_when_it_is_saved(settings: Any, field: str, problem: str) -> None:
    with pytest.raises(InvalidDocument) as refused:
        load(Ignoring, settings)
    assert set(refused.value.fields) == {field}
    assert problem in refused.value.fields[field]


def test_what_can_be_applied_is_taken() -> None:
    settings = {
        "ignore_patterns": [r"\d{2}:\d{2}", "(?i)build [0-9a-f]+"],
        "ignore_paths": ["$.a", "$..b[0]", "$.c[?@.d == 'x' || !@.e]", "$['f']"],
    }
    assert load(Ignoring, settings).ignore_paths == ("$.a", "$..b[0]", "$.c[?@.d == 'x' || !@.e]", "$['f']")


@given(body=st.text() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_body_becomes_a_text_that_can_be_stored_and_stays_what_it_is(body: str) -> None:
    text = normalise(body, ignore_patterns=("a+",), ignore_paths=("$..*",))
    text.encode()
    assert "\0" not in text
    assert all(len(line) <= normal.MAX_LINE_CHARS for line in text.split("\n"))
    assert text == normalise(body, ignore_patterns=("a+",), ignore_paths=("$..*",))


M = 2**20
HOSTILE = {
    "an array of zeros": ("[" + "0," * (M // 2 - 2) + "0]", (), ("$..a",)),
    "indented beyond measure": ("[" * 900 + "1," * (M // 2 - 2000) + "1" + "]" * 900, (), ()),
    "many small objects": ("[" + '{"t":1},' * (M // 8 - 2) + "0]", (), ("$..t", "$..*..*..[?@.x == 1]")),
    "one array below many": ("[" * 60 + "0," * 90_000 + "0" + "]" * 60, (), ("$..*..*..*..[?@.x == 1]",)),
    "tags without end": ("<" + "> " * (M // 2), (), ()),
    "empty lines": ("\n" * M, ("a",), ()),
    "a line that matches everywhere": ("a" * M, ("a.*b|a",), ()),
    "lines that match everywhere": ("\n".join(["a" * 399] * 2600), ("a.*b|a",), ()),
    "twenty patterns": (("x" * 60 + "\n") * 16_000, tuple(f"(a|b|{n})*x*[ab]+z{n}" for n in range(20)), ()),
    "larger than is read": ("x y\n" * M, ("x",), ()),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_made_to_be_costly_gives_a_bounded_text_in_bounded_time(name: str) -> None:
    body, patterns, paths = HOSTILE[name]
    begun = time.process_time()
    text = normalise(body, ignore_patterns=patterns, ignore_paths=paths)
    # Some tenths of a second on a slow machine; what is quadratic would take minutes.
    assert time.process_time() - begun < 5
    assert len(text) <= normal.MAX_CHARS


def test_a_document_too_large_for_its_paths_is_compared_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ignoring, "MAX_NODES", 5)
    assert normalise('{"a":[1,2,3,4,5,6]}', ignore_paths=("$.a[*]",)) == normalise('{"a":[1,2,3,4,5,6]}')


def test_patterns_are_applied_for_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    body = "\n".join(["a1"] * 100)
    assert normalise(body, ignore_patterns=("[0-9]",)) == "\n".join(["a"] * 100)
    monkeypatch.setattr(ignoring, "MAX_MATCHING", 1000)
    text = normalise(body, ignore_patterns=("[0-9]",))
    assert text.startswith("a\na\n")
    assert text.endswith("a1\na1")
