"""What presets of issuers fill in."""

from gateway.config.issuer_presets import PRESETS, with_preset
from gateway.config.issuers import IssuerSettings


def test_a_preset_fills_in_what_is_left_out() -> None:
    filled = with_preset({"preset": "github"})
    assert filled == {"preset": "github", **PRESETS["github"]}
    assert (
        with_preset({"preset": "github", "issuer": "https://ghes.example"})["issuer"]
        == "https://ghes.example"
    )


def test_what_is_no_preset_is_left_as_it_is() -> None:
    for values in ({"preset": "git"}, {"preset": ["github"]}, {"issuer": "x"}, "text", None):
        assert with_preset(values) == values


def test_every_preset_is_valid() -> None:
    for name in PRESETS:
        IssuerSettings.model_validate({"issuer": "https://id.example", "preset": name, **PRESETS[name]})
