"""From a configuration's text to its values, or to every problem in it."""

import hashlib
from pathlib import Path

import pytest

from asura.config.access import PERMISSIONS, Role
from asura.config.document import MAX_FILE_BYTES
from asura.config.load import load, parse
from asura.config.schema import Config
from asura.errors import ConfigError

FOLDER = Path("/srv/asura")
HASH = "0" * 63 + "a"


def read(text: str | bytes, **environ: str) -> Config:
    raw = text.encode() if isinstance(text, str) else text
    return parse(raw, name="asura.yaml", folder=FOLDER, environ=environ)


def problems(text: str | bytes, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, **environ)
    return caught.value.problems


@pytest.mark.parametrize("text", ["", "# nothing\n", "server:\nauth:\n", "{}", "---\n"])
def test_an_empty_configuration_is_all_defaults(text: str) -> None:
    config = read(text)
    assert config.server.listen == "127.0.0.1:8090"
    assert config.server.address == ("127.0.0.1", 8090)
    assert config.monitor.default_interval == 60
    assert config.database.path == FOLDER / "asura.db"
    assert config.base_url == "http://127.0.0.1:8090"


def test_values_arrive_in_seconds_bytes_and_paths() -> None:
    config = read(
        """
        server:
          listen: "[::1]:80"
          base_path: /asura/
          external_url: https://asura.example.org/asura/
          tls_cert: tls/cert.pem
          tls_key: /etc/key.pem
          trusted_proxies: [10.0.0.0/8, "::1"]
          cors_origins: [https://Panel.example.org]
          max_body_size: 2MiB
          rate_limit_per_sec: 0.5
        database: {path: /var/lib/asura/asura.db, synchronous: normal, retention_period: 30m}
        monitor: {default_interval: 5m, allow_private_targets: true, allowed_networks: [192.168.1.0/24]}
        logging: {level: debug, format: json}
        """
    )
    assert config.server.address == ("::1", 80)
    assert config.server.base_path == "/asura"
    assert config.base_url == "https://asura.example.org/asura"
    assert config.server.tls_cert == FOLDER / "tls/cert.pem"
    assert config.server.tls_key == Path("/etc/key.pem")
    assert config.server.trusted_proxies == ("10.0.0.0/8", "::1/128")
    assert config.server.cors_origins == ("https://panel.example.org",)
    assert config.server.max_body_size == 2 << 20
    assert config.server.rate_limit_per_sec == 0.5
    assert config.database.path == Path("/var/lib/asura/asura.db")
    assert config.database.retention_period == 1800
    assert config.monitor.default_interval == 300
    assert config.monitor.allow_private_targets is True
    assert config.logging.level == "debug"


def test_keys_carry_a_role_or_permissions() -> None:
    config = read(
        f"""
        auth:
          api_keys:
            - {{name: admin, hash: {HASH}, role: admin}}
            - name: reader
              hash: "{HASH[::-1]}"
              role: readonly
            - {{name: prometheus, hash: {"B" * 64}, permissions: [metrics.read, oncall.write]}}
          session: {{lifetime: 90d}}
        """
    )
    admin, reader, prometheus = config.auth.api_keys
    assert admin.role is Role.ADMIN
    assert admin.granted == PERMISSIONS
    assert "monitors.read" in reader.granted
    assert not any(name.endswith(".write") for name in reader.granted)
    assert prometheus.granted == {"metrics.read", "oncall.write"}
    assert prometheus.hash == "b" * 64
    assert HASH not in repr(config)
    assert config.auth.session.lifetime == 90 * 86_400


@pytest.mark.parametrize("example", ["0" * 64, hashlib.sha256(b"test").hexdigest().upper()], ids=["zeros", "test"])
def test_an_example_is_no_hash(example: str) -> None:
    (problem,) = problems(f'auth: {{api_keys: [{{name: a, role: admin, hash: "{example}"}}]}}')
    assert "put the hash that `asura setup` prints here" in problem


