"""The table of roles and rights."""

from __future__ import annotations

import pytest

from gateway.oauth.roles import RIGHTS, ROLES, Right, Role, allows, role_named

LOOKS: set[Right] = {"see"}
MAKES: set[Right] = {"see", "create"}
DECIDES: set[Right] = {*MAKES, "decide_subscriptions", "see_all_usage", "see_all_refusals"}


@pytest.mark.parametrize(
    ("role", "rights"),
    [("viewer", LOOKS), ("developer", MAKES), ("publisher", DECIDES), ("admin", set(RIGHTS))],
)
def test_each_role_has_its_rights_and_no_others(role: Role, rights: set[Right]) -> None:
    assert {right for right in RIGHTS if allows(role, right)} == rights


def test_a_role_is_found_by_its_exact_name() -> None:
    assert [role_named(one) for one in (*ROLES, "Admin", "", "root")] == [*ROLES, None, None, None]
