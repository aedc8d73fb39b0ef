"""Assertions over the API: refused when they can't be evaluated, kept as they were sent, told with each check."""

from typing import Any

import pytest
import trio
from jsonschema import Draft202012Validator

from asura.assertions.parsing import parse
from asura.errors import InvalidDocument
from tests.api import contract
from tests.api.conftest import Api
from tests.fakes.target import answer, start_target

LIST = [
    {"type": "status_code", "operator": "eq", "value": 200},
    {"type": "json_path", "target": "$.status", "operator": "eq", "value": "ok", "degraded": True},
]
TREE = {
    "operator": "or",
    "groups": [
        {"operator": "and", "conditions": LIST},
        {"operator": "or", "conditions": [{"type": "header", "target": "x-maintenance", "operator": "exists"}]},
    ],
}


def document(**fields: Any) -> dict[str, Any]:
    return {"name": "shop", "type": "http", "target": "http://127.0.0.1:9/", **fields}


@pytest.mark.parametrize("assertions", [[], LIST, TREE], ids=["none", "a list", "a tree"])
async def test_assertions_come_back_as_they_were_sent(api: Api, assertions: Any) -> None:
    made = (await api.admin.post("/api/v1/monitors", json=document(assertions=assertions))).json()
    assert made["assertions"] == assertions
    again = (await api.admin.put(f"/api/v1/monitors/{made['id']}", json=made)).json()
    assert again["assertions"] == assertions
    patched = await api.admin.patch(f"/api/v1/monitors/{made['id']}", json={"name": "other"})
    assert patched.json()["assertions"] == assertions
    clone = (await api.admin.post(f"/api/v1/monitors/{made['id']}/clone")).json()
    assert clone["assertions"] == assertions
    cleared = await api.admin.patch(f"/api/v1/monitors/{made['id']}", json={"assertions": None})
    assert cleared.json()["assertions"] == []


async def test_a_list_becomes_a_tree_and_back_with_its_nulls(api: Api) -> None:
    null = {"type": "json_path", "target": "$.error", "operator": "eq", "value": None}
    tree = {"operator": "and", "groups": [{"operator": "and", "conditions": [null]}]}
    made = (await api.admin.post("/api/v1/monitors", json=document(assertions=[null]))).json()
    for wanted in (tree, TREE, [null], []):
        patched = await api.admin.patch(f"/api/v1/monitors/{made['id']}", json={"assertions": wanted})
        assert patched.json()["assertions"] == wanted


async def test_a_test_with_changes_tracked_leaves_nothing_behind(api: Api, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, b"all well"))
    body = document(target=target.url, track_changes=True, assertions=LIST[:1])
    seen = (await api.admin.post("/api/v1/monitors/test", json=body)).json()
    assert (seen["status"], seen["assertions"][0]["ok"]) == ("up", True)
    assert await api.services.store.read(lambda conn: conn.execute("SELECT count(*) FROM content").fetchone()[0]) == 0


async def test_what_can_not_be_evaluated_is_refused_with_every_path(api: Api) -> None:
    wrong = {
        "operator": "and",
        "groups": [
            {
                "operator": "and",
                "conditions": [
                    {"type": "json_path", "target": "status", "operator": "exists"},
                    {"type": "body_regex", "operator": "matches", "value": "(?=x)"},
                    {"type": "dns_record", "operator": "exists"},
                ],
            }
        ],
    }
    refused = await api.admin.post("/api/v1/monitors", json=document(assertions=wrong, interval=0))
    assert refused.status_code == 422
    assert set(refused.json()["fields"]) == {
        "interval",
        "assertions.groups[0].conditions[0].target",
        "assertions.groups[0].conditions[1].value",
        "assertions.groups[0].conditions[2].type",
    }
    assert (await api.admin.get("/api/v1/monitors")).json()["total"] == 0


