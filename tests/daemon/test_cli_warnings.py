import attrs
import pytest

from asura.cli.serving import warnings
from asura.config.schema import ApiKey, Auth, Config, Server

KEY = ApiKey(name="admin", hash="a" * 64)


def config(**server: str) -> Config:
    return Config(server=Server(**server), auth=Auth(api_keys=(KEY,)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        pytest.param(config(), [], id="as it comes"),
        pytest.param(attrs.evolve(config(), auth=Auth()), ["no API key"], id="nobody can log in"),
        pytest.param(config(listen="192.0.2.1:80"), ["plain HTTP"], id="plain HTTP from elsewhere"),
        pytest.param(config(listen="0.0.0.0:80"), ["plain HTTP", "external_url"], id="every address"),
        pytest.param(config(listen="0.0.0.0:80", external_url="https://up.example"), [], id="behind a proxy with TLS"),
    ],
)
def test_what_will_surprise_somebody_is_said_at_the_start(given: Config, words: list[str]) -> None:
    found = warnings(given)
    assert len(found) == len(words)
    assert all(word in line for word, line in zip(words, found, strict=True))
