"""The HTTP check against a real nginx: HTTP/1.1, HTTP/2, gzip, passwords, client certificates, redirects."""

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest
import trustme

from asura.checks.http_settings import BasicAuth
from asura.model.monitor import Status
from asura.protocols.attempt import Keep
from asura.protocols.pem import ClientCertificate
from tests.checks.conftest import Check
from tests.fakes.peers import free_port, need, running

CONFIG = """
daemon off; master_process off; pid nginx.pid; error_log stderr;
events {{ worker_connections 64; }}
http {{
  access_log off; default_type text/plain; gzip on; gzip_types text/plain; gzip_min_length 1;
  client_body_temp_path t; proxy_temp_path t; fastcgi_temp_path t; uwsgi_temp_path t; scgi_temp_path t;
  ssl_certificate server.pem; ssl_certificate_key server.key;
  server {{
    listen 127.0.0.1:{plain}; listen 127.0.0.1:{http1} ssl; listen 127.0.0.1:{http2} ssl http2;
    root pages;
    location = /protocol {{ return 200 "$server_protocol $http_host $request_method"; }}
    location = /locked {{ auth_basic closed; auth_basic_user_file users; try_files /hello.txt =404; }}
    location = /old {{ return 301 /hello.txt; }}
    location = /secure {{ return 301 https://127.0.0.1:{http2}/protocol; }}
    location = /circle {{ return 302 /circle; }}
    location = /wrong {{ return 503; }}
  }}
  server {{
    listen 127.0.0.1:{clients} ssl http2;
    ssl_client_certificate ca.pem; ssl_verify_client on;
    location / {{ return 200 "$ssl_client_s_dn"; }}
    location = /away {{ return 302 https://127.0.0.1:{optional}/; }}
  }}
  server {{
    listen 127.0.0.1:{optional} ssl;
    ssl_client_certificate ca.pem; ssl_verify_client optional;
    location / {{ return 200 "who: $ssl_client_verify"; }}
  }}
}}
"""


@attrs.frozen(kw_only=True)
class Nginx:
    plain: int
    http1: int
    http2: int
    clients: int
    optional: int

    def url(self, port: int, path: str = "hello.txt") -> str:
        return f"{'http' if port == self.plain else 'https'}://127.0.0.1:{port}/{path}"


