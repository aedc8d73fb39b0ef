import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import trio
import trustme
from grpc_health.v1 import health_pb2
from hpack import Decoder
from hyperframe.frame import DataFrame, HeadersFrame
from hypothesis import given
from hypothesis import strategies as st

from asura.checks import CHECK_TYPES
from asura.checks.grpc import Answer
from asura.model.monitor import Status
from asura.protocols.attempt import Env, Fault, Keep, Stopwatch
from asura.protocols.protobuf import fields, text_field
from tests.checks.conftest import Check, server_context
from tests.fakes import grpc_server
from tests.fakes.descriptors import drained
from tests.fakes.http2 import body, floods, frames_in, go_away, head, reset, says
from tests.fakes.peers import free_port, running
from tests.fakes.target import Behaviour, Stream, answer, break_off, silent, start_target

GRPC = CHECK_TYPES["grpc"]
GRPC_TYPE = ("content-type", "application/grpc")
SERVING = b"\0\0\0\0\2\x08\1"


def server(tmp_path: Path, *arguments: str) -> "Iterator[str]":
    port = free_port()
    with running([sys.executable, "-P", grpc_server.__file__, str(port), *arguments], folder=tmp_path, port=port):
        yield f"127.0.0.1:{port}"


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    yield from server(tmp_path_factory.mktemp("grpc"))


REAL: dict[str, tuple[dict[str, object], Status, str, str | None]] = {
    "the whole server": ({}, Status.UP, "", "SERVING"),
    "a service": ({"service": "fine.v1.Service"}, Status.UP, "", "SERVING"),
    "one that is not serving": (
        {"service": "sick.v1.Service"},
        Status.DOWN,
        "the service sick.v1.Service is not serving (NOT_SERVING)",
        "NOT_SERVING",
    ),
    "one that does not know": (
        {"service": "odd.v1.Service"},
        Status.DOWN,
        "the health of the service odd.v1.Service is unknown (UNKNOWN)",
        "UNKNOWN",
    ),
    "one that is not there": (
        {"service": "no.v1.Service"},
        Status.DOWN,
        "the server knows nothing of the service no.v1.Service (NOT_FOUND)",
        None,
    ),
    "TLS where there is none": (
        {"tls": True},
        Status.DOWN,
        "the TLS handshake failed: the target doesn't speak TLS on this port",
        None,
    ),
}


@pytest.mark.parametrize(("given", "status", "message", "state"), REAL.values(), ids=REAL)
async def test_a_real_server_is_asked_for(
    given: dict[str, object], status: Status, message: str, state: str | None, real: str, check: Check
) -> None:
    outcome = await check("grpc", real, **given)
    assert (outcome.status, outcome.message) == (status, message)
    assert outcome.detail == (None if state is None else {"state": state})


async def test_a_real_server_over_tls(tmp_path: Path, authority: trustme.CA, check: Check) -> None:
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "chain.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for target in server(tmp_path, "chain.pem", "key.pem"):
        outcome = await check("grpc", target, tls=True)
        assert (outcome.status, outcome.message) == (Status.UP, "")
        assert outcome.cert_expires_at is not None
        assert (outcome.timings.tls_ms or 0) >= 1


async def test_a_real_server_without_a_health_service(tmp_path: Path, check: Check) -> None:
    for target in server(tmp_path, "none"):
        outcome = await check("grpc", target)
        assert outcome.message == 'the server has no health service (UNIMPLEMENTED: "Method not found!")'


