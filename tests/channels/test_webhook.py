import httpx
import pytest
import trio

from asura import serde
from asura.channels import CHANNEL_TYPES
from asura.channels.base import Env, SendReport
from asura.channels.webhook import WEBHOOK, WebhookSettings, body, signature
from asura.clock import SystemClock
from asura.errors import InvalidDocument, SendError
from asura.model.notification import Message
from asura.netguard import Guard
from asura.outbound import guarded_client
from tests.fakes.receiver import DROP, Answer, hang, open_receiver

MESSAGE = Message(
    event="incident.created",
    at=1_774_746_000_000,
    monitor={"id": 3, "name": "shöp"},
    incident={"id": 7},
    evidence=[{"region": "local"}],
    detail={"by": "ann"},
)


def env(*, allow_private: bool = True, timeout_s: float = 10) -> Env:
    guard = Guard(allow_private)

    def open_client() -> httpx.AsyncClient:
        return guarded_client(guard, timeout_s=timeout_s)

    return Env(clock=SystemClock(), open_client=open_client)


async def send(settings: WebhookSettings, *, key: str = "k1", over: Env | None = None) -> SendReport:
    with trio.fail_after(20):
        return await WEBHOOK.send(settings, MESSAGE, key, over or env())


async def refused(settings: WebhookSettings, *, over: Env | None = None) -> SendError:
    with pytest.raises(SendError) as caught:
        await send(settings, over=over)
    return caught.value


async def test_the_request_is_as_the_contract_says() -> None:
    async with open_receiver() as receiver:
        report = await send(WebhookSettings(url=receiver.url, secret="geheim", headers={"Authorization": "Bearer x"}))

        assert (report.status_code, report.message) == (200, "answered 200")
        request = receiver.received[0]
        assert (request.method, request.path) == ("POST", "/hook")
        assert list(request.document) == ["event", "delivery", "at", "monitor", "incident", "evidence", "detail"]
        assert request.document == {
            "event": "incident.created",
            "delivery": "k1",
            "at": "2026-03-29T01:00:00.000Z",
            "monitor": {"id": 3, "name": "shöp"},
            "incident": {"id": 7},
            "evidence": [{"region": "local"}],
            "detail": {"by": "ann"},
        }
        assert request.is_signed_with("geheim")
        assert request.headers["x-asura-delivery"] == "k1"
        assert abs(int(request.headers["x-asura-timestamp"]) - SystemClock().now_ms() / 1000) < 30
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("Asura/")
        assert request.headers["authorization"] == "Bearer x"


async def test_without_a_secret_nothing_is_signed() -> None:
    async with open_receiver() as receiver:
        await send(WebhookSettings(url=receiver.url))

        assert "x-asura-signature" not in receiver.received[0].headers