def test_every_problem_is_told_at_once_with_its_line_path_and_remedy() -> None:
    found = problems(
        """\
server:
  lisen: "127.0.0.1:1"
  listen: 8090
  max_body_size: huge
database: 5
auth:
  api_keys:
    - {name: admin, hash: secret, role: admn}
    - hash: "${NOPE}"
monitor: {default_timeout: 2m}
probes: {enabled: true}
"""
    )
    assert [line.split(": ")[:2] for line in found] == [
        ["asura.yaml:2", "server.lisen"],
        ["asura.yaml:3", "server.listen"],
        ["asura.yaml:4", "server.max_body_size"],
        ["asura.yaml:5", "database"],
        ["asura.yaml:8", "auth.api_keys[0].hash"],
        ["asura.yaml:8", "auth.api_keys[0].role"],
        ["asura.yaml:9", "auth.api_keys[1].hash"],
        ["asura.yaml:9", "auth.api_keys[1].name"],
        ["asura.yaml:9", "auth.api_keys[1]"],
        ["asura.yaml:10", "monitor.default_timeout"],
        ["asura.yaml:11", "probes"],
    ]
    assert "did you mean listen?" in found[0]
    assert "must be host:port, e.g. 127.0.0.1:8090" in found[1]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server: {path: x}", "server.path: unknown key; did you mean base_path?"),
        ("server: {level: info}", "unknown key here; did you mean logging.level?"),
        ("server:\n  listen: a:1\n  listen: b:2", "asura.yaml:3: server.listen: is given twice, first in line 2"),
        ("logging: {level: loud}", "must be one of debug, info, warning, error"),
        ("logging: {level: no}", "must be one of debug"),
        ("monitor: {allow_private_targets: yes}", "must be true or false"),
        ("monitor: {allow_private_targets: 'true'}", "must be true or false"),
        ("monitor: {max_concurrent: '5'}", "must be a whole number between 1 and 10000"),
        ("monitor: {max_concurrent: 1_000}", "must be a whole number"),
        ("monitor: {max_concurrent: 010}", "must be a whole number"),
        ("monitor: {max_concurrent: true}", "must be a whole number"),
        ("monitor: {max_concurrent: 99999999999999999999999999999999}", "must be a whole number"),
        ("monitor: {default_interval: 2d}", "must be between 1s and 1d"),
        ("monitor: {default_interval: soon}", "must be a duration such as 30s"),
        ("monitor: {default_interval: []}", "must be a duration such as 30s"),
        ("monitor: {default_interval:}", "must be a duration such as 30s"),
        ("server: {max_body_size: 1}", "must be between 1KiB and 64MiB"),
        ("server: {rate_limit_per_sec: -1}", "must be a number between 0 (off)"),
        ("server: {rate_limit_per_sec: .inf}", "must be a number between 0 (off)"),
        ("server: {listen: '8090'}", "must be host:port"),
        ("server: {listen: ':8090'}", "must be host:port"),
        ("server: {listen: 'a:99999'}", "must be host:port"),
        ("server: {listen: '::1:8090'}", "must be host:port"),
        ("server: {listen: '[::1:8090'}", "must be host:port"),
        ("server: {listen: 'a b:1'}", "must be host:port"),
        ("server: {base_path: asura}", 'must be empty or a path such as "/asura"'),
        ("server: {base_path: /a//b}", "must be empty or a path"),
        ("server: {external_url: asura.example.org}", "must be empty or an address such as https://"),
        ("server: {external_url: 'http://u:p@example.org'}", "must be empty or an address"),
        ("server: {external_url: 'http://example.org:99999'}", "must be empty or an address"),
        ("server: {cors_origins: ['*']}", "must be an origin such as https://"),
        ("monitor: {docker_sockets: [run/docker.sock]}", "must be the absolute path of a socket, such as /run/"),
        ("server: {cors_origins: https://a.example}", "must be a list"),
        ("server: {trusted_proxies: [10.0.0.1/8]}", "perhaps 10.0.0.0/8 is meant"),
        ("server: {trusted_proxies: [localhost]}", "must be an address or a network"),
        ("server: {tls_cert: a.pem}", "tls_cert and tls_key go together"),
        ("database: {path: ''}", "must be the path of a file"),
        ("database: {raw_retention_days: 500}", "must not be more than database.retention_days"),
        ("auth: {session: {lifetime: 1s}}", "auth.session.lifetime: must be between 1m and 90d"),
        ("auth: {api_keys: [5]}", "auth.api_keys[0]: must be keys with values: name, hash, role, permissions"),
        ("auth: {api_keys: {name: x}}", "auth.api_keys: must be a list"),
        ("[]", "asura.yaml:1: must be keys with values: server, database, auth, monitor, logging"),
        ("5", "must be keys with values"),
        ("5: x", "5: unknown key"),
        ("? [a, b]\n: c", "unknown key"),
    ],
)
def test_a_wrong_value_is_told_with_its_remedy(text: str, words: str) -> None:
    (problem,) = problems(text)
    assert words in problem


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (f"{{name: a, hash: {HASH}}}", "needs either a role"),
        (f"{{name: a, hash: {HASH}, role: admin, permissions: [system.read]}}", "needs either a role"),
        (f"{{name: a, hash: {HASH}, permissions: [everything]}}", "permissions[0]: must be one of incidents.read"),
        (f"{{name: a, hash: {HASH}, permissions: all}}", "permissions: must be a list"),
        (f"{{name: '', hash: {HASH}, role: admin}}", "name: must be a name"),
        ("{name: a, hash: abc, role: admin}", "64 hexadecimal digits; `asura setup` makes one"),
        (f"{{name: a, key: {HASH}, role: admin, hash: {HASH}}}", "api_keys[0].key: unknown key"),
    ],
)
def test_a_wrong_key_is_told_with_its_remedy(entry: str, words: str) -> None:
    (problem,) = problems(f"auth: {{api_keys: [{entry}]}}")
    assert words in problem


