"""What a reload changes, and what waits for a restart."""

from pathlib import Path

from asura.config.live import Live, what_can_change
from asura.config.load import parse
from asura.config.schema import Config


def config(text: str) -> Config:
    return parse(text.encode(), name="asura.yaml", folder=Path("/srv"), environ={})


def test_nothing_changes_between_equal_configurations() -> None:
    assert what_can_change(config(""), config("server: {}")) == ((), ())


def test_changes_are_split_into_those_at_once_and_those_at_a_restart() -> None:
    new = config(
        "{server: {listen: 'a:1', rate_limit_burst: 7}, logging: {level: debug}, auth: {session: {lifetime: 1h}}}"
    )
    assert what_can_change(config(""), new) == (
        ("server.rate_limit_burst", "auth.session.lifetime", "logging.level"),
        ("server.listen",),
    )


def test_a_reload_puts_in_force_what_it_can_and_keeps_the_rest() -> None:
    live = Live(config("database: {max_read_conns: 2}"))
    key = f"{{name: new, hash: {'a' * 64}, role: readonly}}"
    now, later = live.reload(config(f"{{database: {{max_read_conns: 8}}, auth: {{api_keys: [{key}]}}}}"))
    assert (now, later) == (("auth.api_keys",), ("database.max_read_conns",))
    assert live.current.auth.api_keys[0].name == "new"
    assert live.current.database.max_read_conns == 2
