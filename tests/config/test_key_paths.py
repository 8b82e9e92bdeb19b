from gateway.config.key_paths import fields, keys_at
from gateway.config.model import Settings
from gateway.config.plugins import PluginUse
from tests.config.example import Limit


def test_keys_have_the_files_names() -> None:
    assert list(fields(PluginUse)) == ["use", "with"]


def test_keys_are_found_through_lists_mappings_and_choices() -> None:
    assert keys_at(Settings, ("logging",)) == ["level", "format", "access", "fields", "audit"]
    assert keys_at(Settings, ("upstreams", "any", "servers", 3)) == ["url", "weight"]
    assert keys_at(Settings, ("server", "listen", 0, "tls")) == ["certificate", "key", "client_ca", "acme"]
    assert keys_at(Limit, ("window",)) == ["size"]


def test_there_are_none_where_there_is_no_mapping() -> None:
    assert keys_at(Settings, ("logging", "level")) == []
    assert keys_at(Settings, ("no", "such")) == []
    assert keys_at(Limit, ("only", 0)) == []