def test_two_keys_share_neither_name_nor_hash() -> None:
    entry = f"{{name: a, hash: {HASH}, role: admin}}"
    name, hash_ = problems(f"auth:\n  api_keys:\n    - {entry}\n    - {entry}")
    assert "asura.yaml:4: auth.api_keys[1].hash: is that of auth.api_keys[0] too" in name
    assert "auth.api_keys[1].name: is that of auth.api_keys[0] too" in hash_


def test_the_environment_fills_text_values() -> None:
    text = """
    server: {listen: "${HOST}:${PORT:-8090}", external_url: "${URL:-https://x.example}", rate_limit_per_sec: "${RATE}"}
    monitor:
      max_concurrent: ${N}
      allow_private_targets: ${PRIVATE:-true}
      default_interval: ${EVERY}
    """
    config = read(text, HOST="0.0.0.0", N="7", EVERY="90", RATE="2.5", PORT="")
    assert config.server.listen == "0.0.0.0:8090"
    assert config.server.external_url == "https://x.example"
    assert config.server.rate_limit_per_sec == 2.5
    assert config.monitor.max_concurrent == 7
    assert config.monitor.allow_private_targets is True
    assert config.monitor.default_interval == 90


def test_a_variable_adds_no_key_and_is_not_expanded_again() -> None:
    config = read('database: {path: "${P}"}', P="a: {b: ${P}}")
    assert config.database.path == FOLDER / "a: {b: ${P}}"
    assert "unknown key" in problems("${SECTION}: {}", SECTION="server")[0]


def test_a_doubled_dollar_is_one() -> None:
    assert read('database: {path: "$${HOME}-$5"}').database.path == FOLDER / "${HOME}-$5"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("${MISSING}", "needs the environment variable MISSING; set it, or write ${MISSING:-default}"),
        ("${}", "has ${ without a variable's name"),
        ("${1}", "has ${ without a variable's name"),
        ("${OPEN", "has ${ without a variable's name"),
    ],
)
def test_a_variable_that_is_missing_or_broken_is_a_problem(value: str, words: str) -> None:
    (problem,) = problems(f'server: {{external_url: "{value}"}}')
    assert words in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("server:\n  listen: [", "is not valid YAML"),
        ("server:\n\tlisten: x", "indent with spaces, not tabs"),
        ("auth: {api_keys: [{name: a, hash: ${H}}]}", 'put "${NAME}" in quotes'),
        ("a: &x [1]\nb: *x", "anchors and aliases are not used here"),
        ("a: &a [&b [*a, *a], *b]", "anchors and aliases are not used here"),
        ("server: !!python/object:os.system {}", "tags such as !!text are not used here"),
        ("server: {}\n---\nserver: {}", "asura.yaml:2: is not valid YAML"),
        ("[" * 60_000, "too deeply nested"),
        ("a: \x00", "asura.yaml:1: holds a control character"),
        (b"server:\n  base_path: \xff\xfe", "asura.yaml:2: is not UTF-8"),
        ("#" * (MAX_FILE_BYTES + 1), "is larger than 256 KiB"),
    ],
    ids=lambda value: str(value)[:24].encode("ascii", "replace").decode(),
)  # fmt: skip
def test_what_is_no_plain_yaml_is_refused_with_its_line(text: str | bytes, words: str) -> None:
    (problem,) = problems(text)
    assert words in problem


def test_a_byte_order_mark_is_no_problem() -> None:
    assert read(b"\xef\xbb\xbflogging: {level: error}").logging.level == "error"


def test_a_file_is_read_and_paths_start_at_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "asura.yaml").write_text("database: {path: data/asura.db}")
    monkeypatch.chdir(tmp_path)
    assert load(Path("etc/asura.yaml")).database.path == tmp_path / "etc" / "data" / "asura.db"


@pytest.mark.parametrize(("name", "words"), [("missing.yaml", "there is no such file"), (".", "can't be read")])
def test_a_file_that_can_not_be_read_is_a_problem(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load(tmp_path / name)
