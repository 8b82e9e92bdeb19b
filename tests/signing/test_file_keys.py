from pathlib import Path

import pytest

from gateway.errors import StartError
from gateway.signing.file_keys import FileKeys
from tests.jose.tokens import KEY, RSA


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


async def test_the_first_signs_and_all_are_published(tmp_path: Path) -> None:
    keys = FileKeys([written(tmp_path / "a.pem", RSA.pem), written(tmp_path / "b.pem", KEY.pem)])
    assert (await keys.signer()).kid == RSA.kid
    assert keys.published == [RSA.jwk, KEY.jwk]
    assert keys.find(KEY.kid)
    assert keys.find("other") is None
    await keys.learn()
    assert keys.current


def test_a_file_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"a\.pem can't be read"):
        FileKeys([tmp_path / "a.pem"])
    with pytest.raises(StartError, match=r"a\.pem is no private key"):
        FileKeys([written(tmp_path / "a.pem", "nonsense")])
