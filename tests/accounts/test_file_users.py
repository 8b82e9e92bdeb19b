import pytest

from gateway.accounts.file_users import FileUsers
from gateway.errors import StoreUnavailable
from gateway.oauth.user import User
from gateway.store.file_records import Identified


def test_nobody_is_found_before_the_store_has_said_who_they_are() -> None:
    users = FileUsers([User("Ada", "engine")])
    for ask in (users.find, users.get):
        with pytest.raises(StoreUnavailable):
            ask("ada")


def test_a_user_is_found_by_name_in_any_case_and_by_id() -> None:
    users = FileUsers([User("Ada", "engine", role="admin")])
    users.identify({"ada": Identified("file:1", "7")})
    ada = users.find("ADA")
    assert ada is users.get("file:1")
    assert ada is not None
    assert (ada.name, ada.admin, ada.id, ada.generation) == ("Ada", True, "file:1", "7")
    assert users.find("bob") is None is users.get("file:2")
