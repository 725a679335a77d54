"""Keys in a folder: what opens, what is refused and why; and the demo authority that makes them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from archive.errors import SigningFailed, UnknownUrl
from archive.signers.demo import DemoAuthority, make_demo_authority
from archive.signers.file import DEMO_MARK, ISSUERS_FILE, FileSigner, key_file_name
from archive.signers.open import open_signer
from archive.signers.readiness import ready, time_left

NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
ROLE = "agency:so-tu-phap"
SECRET = "mật khẩu"


def _usage(signs_files: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs_files,
        content_commitment=signs_files,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=not signs_files,
        crl_sign=not signs_files,
        encipher_only=False,
        decipher_only=False,
    )


class Issued:
    """A root, an intermediate and a leaf of a real-looking authority, with the leaf's key."""

    def __init__(self) -> None:
        self.root_key, middle_key, self.key = (rsa.generate_private_key(65537, 3072) for _ in range(3))
        self.root = self.certificate("Gốc", "Gốc", self.root_key, self.root_key)
        self.middle = self.certificate("Trung gian", "Gốc", middle_key, self.root_key)
        self.leaf = self.certificate("Sở Tư pháp", "Trung gian", self.key, middle_key)

    @staticmethod
    def _name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def certificate(
        self,
        subject: str,
        issuer: str,
        key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
        signs: rsa.RSAPrivateKey,
    ) -> x509.Certificate:
        signs_files = subject == "Sở Tư pháp"
        return (
            x509.CertificateBuilder()
            .subject_name(self._name(subject))
            .issuer_name(self._name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=10))
            .not_valid_after(NOW + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=not signs_files, path_length=None), critical=True)
            .add_extension(_usage(signs_files), critical=True)
            .sign(signs, SHA256())
        )


@pytest.fixture(scope="module")
def issued() -> Issued:
    return Issued()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    return keys


def _put(folder: Path, name: str, body: bytes, mode: int = 0o600) -> Path:
    path = folder / name
    path.write_bytes(body)
    path.chmod(mode)
    return path


def _sealed(issued: Issued, *issuers: x509.Certificate, secret: str = SECRET) -> bytes:
    return pkcs12.serialize_key_and_certificates(
        b"key", issued.key, issued.leaf, list(issuers), BestAvailableEncryption(secret.encode())
    )


def _reason(folder: Path, passphrase: str | None = SECRET) -> str:
    with pytest.raises(SigningFailed) as refusal:
        FileSigner(folder, passphrase=passphrase).sign(ROLE, b"x")
    return refusal.value.reason


def test_a_key_file_with_its_chain_in_any_order_is_opened(issued: Issued, folder: Path) -> None:
    _put(folder, key_file_name(ROLE), _sealed(issued, issued.root, issued.middle))

    credential = FileSigner(folder, passphrase=SECRET).credential(ROLE)

    assert (issued.leaf, (issued.middle, issued.root)) == (credential.certificate, credential.chain)
    assert not credential.demo


def test_issuers_left_out_of_a_key_file_are_found_beside_it(issued: Issued, folder: Path) -> None:
    _put(folder, key_file_name(ROLE), _sealed(issued))
    assert "Trung gian" in _reason(folder)

    pem = issued.middle.public_bytes(Encoding.PEM) + issued.root.public_bytes(Encoding.PEM)
    _put(folder, ISSUERS_FILE, pem, 0o644)

    assert FileSigner(folder, passphrase=SECRET).credential(ROLE).chain == (issued.middle, issued.root)


def test_the_passphrase_is_read_from_the_secret_file_beside_the_keys(issued: Issued, folder: Path) -> None:
    _put(folder, key_file_name(ROLE), _sealed(issued, issued.middle, issued.root))
    assert "passphrase" in _reason(folder, None)

    _put(folder, "passphrase", f"{SECRET}\n".encode())

    assert FileSigner(folder).sign(ROLE, b"x")


