import os
import stat
from pathlib import Path

import pytest

from gateway.acme.folder import AcmeFolder
from gateway.acme.order import CertificateOrder
from gateway.acme.progress import AcmeProgress
from gateway.runtime.private_file import write_private_file

ORDER = CertificateOrder(("a.example.org",), "https://ca.example.org/dir", "http-01")


@pytest.fixture
def folder(tmp_path: Path) -> AcmeFolder:
    made = AcmeFolder(tmp_path)
    made.create()
    return made


def test_a_pending_token_is_answered_until_its_file_is_gone(folder: AcmeFolder) -> None:
    assert folder.key_authorization("token") is None
    file = folder.answer_http("token", "token.thumbprint")
    assert folder.key_authorization("token") == b"token.thumbprint"
    file.unlink()
    assert folder.key_authorization("token") is None


def test_answers_of_an_order_that_was_broken_off_are_ended_by_the_next(folder: AcmeFolder) -> None:
    folder.answer_http("token", "token.thumbprint")
    file = folder.answer_tls("a.example.org", b"pem")
    folder.end_answers()
    assert folder.key_authorization("token") is None
    assert not file.exists()


@pytest.mark.parametrize(
    "token", ["", "..", "../a.example.org.json", "a/b", "a\0b", "%2e%2e", "a" * 256, "."]
)
def test_a_token_never_leads_to_another_file(folder: AcmeFolder, token: str) -> None:
    folder.keep(ORDER, AcmeProgress())
    assert folder.key_authorization(token) is None
    with pytest.raises(ValueError, match="malformed"):
        folder.answer_http(token, "x")


def test_files_are_for_their_owner_and_survive_a_failed_write(
    folder: AcmeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder.certificate(ORDER)
    write_private_file(file, b"old")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        write_private_file(file, b"new")
    assert file.read_bytes() == b"old"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in folder.path.iterdir()) == [file.name, "http-01", "tls-alpn-01"]


def test_progress_that_can_not_be_read_counts_as_none(folder: AcmeFolder) -> None:
    kept = AcmeProgress().failed(ORDER, "no", 1, 0)
    folder.keep(ORDER, kept)
    assert folder.progress(ORDER) == kept
    (folder.path / "a.example.org.json").write_text("{")
    assert folder.progress(ORDER) == AcmeProgress()


def test_only_one_process_orders(folder: AcmeFolder) -> None:
    with folder.only_one() as first, folder.only_one() as second:
        assert (first, second) == (True, False)
    with folder.only_one() as again:
        assert again