DOWN: dict[str, tuple[Behaviour, str]] = {
    "no health service": (
        says(head("200", GRPC_TYPE, ("grpc-status", "12"), ("grpc-message", "unknown%20service"), end=True)),
        'the server has no health service (UNIMPLEMENTED: "unknown service")',
    ),
    "a refusal": (
        says(head("200", GRPC_TYPE, end=False), head(None, ("grpc-status", "16"), end=True)),
        "the health check failed with UNAUTHENTICATED",
    ),
    "an unknown status": (
        says(head("200", GRPC_TYPE, ("grpc-status", "-1"), end=True)),
        'the health check failed with the status "-1"',
    ),
    "no status": (
        says(head("200", GRPC_TYPE), body(SERVING)),
        "the answer ended without a grpc-status",
    ),
    "another protocol": (
        says(head("502", ("content-type", "text/html")), body(b"<h1>Bad gateway")),
        'the answer is not gRPC: HTTP status 502, of type "text/html"',
    ),
    "no type": (says(head("404", end=True)), "the answer is not gRPC: HTTP status 404, without a type"),
    "half a message": (
        says(head("200", GRPC_TYPE), body(SERVING[:6], end=False), head(None, ("grpc-status", "0"), end=True)),
        "the answer is not one whole message: 6 bytes",
    ),
    "no message": (
        says(head("200", GRPC_TYPE, ("grpc-status", "0"), end=True)),
        "the answer is not one whole message: 0 bytes",
    ),
    "a compressed message": (
        says(head("200", GRPC_TYPE), body(b"\1" + SERVING[1:], end=False), head(None, ("grpc-status", "0"), end=True)),
        "the answer is compressed, which was not asked for",
    ),
    "a message of another kind": (
        says(
            head("200", GRPC_TYPE), body(b"\0\0\0\0\2\x0a\x50", end=False), head(None, ("grpc-status", "0"), end=True)
        ),
        'the answer is no health status: "\\x00\\x00\\x00\\x00\\x02\\nP"',
    ),
    "a state without a name": (
        says(
            head("200", GRPC_TYPE), body(b"\0\0\0\0\2\x08\x63", end=False), head(None, ("grpc-status", "0"), end=True)
        ),
        "the health of the server is a number without a name",
    ),
    "an unknown service": (
        says(head("200", GRPC_TYPE), body(b"\0\0\0\0\2\x08\3", end=False), head(None, ("grpc-status", "0"), end=True)),
        "the server knows nothing of the server (SERVICE_UNKNOWN)",
    ),
    "an endless message": (
        floods(head("200", GRPC_TYPE), body(bytes(1000), end=False)),
        "the answer is over 4 kB, which no health status is",
    ),
    "HTTP/1.1": (says(settings=b"HTTP/1.1 400 Bad Request\r\n\r\n"), 'the answer is not HTTP/2: "HTTP/1.1 400'),
    "garbage": (says(settings=bytes(range(100))), 'the answer is not HTTP/2: "\\x00\\x01\\x02'),
    "a reset stream": (says(reset(7)), "the target reset the stream before it answered: REFUSED_STREAM"),
    "an end of the connection": (
        says(go_away(11)),
        "the target ended the HTTP/2 connection before it answered: ENHANCE_YOUR_CALM",
    ),
    "a silent close": (says(), "the target closed the connection without an answer"),
}


@pytest.mark.parametrize(("behaviour", "message"), DOWN.values(), ids=DOWN)
async def test_a_server_is_down_by(behaviour: Behaviour, message: str, check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, behaviour)
    outcome = await check("grpc", target.address)
    assert (outcome.status, outcome.message[: len(message)]) == (Status.DOWN, message)


async def test_a_page_of_http_1_is_down(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, answer(400))
    outcome = await check("grpc", target.address)
    assert outcome.message.startswith('the answer is not HTTP/2: "HTTP/1.1 400')


async def test_a_refused_connection_says_what_was_tried(check: Check) -> None:
    port = free_port()
    outcome = await check("grpc", f"127.0.0.1:{port}")
    assert outcome.message.startswith(f"connect to 127.0.0.1:{port} refused after ")


async def test_a_reset_is_down(check: Check, nursery: trio.Nursery) -> None:
    async def behave(stream: Stream) -> None:
        await stream.receive_some()
        break_off(stream)

    target = await start_target(nursery, behave)
    assert (await check("grpc", target.address)).message == "the connection was reset before it answered"


async def test_silence_and_half_an_answer_are_told_in_time(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, silent)
    outcome = await check("grpc", target.address, timeout_s=0.2)
    assert outcome.message.endswith("then silence")
    target.behaviour = says(head("200", GRPC_TYPE), body(SERVING, end=False), linger=True)
    outcome = await check("grpc", target.address, timeout_s=0.2)
    assert outcome.message.startswith("no complete answer in 0.2 s: ")
    assert outcome.message.endswith("then no grpc-status")