def test_a_key_is_parsed_once_and_kept(issued: Issued, folder: Path) -> None:
    path = _put(folder, key_file_name(ROLE), _sealed(issued, issued.middle, issued.root))
    signer = FileSigner(folder, passphrase=SECRET)
    before = signer.sign(ROLE, b"x")

    path.unlink()

    assert before == signer.sign(ROLE, b"x")


def test_a_wrong_passphrase_and_a_damaged_file_are_told(issued: Issued, folder: Path) -> None:
    body = _sealed(issued, issued.middle, issued.root)
    path = _put(folder, key_file_name(ROLE), body)
    assert "passphrase is wrong" in _reason(folder, "khác")

    for damaged in (b"", b"not a key", body[:500], body[:900] + b"\x00" * 40 + body[940:]):
        path.write_bytes(damaged)
        assert "damaged" in _reason(folder)


def test_a_missing_key_is_told_by_the_name_its_file_should_have(folder: Path) -> None:
    assert "agency%3aso-tu-phap.p12" in _reason(folder)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_file_others_can_reach_is_refused(issued: Issued, folder: Path, mode: int) -> None:
    _put(folder, key_file_name(ROLE), _sealed(issued, issued.middle, issued.root), mode)

    assert "chmod" in _reason(folder)


def test_a_folder_others_can_enter_is_refused(issued: Issued, folder: Path) -> None:
    _put(folder, key_file_name(ROLE), _sealed(issued, issued.middle, issued.root))
    folder.chmod(0o755)

    assert "chmod" in _reason(folder)


