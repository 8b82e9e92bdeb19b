"""The portal on a Redis Cluster: people, sessions, applications and their keys are in different slots."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from tests.portal.conftest import ADMIN, PASSWORD
from tests.portal.pages.test_usage import after_settling
from tests.portal.reader import Reader, call
from tests.running import Running
from tests.topologies import ClusterSet

FORM = {"grant_type": "client_credentials", "scope": "orders.read"}


def test_people_applications_and_keys_work_on_a_cluster(
    start: Callable[..., Running], quiet_cluster: ClusterSet
) -> None:
    gateway = start(quiet_cluster.url).http
    developer = Reader(gateway)
    signed_up = developer.open("/portal/sign-up").submit(
        "/sign-up", name="Ada", password="correct horse", again="correct horse"
    )
    assert signed_up.status == 200

    for name in ("Shop", "Mail", "Stock"):
        path, made = developer.keys(name)
        credentials = f"{made.value('consumer-key')}:{made.value('consumer-secret')}"
        status, token = call(gateway, "/token", FORM, basic=credentials)
        assert status == 200
        assert call(gateway, "/orders/7", bearer=token["access_token"]) == (200, {"path": "/7"})
        application = path.rpartition("/")[0]
        assert developer.open(f"{application}/sandbox").submit("/generate-keys").status == 200
        edited = developer.open(f"{application}/edit").submit("/edit", name=f"{name} 2", tier="small")
        assert "Saved." in edited.words
    shown = after_settling(developer, f"{path}/calls", "GET /orders 200").words
    assert "/limited 2 in 1 hour client 2 bit by bit" in shown
    after_settling(developer, f"{application}/calls", "/orders Production 200 1")
    after_settling(developer, f"{application}/activity", "tier: small")
    assert "is deleted" in developer.open(f"{application}/delete").submit("/delete").words
    assert call(gateway, "/orders/7", bearer=token["access_token"])[0] == 401
    assert call(gateway, "/token", FORM, basic=credentials)[0] == 401

    admin = Reader(gateway)
    assert admin.sign_in(ADMIN, PASSWORD).status == 200
    words = admin.open("/portal/").words
    assert all(name in words for name in ("Shop 2", "Mail 2"))
    assert "Stock 2" not in words
    again = Reader(gateway)
    assert again.sign_in("Ada", "wrong horse").status != 200
    assert again.sign_in("Ada", "correct horse").status == 200

    # A team and its members are in another slot than its applications.
    made = again.open("/portal/teams").submit("/new", name="Team")
    team = urlsplit(made.url).path
    assert "is a member of the team" in made.submit("/add-member", user=ADMIN, role="owner").words
    path = urlsplit(again.application("Together")).path
    handed = again.open(f"{path}/owner").submit("/owner", owner=team.rpartition("/")[2])
    assert "The owner is changed." in handed.words
    assert "Together" in admin.open(team).words
    assert "has applications" in again.open(team).submit("/delete", sure="yes").words
    assert "You have left the team." in again.open(team).submit("/leave").words
    assert again.open(path).status == 404
    assert "is deleted" in admin.open(f"{path}/delete").submit("/delete").words
    assert "The team is deleted." in admin.open(team).submit("/delete", sure="yes").words