async def test_a_change_of_type_is_held_against_the_assertions_that_stay(api: Api) -> None:
    made = (await api.admin.post("/api/v1/monitors", json=document(assertions=LIST))).json()
    change = {"type": "tcp", "target": "127.0.0.1:9", "settings": {}}
    refused = await api.admin.patch(f"/api/v1/monitors/{made['id']}", json=change)
    assert set(refused.json()["fields"]) == {"assertions[0].type", "assertions[1].type"}


async def test_a_body_that_is_never_sent_can_not_be_asserted(api: Api) -> None:
    refused = await api.admin.post("/api/v1/monitors", json=document(assertions=LIST, settings={"method": "HEAD"}))
    assert refused.json()["fields"] == {
        "assertions": "must not look at the body with the method HEAD, whose answers have none"
    }


async def test_a_test_shows_every_assertion_with_what_was_seen(api: Api, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, b'{"status": "failing"}'))
    tried = await api.admin.post("/api/v1/monitors/test", json=document(target=target.url, assertions=LIST))
    seen = tried.json()
    assert (seen["status"], seen["message"]) == ("degraded", '$.status: expected "ok", got "failing"')
    assert seen["assertions"] == [
        {**LIST[0], "target": None, "degraded": False, "ok": True, "expected": "200", "seen": "200"},
        {**LIST[1], "ok": False, "expected": '"ok"', "seen": '"failing"'},
    ]
    assert "assertions" not in seen["detail"]


async def test_the_results_stay_with_the_check(api: Api, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(200, b'{"status": "ok"}'))
    made = (await api.admin.post("/api/v1/monitors", json=document(target=target.url, assertions=TREE))).json()
    seen = (await api.admin.post(f"/api/v1/monitors/{made['id']}/check")).json()
    assert (seen["status"], [each["ok"] for each in seen["assertions"]]) == ("up", [True, True, False])
    [listed] = (await api.reader.get(f"/api/v1/monitors/{made['id']}/checks")).json()["data"]
    assert listed["assertions"] == seen["assertions"]


async def test_the_table_of_assertions_is_told(api: Api) -> None:
    types = (await api.reader.get("/api/v1/types")).json()
    by_type = {each["type"]: each for each in types["assertions"]}
    assert by_type["header"]["target"]["placeholder"] == "Content-Type"
    assert by_type["response_time"]["unit"] == "ms"
    assert {"name": "exists", "label": "exists", "value": "none"} in by_type["json_path"]["operators"]
    for each in types["monitors"]:
        assert set(each["assertions"]) <= set(by_type)


def _schema() -> Draft202012Validator:
    return Draft202012Validator(contract.document()["components"]["schemas"]["Assertions"])


@pytest.mark.parametrize(
    "assertions",
    [
        [],
        LIST,
        TREE,
        [{"type": "json_path", "target": "$.a", "operator": "exists"}],
        [{"type": "json_path", "target": "$.a", "operator": "exists", "value": None}],
        [{"type": "json_path", "target": "$.a", "operator": "eq", "value": {"b": [1, None]}}],
        [{"type": "status_code", "operator": "gte", "value": "200"}],
        [{"type": "status_code", "operator": "matches", "value": "2.."}],
        [{"type": "status_code", "operator": "eq"}],
        [{"type": "status_code", "operator": "eq", "value": 200, "target": "x"}],
        [{"type": "header", "operator": "exists"}],
        [{"type": "body_contains", "operator": "contains", "value": 3}],
        [{**LIST[0], "colour": "red"}],
        [{"type": "mood", "operator": "eq", "value": 1}],
        {"operator": "xor", "groups": TREE["groups"]},
        {"operator": "and", "groups": []},
        {"operator": "and", "groups": [{"operator": "and", "conditions": []}]},
        [LIST[0]] * 51,
        "x",
    ],
    ids=lambda value: str(value)[:70],
)
def test_the_documented_schema_takes_what_is_taken(assertions: Any) -> None:
    try:
        parse(assertions)
        is_taken = True
    except InvalidDocument:
        is_taken = False
    assert _schema().is_valid(assertions) is is_taken
