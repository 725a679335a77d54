"""Keys, signed notes and checkpoints of the log; the verifier's Ed25519 against RFC 8032 and against a library."""

import random
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from logs import KEY, OTHER_KEY, flip_somewhere, flipped

from archive.errors import LogBroken, LogKeyRefused
from archive.log.notes import LogKey, checkpoint_text, open_checkpoint, sign_checkpoint
from archive.log.verify_log import NoteInvalid, ed25519_verifies, parse_checkpoint, parse_note, parse_vkey

ROOT = bytes(range(32))
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493

# RFC 8032, section 7.1: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
        "3dca179c138ac17ad9bef1177331a704",
    ),
]


def _library_verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize("vector", RFC_8032)
def test_the_vectors_of_rfc_8032_verify(vector: tuple[str, str, str, str]) -> None:
    seed, public, message, signature = (bytes.fromhex(one) for one in vector)
    key = Ed25519PrivateKey.from_private_bytes(seed)
    assert (key.public_key().public_bytes_raw(), key.sign(message)) == (public, signature)
    assert ed25519_verifies(public, message, signature)
    assert not ed25519_verifies(public, message + b"!", signature)


def test_random_signatures_are_judged_as_by_the_library() -> None:
    chance = random.Random(8032)
    for _ in range(25):
        key = Ed25519PrivateKey.from_private_bytes(chance.randbytes(32))
        public, message = key.public_key().public_bytes_raw(), chance.randbytes(chance.randrange(100))
        good = key.sign(message)
        assert ed25519_verifies(public, message, good)
        for case in (
            (public, message, flip_somewhere(good, chance)),
            (flip_somewhere(public, chance), message, good),
            (public, message + b"\0", good),
            (public, message, chance.randbytes(64)),
            (chance.randbytes(32), message, good),
        ):
            assert not _library_verifies(*case)
            assert not ed25519_verifies(*case)


def _plus_order(signature: bytes) -> bytes:
    return signature[:32] + (int.from_bytes(signature[32:], "little") + ORDER).to_bytes(32, "little")


def test_malformed_signatures_and_keys_are_refused_without_an_exception() -> None:
    _, public, message, good = (bytes.fromhex(one) for one in RFC_8032[1])
    malformed = [
        (public, message, _plus_order(good)),  # S that is not reduced
        (public, message, good[:63]),
        (public, message, good + b"\0"),
        (public, message, b""),
        (public, message, bytes(64)),
        (public, message, b"\xff" * 64),
        (public[:31], message, good),
        (b"\xff" * 32, message, good),  # y beyond the field
        ((P + 3).to_bytes(32, "little"), message, good),
        (b"\x01" + bytes(30) + b"\x80", message, good),  # x = 0 with its sign set
        ((2).to_bytes(32, "little"), message, good),  # on no point of the curve
    ]
    for case in malformed:
        assert not _library_verifies(*case), case
        assert not ed25519_verifies(*case), case


def test_a_key_of_small_order_signs_nothing() -> None:
    neutral = b"\x01" + bytes(31)
    anything = neutral + bytes(32)  # R = [0]B - [k]A for every message, where A is neutral
    assert not ed25519_verifies(neutral, b"any message", anything)
    for encoded in (b"\xec" + b"\xff" * 30 + b"\x7f", bytes(32), bytes(31) + b"\x80"):  # of order 2 and 4
        assert not ed25519_verifies(encoded, b"any message", neutral + bytes(32))


def test_a_checkpoint_is_a_note_that_says_origin_size_and_root() -> None:
    note = sign_checkpoint(KEY, "records", 17, ROOT, ["an extension"])
    assert note.startswith(b"sohoa-test.example/records\n17\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\nan ext")
    assert note == sign_checkpoint(KEY, "records", 17, ROOT, ["an extension"])
    said = open_checkpoint(note, KEY.verifier("records"))
    assert (said.origin, said.size, said.root) == ("sohoa-test.example/records", 17, ROOT)
    assert said.extensions == ("an extension",)
    assert said == parse_checkpoint(note)


def test_the_logs_of_two_streams_have_keys_of_their_own_names() -> None:
    records, access = (parse_vkey(KEY.verifier(stream)) for stream in ("records", "access"))
    assert (records.public, records.name) == (access.public, "sohoa-test.example/records")
    assert records.key_id != access.key_id
    note = sign_checkpoint(KEY, "access", 3, ROOT)
    with pytest.raises(LogBroken, match=r"no signature of sohoa-test\.example/records"):
        open_checkpoint(note, KEY.verifier("records"))


def test_the_checkpoint_of_another_key_is_named_as_such() -> None:
    note = sign_checkpoint(OTHER_KEY, "records", 17, ROOT)
    with pytest.raises(LogBroken) as caught:
        open_checkpoint(note, KEY.verifier("records"), name="the one outside")
    assert (caught.value.link, caught.value.reason[:12]) == ("the one outside", "no signature")