async def test_a_certificate_for_another_name_is_down(
    authority: trustme.CA, check: Check, nursery: trio.Nursery
) -> None:
    target = await start_target(nursery, says(), tls=server_context(authority.issue_cert("a.example")))
    outcome = await check("grpc", target.address, tls=True)
    assert outcome.message == "the certificate is for a.example, expected 127.0.0.1"


async def test_metadata_and_authority_are_sent(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, says(head("200", GRPC_TYPE, ("grpc-status", "0"), end=True)))
    given = {"metadata": {"X-Tenant": "acme"}, "authority": "orders.internal"}
    await check("grpc", target.address, service="fine.v1.Service", **given)
    sent = frames_in(target.requests[0])
    headers = dict(Decoder().decode(next(frame.data for frame in sent if isinstance(frame, HeadersFrame))))
    assert headers["x-tenant"] == "acme"
    assert (headers[":authority"], headers[":path"]) == ("orders.internal", "/grpc.health.v1.Health/Check")
    assert (headers["te"], headers["content-type"]) == ("trailers", "application/grpc")
    message = next(frame.data for frame in sent if isinstance(frame, DataFrame))
    assert health_pb2.HealthCheckRequest.FromString(message[5:]).service == "fine.v1.Service"


async def test_a_check_cancelled_half_way_leaves_nothing_open(check: Check, nursery: trio.Nursery) -> None:
    target = await start_target(nursery, silent)
    for timeout_s in (0.001, 0.01, 0.05):
        await check("grpc", target.address, timeout_s=timeout_s)
    await drained(target.port)


PROBLEMS = {
    "Host": "must not set Host: that is the setting authority",
    "grpc-timeout": "must not set grpc-timeout: Asura sets it itself",
    "Content-Type": "must not set Content-Type: Asura sets it itself",
}


@pytest.mark.parametrize(("name", "problem"), PROBLEMS.items())
def test_metadata_of_its_own_is_refused(name: str, problem: str, env: Env) -> None:
    chosen = GRPC.settings(metadata={name: "x"})
    assert GRPC.problems("a.example:1", chosen, env) == {"settings.metadata": problem}
    assert not GRPC.problems("a.example:1", GRPC.settings(metadata={"Authorization": "Bearer x"}), env)


@given(st.text(max_size=300))
def test_a_request_is_as_protobuf_has_it(service: str) -> None:
    with suppress(UnicodeEncodeError):
        assert text_field(1, service) == health_pb2.HealthCheckRequest(service=service).SerializeToString()


@given(st.integers(0, 2**31 - 1), st.binary(max_size=20))
def test_unknown_fields_are_passed_over(state: int, extra: bytes) -> None:
    known = health_pb2.HealthCheckResponse(status=state).SerializeToString() or b"\x08\0"
    message = b"\x12" + bytes((len(extra),)) + extra + b"\x1d1234\x2112345678" + known
    assert list(fields(message)) == [(2, extra), (3, b"1234"), (4, b"12345678"), (1, state)]


@given(st.binary(max_size=60), st.text(max_size=5), st.text(max_size=20))
def test_no_answer_crashes_it(message: bytes, status: str, said: str) -> None:
    for data in (message, b"\0" + len(message).to_bytes(4, "big") + message):
        for trailers in ([("grpc-status", "0")], [("grpc-status", status), ("grpc-message", said)]):
            received = Answer(Stopwatch())
            received.on_headers(200, [GRPC_TYPE])
            trio.run(received.on_data, data)
            received.on_trailers([(name, value.encode().decode("latin-1")) for name, value in trailers])
            with suppress(Fault):
                assert received.state("the server") >= 0


async def test_a_person_who_looks_on_is_told(real: str, env: Env) -> None:
    watch = Stopwatch(talks=True)
    assert (await GRPC.prepare(real, GRPC.settings(), env, Keep())(watch)).status is Status.UP
    assert watch.notes == [("address", real), ("health", "SERVING")]
