import attrs
import pytest

from asura.api.masking import MASK, masked, unmasked


@attrs.frozen(kw_only=True)
class Settings:
    headers: dict[str, str] = attrs.field(factory=dict, metadata={"secret_keys": ("x-listed",)})


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("X-Listed", True),
        ("Authorization", True),
        ("X-Auth-Token", True),
        ("X-API-Key", True),
        ("Api-Key", True),
        ("X-Hub-Signature", True),
        ("Cookie", True),
        ("Ocp-Apim-Subscription-Key", True),
        ("API_KEY", True),
        ("AWS_ACCESS_KEY_ID", True),
        ("MYSQL_PWD", True),
        ("Accept", False),
        ("Content-Type", False),
        ("X-Keyboard", False),
        ("User-Agent", False),
    ],
)
def test_a_header_whose_name_says_so_reads_back_masked_and_is_kept(name: str, is_secret: bool) -> None:
    stored = {"headers": {name: "value"}}
    read = masked(Settings, stored)
    assert read == {"headers": {name: MASK if is_secret else "value"}}
    assert unmasked(Settings, read, stored=stored) == (stored, {})
