import pytest
import trio

from asura.checks.http_settings import BasicAuth, BearerAuth
from asura.model.monitor import Status
from tests.checks.conftest import Check
from tests.fakes.target import answer, redirect, routes, start_target


async def test_redirects_are_followed_and_their_phases_add_up(check: Check, nursery: trio.Nursery) -> None:
    table = {"/": redirect("/b?token=x"), "/b?token=x": redirect("c", 307), "/c": answer(200, b"at last")}
    target = await start_target(nursery, routes(table))
    outcome = await check("http", target.url, keyword="at last")
    assert (outcome.status, outcome.status_code, target.connections) == (Status.UP, 200, 3)


async def test_redirects_end_at_the_limit(check: Check, nursery: trio.Nursery) -> None:
    table = {"/": redirect("/1?secret=1")} | {
        f"/{n}?secret={n}": redirect(f"/{n + 1}?secret={n + 1}") for n in range(1, 9)
    }
    target = await start_target(nursery, routes(table))
    outcome = await check("http", target.url, max_redirects=3)
    assert outcome.message == f"more than 3 redirects, the last to http://{target.address}/4?…"
    assert target.connections == 4


async def test_a_circle_of_redirects_is_told(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, routes({"/": redirect("/b"), "/b": redirect("/")}))
    outcome = await check("http", target.url)
    assert outcome.message == f"redirects in a circle: http://{target.address}/b leads back to http://{target.address}/"
    assert target.connections == 2


METHODS = {
    "303 makes it a GET": ("POST", 303, b"GET"),
    "302 after POST makes it a GET": ("POST", 302, b"GET"),
    "301 after POST makes it a GET": ("POST", 301, b"GET"),
    "302 after PUT stays a PUT": ("PUT", 302, b"PUT"),
    "307 stays a POST": ("POST", 307, b"POST"),
    "308 stays a POST": ("POST", 308, b"POST"),
    "303 after HEAD stays a HEAD": ("HEAD", 303, b"HEAD"),
}


@pytest.mark.parametrize(("method", "status", "expected"), METHODS.values(), ids=METHODS)
async def test_the_method_after_a_redirect(
    method: str, status: int, expected: bytes, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, routes({"/": redirect("/b", status), "/b": answer(200, b"")}))
    body = "" if method == "HEAD" else "a body"
    outcome = await check("http", target.url, method=method, body=body)
    assert outcome.status is Status.UP
    assert target.requests[1].split(b" ")[0] == expected
    assert target.requests[1].endswith(b"a body") == (expected in (b"POST", b"PUT"))
    assert (b"content-length" in target.requests[1].lower()) == (expected in (b"POST", b"PUT"))


CREDENTIALS = {"Authorization": "Basic c2VjcmV0", "Cookie": "secret=1", "X-API-Key": "secret", "X-Token": "secret"}


async def test_credentials_stay_with_their_origin(check: Check, nursery: trio.Nursery) -> None:
    other = await start_target(nursery, answer())
    target = await start_target(nursery, redirect(other.url))
    outcome = await check(
        "http", target.url, headers={**CREDENTIALS, "Host": "secret.example", "Accept-Language": "de"}
    )
    assert outcome.status is Status.UP
    assert target.requests[0].count(b"secret") == 4
    assert b"secret" not in other.requests[0]
    assert b"Authorization" not in other.requests[0]
    assert b"Accept-Language: de" in other.requests[0]
    assert f"Host: {other.address}".encode() in other.requests[0]


async def test_credentials_that_were_dropped_stay_dropped(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    other = await start_target(nursery, redirect(f"{target.url}back"))
    target.behaviour = routes({"/": redirect(other.url), "/back": answer()})
    outcome = await check("http", target.url, headers=CREDENTIALS, auth=BearerAuth(token="secret"))
    assert outcome.status is Status.UP
    assert b"secret" in target.requests[0]
    assert b"secret" not in target.requests[1]


async def test_credentials_follow_within_their_origin(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, routes({"/": redirect("/b"), "/b": answer()}))
    await check("http", target.url, auth=BasicAuth(username="ann", password="pw"))
    assert all(b"Authorization: Basic YW5uOnB3\r\n" in request for request in target.requests)


async def test_a_body_is_not_handed_to_another_origin(check: Check, nursery: trio.Nursery) -> None:
    other = await start_target(nursery, answer())
    target = await start_target(nursery, redirect(other.url, 307))
    outcome = await check("http", target.url, method="POST", body="password=secret")
    assert outcome.message.startswith(f"307 redirects the request's body to another origin, {other.url}: not followed")
    assert other.connections == 0


async def test_credentials_in_a_redirect_are_ignored(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer())
    target.behaviour = routes({"/": redirect(f"http://user:pw@{target.address}/b"), "/b": answer()})
    assert (await check("http", target.url)).status is Status.UP
    assert b"Authorization" not in target.requests[1]


async def test_a_redirect_to_a_refused_address_says_so(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(302, location="http://10.0.0.1/"))
    outcome = await check("http", target.url)
    assert outcome.is_refused
    assert outcome.message.startswith("10.0.0.1 is a private address; set ")
