"""What every signer promises, whichever adapter a keys URL names."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from archive.errors import SigningFailed
from archive.signers.demo import make_demo_authority
from archive.signers.open import open_signer
from archive.signers.port import Signer

NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
ROLES = ("digitizer:an", "agency:so-tu-phap", "copies:so-tu-phap", "log")


def _file_signer(folder: Path) -> Signer:
    authority = make_demo_authority(folder, now=NOW, agency_name="Sở Tư pháp")
    for role in ROLES:
        authority.ensure_role(role, f"Người giữ khóa {role}", now=NOW)
    return open_signer(folder.as_uri())


ADAPTERS: dict[str, Callable[[Path], Signer]] = {"file": _file_signer}


@pytest.fixture(scope="module", params=sorted(ADAPTERS))
def signer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return ADAPTERS[request.param](tmp_path_factory.mktemp("signer") / "keys")


def _public_key(signer: Signer, role: str) -> RSAPublicKey:
    key = signer.credential(role).certificate.public_key()
    assert isinstance(key, RSAPublicKey)
    return key


@pytest.mark.parametrize("role", ROLES)
def test_a_signature_verifies_with_the_certificate_of_its_role(signer: Signer, role: str) -> None:
    signature = signer.sign(role, b"noi dung")

    _public_key(signer, role).verify(signature, b"noi dung", PKCS1v15(), SHA256())


def test_a_signature_does_not_verify_other_data_or_as_another_role(signer: Signer) -> None:
    signature = signer.sign("log", b"noi dung")

    with pytest.raises(InvalidSignature):
        _public_key(signer, "log").verify(signature, b"noi dunh", PKCS1v15(), SHA256())
    with pytest.raises(InvalidSignature):
        _public_key(signer, "digitizer:an").verify(signature, b"noi dung", PKCS1v15(), SHA256())


@pytest.mark.parametrize("data", [b"", b"\x00", b"x" * 1_000_000])
def test_the_same_key_and_data_give_the_same_bytes(signer: Signer, data: bytes) -> None:
    assert signer.sign("log", data) == signer.sign("log", data)


@pytest.mark.parametrize("role", ROLES)
def test_the_chain_leads_link_by_link_to_a_root_that_signed_itself(signer: Signer, role: str) -> None:
    credential = signer.credential(role)
    whole = (credential.certificate, *credential.chain)

    for certificate, issuer in zip(whole, (*whole[1:], whole[-1]), strict=True):
        certificate.verify_directly_issued_by(issuer)
    assert credential.role == role


def test_keys_are_rsa_of_3072_bits_or_more(signer: Signer) -> None:
    assert all(_public_key(signer, role).key_size >= 3072 for role in ROLES)


@pytest.mark.parametrize("role", ["", "agency:khac", "../log", "LOG", "log/", "x" * 200, "log\x00"])
def test_a_role_without_a_key_is_refused(signer: Signer, role: str) -> None:
    with pytest.raises(SigningFailed) as refusal:
        signer.sign(role, b"noi dung")
    with pytest.raises(SigningFailed):
        signer.credential(role)
    assert refusal.value.role == role


def test_threads_may_share_a_signer(signer: Signer) -> None:
    with ThreadPoolExecutor(4) as pool:
        signatures = set(pool.map(lambda role: (role, signer.sign(role, b"x")), ROLES * 5))

    assert {(role, signer.sign(role, b"x")) for role in ROLES} == signatures