def test_the_signature_is_the_hmac_of_the_raw_body() -> None:
    # RFC 4231, test case 2
    assert signature("Jefe", b"what do ya want for nothing?") == (
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    assert body(MESSAGE, "k") == body(MESSAGE, "k")


async def test_a_user_agent_of_the_users_own_replaces_ours() -> None:
    async with open_receiver() as receiver:
        await send(WebhookSettings(url=receiver.url, headers={"user-agent": "mine"}))

        assert receiver.received[0].headers["user-agent"] == "mine"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
async def test_any_2xx_is_a_success(status: int) -> None:
    async with open_receiver() as receiver:
        receiver.otherwise = Answer(status=status)

        assert (await send(WebhookSettings(url=receiver.url))).status_code == status


@pytest.mark.parametrize(
    ("status", "permanent"), [(400, True), (404, True), (410, True), (408, False), (429, False), (500, False)]
)
async def test_other_answers_are_failures_with_the_receivers_words(status: int, permanent: bool) -> None:
    async with open_receiver() as receiver:
        receiver.otherwise = Answer(status=status, body=b"no\r\n\x1b[31m such\0 hook")

        error = await refused(WebhookSettings(url=receiver.url))

    assert str(error) == f"answered {status}: no [31m such hook"
    assert (error.status_code, error.permanent, error.retry_after_s) == (status, permanent, None)


async def test_retry_after_is_handed_on() -> None:
    async with open_receiver() as receiver:
        receiver.otherwise = Answer(status=429, headers={"Retry-After": "17"})

        assert (await refused(WebhookSettings(url=receiver.url))).retry_after_s == 17


async def test_redirects_are_failures_and_not_followed() -> None:
    async with open_receiver() as receiver:
        receiver.otherwise = Answer(status=307, headers={"Location": receiver.url})

        error = await refused(WebhookSettings(url=receiver.url, headers={"Authorization": "x"}))

        assert "redirects are not followed" in str(error)
        assert len(receiver.received) == 1


async def test_a_long_or_compressed_error_costs_little() -> None:
    async with open_receiver() as receiver:
        receiver.answers.append(Answer(status=500, body=b"a" * 5_000_000))
        assert len(str(await refused(WebhookSettings(url=receiver.url)))) < 400

        receiver.answers.append(Answer(status=500, headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b"))
        assert str(await refused(WebhookSettings(url=receiver.url))) == "answered 500"


async def test_a_receiver_that_hangs_up_can_be_tried_again() -> None:
    async with open_receiver() as receiver:
        receiver.otherwise = DROP

        error = await refused(WebhookSettings(url=receiver.url))

    assert not error.permanent
    assert error.status_code is None


async def test_a_receiver_that_is_gone_can_be_tried_again() -> None:
    async with open_receiver() as receiver:
        url = receiver.url

    error = await refused(WebhookSettings(url=url))

    assert str(error).startswith("no connection")
    assert not error.permanent


async def test_a_receiver_that_never_answers_is_a_failure() -> None:
    async with open_receiver() as receiver:
        receiver.otherwise = hang()

        error = await refused(WebhookSettings(url=receiver.url), over=env(timeout_s=0.05))

    assert str(error) == "no answer in time"
    assert not error.permanent


async def test_a_forbidden_address_is_never_reached() -> None:
    async with open_receiver() as receiver:
        error = await refused(WebhookSettings(url=receiver.url), over=env(allow_private=False))

        assert "loopback" in str(error)
        assert not error.permanent
        assert receiver.connections == 0


def test_the_guard_can_judge_the_host_when_a_channel_is_saved() -> None:
    hosts = WEBHOOK.hosts(WebhookSettings(url="http://u.example:80/x"))

    assert hosts == {"url": "u.example"}
    assert WEBHOOK.hosts(WebhookSettings(url="http://[::1]/")) == {"url": "::1"}
    assert CHANNEL_TYPES["webhook"] is WEBHOOK


def problems(**settings: object) -> dict[str, str]:
    with pytest.raises(InvalidDocument) as caught:
        serde.load(WebhookSettings, {"url": "https://x.example/", **settings})
    return caught.value.fields


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("", "at most"),
        ("x.example", "begins with http"),
        ("ftp://x.example/", "begins with http"),
        ("https://", "with a host"),
        ("https://x.example:0/", "port"),
        ("https://x.example:99999/", "port"),
        ("https://[::1/", "valid URL"),
        ("https://u:p@x.example/", "credentials"),
        ("https://x.example/a b", "spaces"),
        ("https://x.example\\@y/", "backslashes"),
        ("https://bücher.example/", "ASCII"),
        ("https://x.example/" + "a" * 3000, "at most"),
    ],
)
def test_a_url_that_cannot_be_posted_to_is_refused_when_saved(url: str, wanted: str) -> None:
    assert wanted in problems(url=url)["url"]


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"X y": "1"}, "names"),
        ({"": "1"}, "names"),
        ({"X": "a\r\nB: c"}, "printable"),
        ({"X": "ü"}, "printable"),
        ({"X": " a"}, "spaces around"),
        ({"X": "a" * 5000}, "at most"),
        ({"Content-Length": "1"}, "Content-Length"),
        ({"X-Asura-Signature": "1"}, "X-Asura-Signature"),
        ({"A": "1", "a": "2"}, "twice"),
        ({f"X{n}": "1" for n in range(51)}, "entries"),
        ({"X": 1}, "string"),
    ],
)
def test_headers_that_would_break_the_request_are_refused_when_saved(headers: dict[str, object], wanted: str) -> None:
    assert any(wanted in text for text in problems(headers=headers).values())


def test_settings_take_what_is_usual() -> None:
    settings = serde.load(
        WebhookSettings,
        {"url": "https://hooks.example:8443/a?b=c", "secret": "ü", "headers": {"X-Empty": "", "X-Key": "a b\tc"}},
    )

    assert settings.headers["X-Empty"] == ""
    assert "ü" not in repr(settings)
    assert problems(secret="x" * 2000)["secret"] == "must have at most 1024 characters"
    assert problems(colour="red") == {"colour": "unknown field"}
