"""Documents from outside: nothing is coerced, and every wrong field is named at once."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

import attrs
import pytest

from asura import fields, serde
from asura.errors import InvalidDocument


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@attrs.frozen(kw_only=True)
class Basic:
    type: Literal["basic"] = "basic"
    user: str
    password: str = attrs.field(default="", validator=fields.text(10))


@attrs.frozen(kw_only=True)
class Bearer:
    type: Literal["bearer"] = "bearer"
    token: str


@attrs.frozen(kw_only=True)
class Sample:
    name: str = attrs.field(validator=fields.text(5, at_least=1))
    count: int = attrs.field(default=1, validator=fields.between(1, 9, "things"))
    ratio: float = 0.5
    flag: bool = False
    from_: str = ""
    tags: tuple[str, ...] = attrs.field(default=(), validator=fields.items(2, each=fields.text(3)))
    headers: Mapping[str, str] = attrs.field(factory=dict)
    colour: Colour = Colour.RED
    mode: Literal["a", "b"] = "a"
    auth: Basic | Bearer | None = None
    expected: tuple[int | str, ...] = ()
    anything: Any = None
    high: int = attrs.field(default=10)

    @high.validator
    def _above(self, attribute: object, value: int) -> None:
        if value < self.count:
            raise ValueError("must not be below count")


def _fields(value: object) -> dict[str, str]:
    with pytest.raises(InvalidDocument) as caught:
        serde.load(Sample, value)
    return caught.value.fields


def test_a_whole_document_is_read_with_its_nested_parts():
    found = serde.load(
        Sample,
        {
            "name": "x",
            "count": 3,
            "from": "here",
            "tags": ["a"],
            "headers": {"A": "b"},
            "colour": "blue",
            "auth": {"type": "bearer", "token": "t"},
            "expected": [200, "2xx"],
            "anything": {"a": [1, None, True, 1.5]},
        },
    )
    assert found.auth == Bearer(token="t")
    assert (found.from_, found.tags, found.expected, found.colour) == ("here", ("a",), (200, "2xx"), Colour.BLUE)


def test_every_wrong_field_is_named_at_once_with_its_path_and_unknown_ones_too():
    assert _fields(
        {
            "count": 10,
            "ratio": "1",
            "flag": 1,
            "tags": ["a", 5],
            "headers": {"A": 1},
            "colour": "green",
            "mode": "c",
            "auth": {"type": "basic", "password": "x" * 11, "odd": 1},
            "expected": [1.5],
            "nmae": "x",
        }
    ) == {
        "nmae": "unknown field",
        "name": "is required",
        "count": "must be between 1 and 9 things",
        "ratio": "must be a number",
        "flag": "must be true or false",
        "tags[1]": "must be a string",
        "headers.A": "must be a string",
        "colour": "must be one of red, blue",
        "mode": "must be one of a, b",
        "auth.user": "is required",
        "auth.password": "must be at most 10 characters, not 11",
        "auth.odd": "unknown field",
        "expected[0]": "must be a whole number or must be a string",
    }


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(True, "must be a whole number", id="a boolean is no number"),
        pytest.param("3", "must be a whole number", id="digits are no number"),
        pytest.param(1.5, "must be a whole number", id="a fraction"),
        pytest.param(None, "must be a whole number", id="null"),
        pytest.param(2**64, "must be a number of at most 64 bits", id="over 64 bits"),
        pytest.param(0, "must be between 1 and 9 things", id="below the range"),
    ],
)
def test_a_whole_number_is_never_coerced(value: object, text: str):
    assert _fields({"name": "x", "count": value}) == {"count": text}


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x\udfff"])
def test_text_that_cannot_be_stored_is_refused_wherever_it_stands(text: str):
    wanted = "must not contain NUL or unpaired surrogates"
    assert _fields({"name": text}) == {"name": wanted}
    assert _fields({"name": "x", "anything": [{"a": text}]}) == {"anything[0].a": wanted}
    assert list(_fields({"name": "x", "headers": {text: "x"}}).values()) == [wanted]


@pytest.mark.parametrize("value", [None, [], "x", 3, True])
def test_a_document_must_be_an_object(value: object):
    assert _fields(value) == {serde.WHOLE: "must be an object"}


def test_a_validator_that_compares_two_fields_is_heard():
    assert _fields({"name": "x", "count": 5, "high": 2}) == {"high": "must not be below count"}
    assert _fields({"name": "x", "count": "5", "high": 2}) == {"count": "must be a whole number"}


def test_a_tagged_union_names_its_tags():
    assert _fields({"name": "x", "auth": {"type": "digest"}}) == {"auth.type": "must be one of basic, bearer"}
    assert _fields({"name": "x", "auth": 3}) == {"auth": "must be an object"}


def test_limits_of_lists_are_told():
    assert _fields({"name": "x", "tags": ["a", "b", "c"]}) == {"tags": "must have at most 2 entries, not 3"}
    assert _fields({"name": "x", "tags": ["aaaa"]}) == {"tags": "each entry must be at most 3 characters, not 4"}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e301])
def test_a_number_is_finite(value: float):
    assert _fields({"name": "x", "ratio": value}) == {"ratio": "must be a finite number"}


def test_what_was_dumped_loads_again():
    sample = serde.load(Sample, {"name": "x", "auth": {"type": "basic", "user": "u"}, "expected": [1, "2xx"]})
    plain = serde.dump(sample)
    assert plain["auth"] == {"type": "basic", "user": "u", "password": ""}
    assert serde.load(Sample, {key.removesuffix("_"): value for key, value in plain.items()}) == sample
