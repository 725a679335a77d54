"""Packages that are not what they say: refused by one error, in bounded memory, whatever the bytes."""

import hashlib
import io
import struct
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import packages
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from archive.errors import PackageInvalid
from archive.package import layout
from archive.package.read import open_package
from archive.package.write import write_content
from archive.sealing import Seal

TOP = packages.OBJID


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a good package."""
    folder = tmp_path_factory.mktemp("given")
    made = packages.record_package(Seal.create(folder / "keys" / "sealing.json"), folder)
    write_content(made.content, made.members, folder / "package.zip")
    return (folder / "package.zip").read_bytes()


def members_of(body: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(BytesIO(body)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(entries: list[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(out, "w", compression) as archive:
        warnings.simplefilter("ignore")  # a name written twice is what one test wants
        for name, data in entries:
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return out.getvalue()


def relisted(members: dict[str, bytes], name: str, data: bytes, mets: str = layout.METS) -> dict[str, bytes]:
    """Put other bytes in a member's place and into the METS that lists it, as one who can hash would."""
    old = members[f"{TOP}/{name}"]
    listing = members[f"{TOP}/{mets}"].decode()
    line = f'SIZE="{len(old)}" CREATED="2026-11-24T10:04:05+07:00" CHECKSUM="{hashlib.sha256(old).hexdigest()}"'
    assert listing.count(line) == 1
    new = f'SIZE="{len(data)}" CREATED="2026-11-24T10:04:05+07:00" CHECKSUM="{hashlib.sha256(data).hexdigest()}"'
    changed = {**members, f"{TOP}/{name}": data}
    if mets == layout.METS:
        return {**changed, f"{TOP}/{mets}": listing.replace(line, new).encode()}
    return relisted(changed, mets, listing.replace(line, new).encode())


def verify(body: bytes) -> None:
    with open_package(BytesIO(body)) as package:
        package.verify()


def refused(body: bytes, match: str | None = None) -> None:
    with pytest.raises(PackageInvalid, match=match):
        verify(body)


def test_a_package_zipped_again_by_another_program_is_still_one(whole: bytes) -> None:
    verify(zipped(list(members_of(whole).items())))


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_byte_is_changed_verify_refuses_or_every_listed_member_is_whole(
    whole: bytes, data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(whole) - 1))
    other = data.draw(st.integers(1, 255))
    changed = bytearray(whole)
    changed[place] ^= other
    with open_package(BytesIO(whole)) as package:
        before = {name: package.read(name) for name in package.members}
    try:
        with open_package(BytesIO(bytes(changed))) as package:
            package.verify()
            after = {name: package.read(name) for name in package.members}
    except PackageInvalid:
        return
    assert {n: b for n, b in after.items() if n != layout.METS} == {
        n: b for n, b in before.items() if n != layout.METS
    }


@pytest.mark.parametrize(
    "name", [layout.archived_member(1), layout.alto_member(1), layout.CATALOGUE, layout.README]
)
def test_a_changed_member_is_refused_even_with_its_crc_put_right(whole: bytes, name: str) -> None:
    members = members_of(whole)
    members[f"{TOP}/{name}"] = members[f"{TOP}/{name}"][:-1] + b"?"
    refused(zipped(list(members.items())), "lists")


@settings(max_examples=60)
@given(share=st.floats(0, 0.999999))
def test_a_package_cut_short_is_refused(whole: bytes, share: float) -> None:
    refused(whole[: int(len(whole) * share)])


@settings(max_examples=100)
@given(body=st.binary(max_size=300))
@example(body=b"")
@example(body=b"PK\x05\x06" + bytes(18))
def test_bytes_of_any_kind_are_refused_by_name(body: bytes) -> None:
    refused(body)
    refused(body + b"PK\x05\x06" + bytes(18))


@pytest.mark.parametrize(
    "name",
    [
        f"{TOP}/../evil",
        f"{TOP}/data/../../evil",
        "/etc/passwd",
        f"{TOP}//etc/passwd",
        f"{TOP}/a\\b",
        f"{TOP}/.hidden",
        f"{TOP}/folder/",
        f"{TOP}/{'a' * 300}",
        f"{TOP}/tên",
        "uuid-00000000-0000-0000-0000-000000000000/METS.xml",
        "METS.xml",
    ],
)
def test_a_name_no_member_has_is_refused(whole: bytes, name: str) -> None:
    refused(zipped([*members_of(whole).items(), (name, b"x")]))


def test_a_second_member_of_one_name_is_refused(whole: bytes) -> None:
    refused(zipped([*members_of(whole).items(), (f"{TOP}/METS.xml", b"<mets/>")]), "one name")


def test_a_top_folder_of_another_name_is_refused(whole: bytes) -> None:
    other = TOP[:-1] + ("0" if TOP[-1] != "0" else "1")
    renamed = [(name.replace(TOP, other), body) for name, body in members_of(whole).items()]
    refused(zipped(renamed), "OBJID")
    refused(zipped([(name.replace(TOP, "package"), body) for name, body in members_of(whole).items()]), "OBJID")


