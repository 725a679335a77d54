"""Personal text at rest: sealed per field, found by keyed digest, useless without the keys."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import HomeNotReady, PackageInvalid
from archive.record import SealedText
from archive.sealing import Seal


@pytest.fixture(scope="module")
def seal(tmp_path_factory: pytest.TempPathFactory) -> Seal:
    return Seal.create(tmp_path_factory.mktemp("keys") / "sealing.json")


@given(text=st.text(max_size=200))
def test_what_is_sealed_opens_again(seal: Seal, text: str) -> None:
    assert seal.open("f", seal.seal("f", text)) == text


def test_the_same_value_is_sealed_differently_each_time(seal: Seal) -> None:
    assert seal.seal("f", "012345678901") != seal.seal("f", "012345678901")


def test_a_sealed_value_cannot_be_moved_to_another_field(seal: Seal) -> None:
    with pytest.raises(PackageInvalid, match="changed"):
        seal.open("name", seal.seal("identifier", "x"))


def test_a_changed_ciphertext_is_refused(seal: Seal) -> None:
    sealed = seal.seal("f", "value")
    flipped = sealed.ciphertext[:-4] + ("AAAA" if not sealed.ciphertext.endswith("AAAA") else "BBBB")
    with pytest.raises(PackageInvalid):
        seal.open("f", SealedText(flipped, sealed.key_version))


def test_look_up_ignores_spaces_capitals_and_normal_form(seal: Seal) -> None:
    assert seal.lookup("cccd", "0123 4567 8901") == seal.lookup("cccd", "012345678901")
    assert seal.lookup("other", "Đa\u0323") == seal.lookup("other", "đạ")
    assert seal.lookup("cccd", "012345678901") != seal.lookup("cmnd", "012345678901")


def test_the_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "sealing.json"
    Seal.create(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_missing_or_damaged_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(HomeNotReady, match="sealing"):
        Seal.load(tmp_path / "sealing.json")
    (tmp_path / "sealing.json").write_text("{}x")
    with pytest.raises(HomeNotReady):
        Seal.load(tmp_path / "sealing.json")


def test_an_unknown_key_version_says_so(seal: Seal) -> None:
    with pytest.raises(PackageInvalid, match="version 9"):
        seal.open("f", SealedText(seal.seal("f", "x").ciphertext, 9))