def test_keys_too_short_or_of_another_kind_are_refused(issued: Issued, folder: Path) -> None:
    short = rsa.generate_private_key(65537, 2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    for key, told in ((short, "2048 bits"), (curve, "RSA key")):
        certificate = issued.certificate("Sở Tư pháp", "Gốc", key, issued.root_key)
        sealing = BestAvailableEncryption(SECRET.encode())
        body = pkcs12.serialize_key_and_certificates(b"key", key, certificate, [issued.root], sealing)
        _put(folder, key_file_name(ROLE), body)

        assert told in _reason(folder)


def test_readiness_tells_expiry_a_clock_gone_wrong_and_a_wrong_kind_of_key(issued: Issued, folder: Path) -> None:
    _put(folder, key_file_name(ROLE), _sealed(issued, issued.middle, issued.root))
    signer = FileSigner(folder, passphrase=SECRET)

    assert ready(signer, ROLE, NOW).certificate == issued.leaf
    assert timedelta(days=30) == time_left(signer.credential(ROLE), NOW)
    with pytest.raises(SigningFailed, match="expired"):
        ready(signer, ROLE, NOW + timedelta(days=31))
    with pytest.raises(SigningFailed, match="clock"):
        ready(signer, ROLE, NOW - timedelta(days=11))


def test_a_certificate_not_meant_for_signing_is_not_ready(issued: Issued, folder: Path) -> None:
    authority_key = pkcs12.serialize_key_and_certificates(
        b"key", issued.root_key, issued.root, None, BestAvailableEncryption(SECRET.encode())
    )
    _put(folder, key_file_name(ROLE), authority_key)

    with pytest.raises(SigningFailed, match="nonRepudiation"):
        ready(FileSigner(folder, passphrase=SECRET), ROLE, NOW)


@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_no_two_roles_share_a_key_file_even_where_case_is_ignored(one: str, other: str) -> None:
    names = [key_file_name(role) for role in (one, other)]

    assert (one == other) == (names[0] == names[1])
    assert all(name == name.lower() and "/" not in name and not name.startswith(".") for name in names)


@pytest.mark.parametrize(
    "url",
    ["", "keys", "file:keys", "file://host/keys", "file:///k?x=1", "file:///k#x", "pkcs11:token=a", "s3://k"],
)
def test_a_url_no_adapter_answers_to_is_refused(url: str) -> None:
    with pytest.raises(UnknownUrl):
        open_signer(url)


def test_a_url_with_escapes_names_the_folder_meant(tmp_path: Path) -> None:
    folder = tmp_path / "khóa ký"
    make_demo_authority(folder, now=NOW, agency_name="Sở").ensure_role("log", "Sổ", now=NOW)

    assert open_signer(folder.as_uri()).credential("log").demo


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> DemoAuthority:
    return make_demo_authority(tmp_path_factory.mktemp("demo") / "keys", now=NOW, agency_name="Sở Tư pháp")


def test_every_demo_certificate_says_that_it_binds_nobody(authority: DemoAuthority) -> None:
    authority.ensure_role("digitizer:an", "Nguyễn Thị An", now=NOW)

    credential = open_signer(authority.folder.as_uri()).credential("digitizer:an")

    unit = NameOID.ORGANIZATIONAL_UNIT_NAME
    for certificate in (credential.certificate, *credential.chain):
        assert {DEMO_MARK} == {n.value for n in certificate.subject.get_attributes_for_oid(unit)}
    assert credential.demo


def test_demo_keys_are_kept_when_made_again(authority: DemoAuthority) -> None:
    before = authority.ensure_role("log", "Sổ", now=NOW).read_bytes(), authority.root_der.read_bytes()

    again = make_demo_authority(authority.folder, now=NOW + timedelta(days=9), agency_name="Khác")

    assert before == (again.ensure_role("log", "Khác", now=NOW).read_bytes(), again.root_der.read_bytes())


def test_demo_secrets_are_for_the_owner_only(authority: DemoAuthority) -> None:
    authority.ensure_role("log", "Sổ", now=NOW)

    secret = [*authority.folder.rglob("*.p12"), authority.folder / "passphrase"]

    assert {0o600} == {path.stat().st_mode & 0o777 for path in secret}
    assert {0o700} == {path.stat().st_mode & 0o777 for path in (authority.folder, authority.folder / "authority")}
    assert not [path for path in authority.folder.rglob("*") if path.name.startswith(".")]


def test_the_demo_root_and_its_empty_revocation_list_are_there_for_validators(
    authority: DemoAuthority,
) -> None:
    root = x509.load_der_x509_certificate(authority.root_der.read_bytes())
    revoked = x509.load_der_x509_crl(authority.root_crl.read_bytes())

    assert x509.load_pem_x509_certificate(authority.root_pem.read_bytes()) == root
    assert revoked.is_signature_valid(root.public_key())  # type: ignore[arg-type]  # an RSA key
    assert len(revoked) == 0


def test_a_name_too_long_for_a_certificate_is_cut_at_a_letter(authority: DemoAuthority) -> None:
    name = "Ủy ban nhân dân phường Nguyễn Thị Minh Khai, thành phố Bắc Giang, tỉnh Bắc Giang"
    authority.ensure_role("agency:dai", name, now=NOW)

    subject = open_signer(authority.folder.as_uri()).credential("agency:dai").certificate.subject
    common = str(subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value)

    assert common.endswith("…")
    assert name.startswith(common[:-1])


def test_of_racing_makers_one_key_wins_whole(tmp_path: Path) -> None:
    folder = tmp_path / "keys"

    def make(number: int) -> bytes:
        authority = make_demo_authority(folder, now=NOW, agency_name=f"Sở {number}")
        return authority.ensure_role("log", f"Sổ {number}", now=NOW).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        kept = set(pool.map(make, range(4)))
    assert len(kept) == 1
    assert open_signer(folder.as_uri()).sign("log", b"x")


@pytest.mark.parametrize("passphrase", [b"khac", b"\xff\xfe", b""])
def test_a_demo_root_that_no_longer_opens_is_told(tmp_path: Path, passphrase: bytes) -> None:
    folder = tmp_path / "keys"
    make_demo_authority(folder, now=NOW, agency_name="Sở")
    _put(folder, "passphrase", passphrase)

    with pytest.raises(SigningFailed):
        make_demo_authority(folder, now=NOW, agency_name="Sở").ensure_role("log", "Sổ", now=NOW)


def test_a_demo_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"a file where the folder should be")

    with pytest.raises(SigningFailed, match="keys"):
        make_demo_authority(tmp_path / "keys", now=NOW, agency_name="Sở")