@pytest.fixture(scope="module")
def nginx(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    program = need("nginx")
    folder: Path = tmp_path_factory.mktemp("nginx")
    (folder / "pages").mkdir()
    (folder / "pages" / "hello.txt").write_text("hello from nginx\n" * 1000)
    (folder / "users").write_text("ann:{PLAIN}pw\n")
    leaf = authority.issue_cert("127.0.0.1")
    (folder / "server.pem").write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
    (folder / "server.key").write_bytes(leaf.private_key_pem.bytes())
    (folder / "ca.pem").write_bytes(authority.cert_pem.bytes())
    peer = Nginx(**{field.name: free_port() for field in attrs.fields(Nginx)})
    (folder / "nginx.conf").write_text(CONFIG.format(**attrs.asdict(peer)))
    argv = [program, "-p", str(folder), "-c", "nginx.conf", "-e", "stderr"]
    with running(argv, folder=folder, port=peer.plain):
        yield peer


async def test_it_is_up_in_clear_text_with_gzip(nginx: Nginx, check: Check) -> None:
    outcome = await check("http", nginx.url(nginx.plain), keyword="nginx\nhello", keep=Keep(headers=True, body=True))
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.reply is not None
    assert ("content-encoding", "gzip") in outcome.reply.headers
    assert outcome.reply.body == "hello from nginx\n" * 1000


async def test_a_password_is_wanted_and_taken(nginx: Nginx, check: Check) -> None:
    locked = nginx.url(nginx.plain, "locked")
    assert (await check("http", locked)).message == "answered 401 Unauthorized, expected 2xx, 3xx"
    assert (await check("http", locked, auth=BasicAuth(username="ann", password="pw"))).status is Status.UP
    assert (await check("http", locked, auth=BasicAuth(username="ann", password="no"))).status_code == 401


async def test_redirects_lead_on_or_in_a_circle(nginx: Nginx, check: Check) -> None:
    assert (await check("http", nginx.url(nginx.plain, "old"), keyword="hello")).status is Status.UP
    circle = nginx.url(nginx.plain, "circle")
    assert (await check("http", circle)).message == f"redirects in a circle: {circle} leads back to {circle}"


async def test_a_wrong_answer_is_told(nginx: Nginx, check: Check) -> None:
    outcome = await check("http", nginx.url(nginx.plain, "wrong"))
    assert outcome.message == "answered 503 Service Temporarily Unavailable, expected 2xx, 3xx" or (
        outcome.message == "answered 503 Service Unavailable, expected 2xx, 3xx"
    )


VERSIONS = {
    "HTTP/2 where it is offered": ("http2", "auto", "HTTP/2.0"),
    "HTTP/1.1 where it is not": ("http1", "auto", "HTTP/1.1"),
    "HTTP/1.1 when it is chosen": ("http2", "1.1", "HTTP/1.1"),
    "HTTP/2 when it is demanded": ("http2", "2", "HTTP/2.0"),
}


@pytest.mark.parametrize(("port", "version", "spoken"), VERSIONS.values(), ids=VERSIONS)
async def test_it_is_asked_by(port: str, version: str, spoken: str, nginx: Nginx, check: Check) -> None:
    number = getattr(nginx, port)
    outcome = await check(
        "http", nginx.url(number, "protocol"), http_version=version, keyword=f"{spoken} 127.0.0.1:{number} GET"
    )
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.cert_expires_at is not None
    assert len(outcome.chain) >= 1


async def test_http_2_that_is_demanded_and_not_offered_is_down(nginx: Nginx, check: Check) -> None:
    outcome = await check("http", nginx.url(nginx.http1), http_version="2")
    assert outcome.message == "the target doesn't offer HTTP/2"


async def test_a_redirect_to_https_uses_http_2(nginx: Nginx, check: Check) -> None:
    outcome = await check("http", nginx.url(nginx.plain, "secure"), keyword="HTTP/2.0")
    assert (outcome.status, outcome.message) == (Status.UP, "")


async def test_gzip_and_passwords_work_over_http_2(nginx: Nginx, check: Check) -> None:
    auth = BasicAuth(username="ann", password="pw")
    outcome = await check(
        "http",
        nginx.url(nginx.http2, "locked"),
        auth=auth,
        http_version="2",
        keyword="nginx\nhello",
        keep=Keep(headers=True, body=True),
    )
    assert (outcome.status, outcome.message) == (Status.UP, "")
    assert outcome.reply is not None
    assert ("content-encoding", "gzip") in outcome.reply.headers
    assert (outcome.reply.body or "").count("hello") == 1000


async def test_a_head_over_http_2_is_up(nginx: Nginx, check: Check) -> None:
    assert (await check("http", nginx.url(nginx.http2), method="HEAD", http_version="2")).status is Status.UP


def client_certificate(authority: trustme.CA) -> ClientCertificate:
    leaf = authority.issue_cert("ann@client.example")
    return ClientCertificate(
        certificate=b"".join(blob.bytes() for blob in leaf.cert_chain_pems).decode(),
        key=leaf.private_key_pem.bytes().decode(),
    )


@pytest.mark.parametrize("version", ["1.1", "2"])
async def test_a_client_certificate_is_shown(version: str, nginx: Nginx, authority: trustme.CA, check: Check) -> None:
    url = nginx.url(nginx.clients, "")
    without = await check("http", url, http_version=version)
    assert without.message == "answered 400 Bad Request, expected 2xx, 3xx"
    outcome = await check("http", url, http_version=version, client_cert=client_certificate(authority), keyword="O=")
    assert (outcome.status, outcome.message) == (Status.UP, "")


async def test_a_client_certificate_stays_with_its_origin(nginx: Nginx, authority: trustme.CA, check: Check) -> None:
    shown = client_certificate(authority)
    outcome = await check("http", nginx.url(nginx.optional, ""), client_cert=shown, keyword="who: SUCCESS")
    assert (outcome.status, outcome.message) == (Status.UP, "")
    outcome = await check("http", nginx.url(nginx.clients, "away"), client_cert=shown, keyword="who: NONE")
    assert (outcome.status, outcome.message) == (Status.UP, "")