def test_no_changed_bit_of_a_checkpoint_is_accepted() -> None:
    note = sign_checkpoint(KEY, "records", 17, ROOT)
    for bit in range(0, len(note) * 8, 7):
        with pytest.raises(LogBroken):
            open_checkpoint(flipped(note, bit), KEY.verifier("records"))


def test_signatures_of_others_beside_ours_do_not_matter_and_a_wrong_one_of_ours_does() -> None:
    note = sign_checkpoint(KEY, "records", 17, ROOT)
    witness = LogKey("witness.example", bytes(32)).sign("records", parse_checkpoint(note).text)
    line = witness[witness.rindex(b"\n\n") + 2 :]
    assert open_checkpoint(note + line, KEY.verifier("records")).size == 17
    text, ours = note.rsplit(b"\n\n")
    assert open_checkpoint(text + b"\n\n" + line + ours, KEY.verifier("records")).size == 17
    other = sign_checkpoint(KEY, "records", 18, ROOT)
    with pytest.raises(LogBroken, match="does not fit"):
        open_checkpoint(note + other[other.rindex(b"\n\n") + 2 :], KEY.verifier("records"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "origin\n",
        "origin\n1\n",
        "origin\n01\n{root}\n",
        "origin\n-1\n{root}\n",
        "origin\n+1\n{root}\n",
        "origin\n١\n{root}\n",
        "origin\n99999999999999999999\n{root}\n",
        "origin\n1\nAAAA\n",
        "origin\n1\n{root}=\n",
        "origin\n1\n{root}\n\nbelow an empty line\n",
        "\n1\n{root}\n",
        "origin\r\n1\n{root}\n",
    ],
)
def test_a_malformed_checkpoint_is_none_even_when_signed(text: str) -> None:
    root = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    note = KEY.sign("records", text.replace("{root}", root))
    with pytest.raises(NoteInvalid):
        parse_checkpoint(note)


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\nno dash\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAAA",
        b"text\n\n\xe2\x80\x94 na+me AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 name  AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 name AAAA\n",
        b"text\n\n\xe2\x80\x94 name AAAAAAB=\n",
        b"text\xff\n\n\xe2\x80\x94 name AAAAAAAA\n",
        b"te\txt\n\n\xe2\x80\x94 name AAAAAAAA\n",
        b"text\n\n" + b"\xe2\x80\x94 name AAAAAAAA\n" * 101,
        b"x" * 1_000_000 + b"\n\n\xe2\x80\x94 name AAAAAAAA\n",
    ],
)
def test_a_malformed_note_is_none(note: bytes) -> None:
    with pytest.raises(NoteInvalid):
        parse_note(note)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+c74f20a3",
        "name+00000000+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+C74F20A3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T",
        "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ],
)
def test_a_malformed_public_key_is_none(text: str) -> None:
    with pytest.raises(NoteInvalid):
        parse_vkey(text)


def test_the_public_keys_of_go_are_read() -> None:
    # Of the documentation of golang.org/x/mod/sumdb/note, and of Go's checksum database.
    for text in (
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
        "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
    ):
        assert parse_vkey(f"{text}\n").name == text.partition("+")[0]


def test_a_key_file_in_the_form_of_go_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    path.touch(0o600)
    path.write_text("PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n")
    assert LogKey.load(path).name == "PeterNeumann"


def test_a_key_is_written_for_its_owner_alone_and_is_the_same_again(tmp_path: Path) -> None:
    key = LogKey.generate("sohoa-0123")
    key.write(tmp_path / "log.key")
    assert (tmp_path / "log.key").stat().st_mode & 0o777 == 0o600
    again = LogKey.load(tmp_path / "log.key")
    assert again.verifier("access") == key.verifier("access")
    assert sign_checkpoint(again, "access", 5, ROOT) == sign_checkpoint(key, "access", 5, ROOT)
    with pytest.raises(FileExistsError):
        KEY.write(tmp_path / "log.key")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    KEY.write(tmp_path / "log.key")
    (tmp_path / "log.key").chmod(mode)
    with pytest.raises(LogKeyRefused, match="chmod 600"):
        LogKey.load(tmp_path / "log.key")


def test_a_damaged_or_missing_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    with pytest.raises(LogKeyRefused):
        LogKey.load(path)
    KEY.write(path)
    whole = path.read_text()
    for damaged in (
        "",
        "PRIVATE+KEY+",
        whole[12:],
        whole[:-5],
        whole.replace("sohoa", "other"),
        "\udcff",
    ):
        path.write_bytes(damaged.encode(errors="surrogateescape"))
        with pytest.raises(LogKeyRefused):
            LogKey.load(path)


@pytest.mark.parametrize("name", ["", "with space", "with+plus", "with\u2003wide space", "line\nend"])
def test_a_name_that_a_note_could_not_carry_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        LogKey.generate(name)


def test_a_checkpoints_text_is_lines() -> None:
    assert checkpoint_text("here", 0, bytes(32)) == "here\n0\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
