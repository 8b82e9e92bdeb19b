"""Where a configuration has secrets."""

import pytest

from gateway.config.secret_paths import secret_paths
from tests.config.example import settings


def test_every_kind_of_secret_is_found_and_whether_it_is_hashed() -> None:
    found = settings(
        f"""
        tokens: {{key: {"k" * 32}}}
        store: {{url: "redis://u:pass@h:1"}}
        portal: {{users: [{{name: admin, password: admin-password}}]}}
        issuers:
          asked:
            issuer: https://id.example
            introspection: {{url: https://id.example/i, client_id: g, client_secret: s}}
          cluster: {{preset: kubernetes, issuer: https://k8s.example}}
        clients:
          - {{id: a, secrets: [plain, "sha256:{"0" * 64}", {{secret: named}}], api_keys: [{"x" * 16}]}}
          - {{id: b, trust: [{{issuer: cluster, subject: "a:b"}}]}}
        """
    )
    assert sorted(secret_paths(found), key=str) == [
        (("clients", 0, "api_keys", 0), False),
        (("clients", 0, "secrets", 0), False),
        (("clients", 0, "secrets", 1), True),
        (("clients", 0, "secrets", 2, "secret"), False),
        (("issuers", "asked", "introspection", "client_secret"), False),
        (("portal", "users", 0, "password"), False),
        (("store", "url"), False),
        (("tokens", "key"), False),
    ]


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        ("redis://a,b:6380,[::1]:7/3", False),
        ("redis://u@a,[::1]:7", False),
        ("redis://u:pass@a,[::1]:7", True),
        ("rediss+cluster://:pass@a", True),
        ("unix://u:pass@/run/s", True),
    ],
)
def test_a_password_of_the_store_is_found_beside_every_list_of_servers(url: str, secret: bool) -> None:
    found = settings(f'store: {{url: "{url}"}}\n')
    assert ((("store", "url"), False) in secret_paths(found)) is secret