def test_compressed_members_are_refused_before_they_are_unpacked() -> None:
    bomb = zipped([(f"{TOP}/METS.xml", bytes(200 << 20))], zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    refused(bomb, "plainly")
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_a_member_that_says_it_is_larger_than_the_zip_is_refused() -> None:
    body = bytearray(zipped([(f"{TOP}/METS.xml", b"x")]))
    for place in (body.index(b"PK\x03\x04") + 18, body.index(b"PK\x01\x02") + 20):
        body[place : place + 8] = struct.pack("<2L", 1 << 30, 1 << 30)
    refused(bytes(body))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda body: b"MZ this is a program" + body,
        lambda body: body + b"more",
        lambda body: body[:-2] + b"\x04\x00note",
        lambda body: body.replace(b"PK\x01\x02", b"hidden bytes here" + b"PK\x01\x02", 1),
        lambda body: body.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01", 1),
        lambda body: body.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x08", 1),
    ],
    ids=["before", "behind", "comment", "between", "encrypted", "size behind the member"],
)
def test_a_zip_with_more_than_plain_members_is_refused(whole: bytes, spoil: Callable[[bytes], bytes]) -> None:
    spoiled = spoil(whole)
    assert spoiled != whole
    refused(spoiled)


def test_a_directory_of_a_million_entries_is_refused_unread() -> None:
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    directory = entry * 1_000_000
    large = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 10**6, 10**6, len(directory), 0)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, len(directory), 0, 0)
    stream = BytesIO(directory + large + locator + end)
    tracemalloc.start()
    with pytest.raises(PackageInvalid, match="members"), open_package(stream):
        pass
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def _mets(body: str, declaration: str = '<?xml version="1.0" encoding="UTF-8"?>\n') -> bytes:
    return zipped([(f"{TOP}/METS.xml", (declaration + body).encode())])


BOMB = '<!DOCTYPE m [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)
)
SECRET = '<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
ROOT = f'<mets xmlns="http://www.loc.gov/METS/" OBJID="{TOP}"'


@pytest.mark.parametrize(
    "body",
    [
        _mets(BOMB + f"]>{ROOT}>&j;</mets>"),
        _mets(SECRET + f"{ROOT}>&x;</mets>"),
        _mets('<!DOCTYPE m SYSTEM "http://localhost/m.dtd">' + f"{ROOT}/>"),
        zipped([(f"{TOP}/METS.xml", (SECRET + f"{ROOT}>&x;</mets>").encode("utf-16"))]),
        _mets(f"{ROOT}/>", '<?xml version="1.0" encoding="UTF-7"?>\n'),
        _mets(f"{ROOT}>" + "<div>" * 5000),
        _mets(f"{ROOT}>"),
        _mets(f"{ROOT}><file/></mets>"),
        _mets(f"{ROOT}><mdRef/></mets>"),
        _mets("<mets/>"),
    ],
    ids=["bomb", "file", "network", "utf-16", "utf-7", "deep", "open", "no place", "no digest", "no namespace"],
)
def test_a_mets_of_another_hand_is_refused(body: bytes) -> None:
    refused(body)


def test_a_missing_and_a_surplus_member_are_refused(whole: bytes) -> None:
    members = members_of(whole)
    fewer = {n: b for n, b in members.items() if not n.endswith(layout.alto_member(1))}
    refused(zipped(list(fewer.items())), "1 members are missing, 0 surplus")
    refused(zipped([*members.items(), (f"{TOP}/schemas/x.xsd", b"x")]), "0 members are missing, 1 surplus")


def test_a_package_without_a_catalogue_or_mets_is_refused(whole: bytes) -> None:
    for name in (layout.METS, layout.CATALOGUE, layout.representation_mets("rep1")):
        refused(zipped([(n, b) for n, b in members_of(whole).items() if n != f"{TOP}/{name}"]))


def test_an_archived_file_its_catalogue_does_not_know_is_refused(whole: bytes) -> None:
    changed = relisted(
        members_of(whole), layout.archived_member(1), b"%PDF another", layout.representation_mets("rep1")
    )
    refused(zipped(list(changed.items())), "catalogue says")


def test_a_catalogue_of_another_package_is_refused(whole: bytes) -> None:
    members = members_of(whole)
    foreign = members[f"{TOP}/{layout.CATALOGUE}"].replace(TOP.encode(), TOP[:-1].encode() + b"0")
    refused(zipped(list(relisted(members, layout.CATALOGUE, foreign).items())), "OBJID")


@pytest.mark.parametrize("body", [b"{}", b"[]", b"[" * 50_000, b'{"objid":"' + TOP.encode() + b'"}'])
def test_a_catalogue_of_another_shape_is_refused(whole: bytes, body: bytes) -> None:
    refused(zipped(list(relisted(members_of(whole), layout.CATALOGUE, body).items())))


def test_a_catalogue_changed_without_its_mets_is_not_handed_out(whole: bytes) -> None:
    members = members_of(whole)
    name = f"{TOP}/{layout.CATALOGUE}"
    members[name] = members[name].replace(b'"package_number":1', b'"package_number":2')
    with open_package(BytesIO(zipped(list(members.items())))) as package, pytest.raises(PackageInvalid):
        package.content()


def test_sizes_and_places_of_64_bits_are_understood(whole: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 300)  # as if 300 bytes were 2 GiB
    monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 3)
    large = zipped(list(members_of(whole).items()))
    assert b"PK\x06\x06" in large
    monkeypatch.undo()
    verify(large)


def test_a_stream_that_gives_bytes_in_pieces_is_read_to_its_end(whole: bytes, tmp_path: Path) -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size, 5) if size is not None and size > 0 else size)

    with open_package(Slow(whole)) as package:
        package.verify()
