"""A custody bundle: from sheet to copy, each link proven against a signed checkpoint, each broken one named."""

import base64
import copy
import hashlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from logs import KEY, OTHER_KEY, START, Hashes, signed, some_entries, some_entry

from archive.events import canonical_bytes
from archive.log import verify_log
from archive.log.merkle import inclusion_proof
from archive.log.verify_log import Broken, check_custody, parse_vkey
from archive.record import PrincipalId

Bundle = dict[str, Any]
VERIFIER = parse_vkey(KEY.verifier("records"))
RECORD = "01" * 16
PDF = b"%PDF-1.7 archived"
COPY = b"%PDF-1.7 copy"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


PARTS = [
    {"number": 1, "kind": "main", "member": "data/part-001.pdf", "page_count": 2, "archived_sha256": _sha256(PDF)}
]
PAGES = [
    {"number": 1, "part_number": 1, "sheet": 1, "face": "mặt trước", "file_sha256": "aa" * 32, "file_index": 0},
    {"number": 2, "part_number": 1, "sheet": 1, "face": "mặt sau", "file_sha256": "bb" * 32, "file_index": 0},
]


def _event(number: int, kind: str, payload: dict[str, Any]) -> bytes:
    return canonical_bytes("records", number, kind, principal=PrincipalId("clerk"), at=START, payload=payload)


def _package(path: Path) -> str:
    """Write a package with the part in it and return its digest."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("record-1/data/part-001.pdf"), PDF)
    return _sha256(path.read_bytes())


class _Custody:
    """A log in which a record is deposited and copied, and the bundle that tells of it."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / "package.zip"
        self.copy = folder / "copy.pdf"
        self.copy.write_bytes(COPY)
        self.object = {"key": "packages/01", "version": "v1", "sha256": _package(self.package)}
        self.payloads: dict[int, tuple[str, dict[str, Any]]] = {
            5: ("record.deposited", self._deposit()),
            9: ("batch.accepted", {"batch": "b-1", "record": RECORD}),
            300: ("copy.reserved", {**self._copy("package_number"), "package_sha256": self.object["sha256"]}),
            301: ("copy.issued", {**self._copy("package"), "sha256": _sha256(COPY), "length": len(COPY)}),
        }

    def _deposit(self) -> dict[str, Any]:
        custody = _sha256(rfc8785.dumps({"parts": PARTS, "pages": PAGES}))
        return {"record": RECORD, "package": 1, "object": {**self.object, "length": 1}, "custody": custody}

    def _copy(self, package: str) -> dict[str, Any]:
        return {"copy": "c-1", "record": RECORD, package: 1, "serial": "ab" * 16, "number": 7}

    def bundle(self, **values: Any) -> Bundle:
        """Return the bundle; values replace members."""
        entries = some_entries(310)
        for number, (kind, payload) in self.payloads.items():
            entries[number] = _event(number, kind, payload)
        hashes = Hashes(entries)
        events = [
            {
                "index": number,
                "entry": base64.b64encode(entries[number]).decode(),
                "proof": [base64.b64encode(one).decode() for one in inclusion_proof(number, 310, hashes.read)],
            }
            for number in self.payloads
        ]
        made: Bundle = {
            "format": "sohoa-custody/1",
            "vkey": KEY.verifier("records"),
            "checkpoint": signed(entries, 310, hashes.read).decode(),
            "record": RECORD,
            "object": dict(self.object),
            "parts": copy.deepcopy(PARTS),
            "pages": copy.deepcopy(PAGES),
            "copies": [{"serial": "ab" * 16, "number": 7, "sha256": _sha256(COPY)}],
            "events": events,
        }
        return {**made, **values}


@pytest.fixture
def custody(tmp_path: Path) -> _Custody:
    return _Custody(tmp_path)


def _broken(bundle: Bundle, **files: Path) -> str:
    with pytest.raises(Broken) as caught:
        check_custody(bundle, VERIFIER, **files)
    return str(caught.value)


def test_a_whole_bundle_proves_its_events_package_and_copy(custody: _Custody) -> None:
    proven = check_custody(custody.bundle(), VERIFIER, package=custody.package, copy=custody.copy)
    assert [(one.position, one.kind) for one in proven] == [
        (5, "record.deposited"),
        (9, "batch.accepted"),
        (300, "copy.reserved"),
        (301, "copy.issued"),
    ]
    del custody.payloads[300], custody.payloads[301]
    assert len(check_custody(custody.bundle(copies=[]), VERIFIER)) == 2


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda b: b.update(vkey=OTHER_KEY.verifier("records")), "vkey: it is not sohoa-test"),
        (lambda b: b.update(vkey="\ud800+00000000+AAAA"), "vkey: "),
        (
            lambda b: b.update(checkpoint=signed(some_entries(310), 310).decode()),
            "entry 5: the proof leads to another",
        ),
        (
            lambda b: b.update(checkpoint=signed(some_entries(310), 310, key=OTHER_KEY).decode()),
            "checkpoint: no sig",
        ),
        (lambda b: b.update(checkpoint=b["checkpoint"].replace("310", "311")), "checkpoint: the signature"),
        (lambda b: b["events"][0].update(index=6), "entry 6: "),
        (lambda b: b["events"][1].update(entry=base64.b64encode(some_entry(9)).decode()), "entry 9: the proof"),
        (lambda b: b["events"][1]["proof"].pop(), "entry 9: the proof is too short"),
        (lambda b: b["events"][1].update(proof=["AAAA"]), "entry 9: a hash"),
        (lambda b: b["events"].append(b["events"][0]), "events: one is there twice"),
        (lambda b: b["events"].pop(0), "object: 0 events tell"),
        (lambda b: b["events"].pop(3), f"copy '{'ab' * 16}': 0 events tell"),
        (lambda b: b.update(record="02" * 16), "object: 0 events tell"),
        (lambda b: b["object"].update(version="v2"), "object: 0 events tell"),
        (lambda b: b["pages"][0].update(sheet=2), "pages and parts: their digest"),
        (lambda b: b["pages"].reverse(), "pages and parts: their digest"),
        (lambda b: b["pages"].pop(), "pages and parts: their digest"),
        (lambda b: b["pages"][0].update(dpi=300.0), "pages and parts: they are not what"),
        (lambda b: b["parts"][0].update(archived_sha256="cc" * 32), "pages and parts: their digest"),
        (lambda b: b["copies"][0].update(sha256="cc" * 32), f"copy '{'ab' * 16}': its number or digest"),
        (lambda b: b["copies"][0].update(number=8), f"copy '{'ab' * 16}': its number or digest"),
        (lambda b: b["copies"][0].update(serial="cd" * 16), f"copy '{'cd' * 16}': 0 events"),
    ],
)
def test_each_broken_link_of_a_bundle_is_named(
    custody: _Custody, change: Callable[[Bundle], object], named: str
) -> None:
    bundle = custody.bundle()
    change(bundle)
    assert _broken(bundle).startswith(named)


@pytest.mark.parametrize(
    ("position", "values", "named"),
    [
        (5, {"custody": "00" * 32}, "pages and parts: their digest is not the custody of entry 5"),
        (9, {"record": "02" * 16}, "entry 9: it is about another record"),
        (300, {"package_sha256": "00" * 32}, "entry 300: its package_sha256 is not that of the deposit"),
        (300, {"package_number": 2}, "entry 300: its package_number is not that of the deposit"),
        (301, {"package": 2}, "entry 301: its package is not that of the deposit"),
        (301, {"record": "02" * 16}, "entry 301: it is about another record"),
        (301, {"sha256": "00" * 32}, f"copy '{'ab' * 16}': its number or digest is not that of entry 301"),
    ],
)
def test_events_that_do_not_belong_together_are_named(
    custody: _Custody, position: int, values: dict[str, Any], named: str
) -> None:
    custody.payloads[position][1].update(values)
    assert _broken(custody.bundle()) == named


def test_a_copy_that_does_not_say_what_it_was_made_from_proves_nothing(custody: _Custody) -> None:
    del custody.payloads[301][1]["package"]
    assert _broken(custody.bundle()).endswith("entry 301 does not say what it was made from")


def test_a_copy_before_the_deposit_is_none_of_it(custody: _Custody) -> None:
    custody.payloads[4] = custody.payloads.pop(301)
    assert _broken(custody.bundle()) == "entry 4: it comes before the deposit"


def test_a_page_of_no_part_is_named(custody: _Custody) -> None:
    pages = [{**PAGES[0], "part_number": 2}]
    custody.payloads[5][1]["custody"] = _sha256(rfc8785.dumps({"parts": PARTS, "pages": pages}))
    assert _broken(custody.bundle(pages=pages)) == "pages and parts: a page belongs to no part"


def test_files_that_are_not_the_logged_ones_are_named(custody: _Custody, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"something else")
    assert _broken(custody.bundle(), package=other).startswith(
        f"package: other has SHA-256 {_sha256(b'something else')}"
    )
    assert _broken(custody.bundle(), copy=other).startswith("copy: other has SHA-256")
    custody.payloads.pop(301)
    assert _broken(custody.bundle(copies=[]), copy=custody.copy).endswith("the log says nothing")


def test_a_package_without_the_parts_that_were_hashed_is_named(custody: _Custody) -> None:
    for parts, named in (
        ([{**PARTS[0], "member": "data/part-002.pdf"}], "package: it has no 'data/part-002.pdf'"),
        ([{**PARTS[0], "archived_sha256": "00" * 32}], "package: its 'data/part-001.pdf' is not that of parts"),
    ):
        custody.payloads[5][1]["custody"] = _sha256(rfc8785.dumps({"parts": parts, "pages": PAGES}))
        assert _broken(custody.bundle(parts=parts), package=custody.package) == named


MALFORMED: list[dict[str, Any]] = [
    {"vkey": None},
    {"vkey": 7},
    {"checkpoint": []},
    {"record": None},
    {"object": None},
    {"object": {"key": 1, "version": "v1", "sha256": ""}},
    {"events": None},
    {"events": [7]},
    {"events": [{"index": True, "entry": "", "proof": []}]},
    {"events": [{"index": 5, "entry": "", "proof": [None]}]},
    {"events": [{"index": -1, "entry": "", "proof": []}]},
    {"events": [{"index": 10**30, "entry": "e30=", "proof": []}]},
    {"pages": {}},
    {"parts": None},
    {"copies": None},
    {"copies": ["ab"]},
    {"copies": [{"serial": [], "sha256": ""}]},
]


@pytest.mark.parametrize("values", MALFORMED)
def test_a_malformed_bundle_is_broken_and_never_an_accident(custody: _Custody, values: dict[str, Any]) -> None:
    assert _broken(custody.bundle(**values))
    name = next(iter(values))
    without = custody.bundle()
    del without[name]
    assert _broken(without)


def test_the_file_alone_checks_a_bundle_with_package_and_copy(custody: _Custody, tmp_path: Path) -> None:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-I", "-S", str(alone), *map(str, arguments)]
        return subprocess.run(command, cwd=tmp_path, env={}, capture_output=True, text=True, check=False)

    alone = tmp_path / "verify.py"
    alone.write_bytes(Path(verify_log.__file__).read_bytes())
    path = tmp_path / "custody.json"
    path.write_text(json.dumps(custody.bundle()))
    files = ("--package", custody.package, "--copy", custody.copy)
    good = run(path, "--vkey", KEY.verifier("records"), *files)
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.splitlines()[0] == "entry 5: record.deposited at 2026-03-02T08:00:00.000000Z"
    assert good.stdout.splitlines()[-1] == f"whole: 2 pages of record {RECORD}, 4 events proven"
    believing = run("--custody", path)
    assert believing.stdout.splitlines()[-1].startswith("the key was not given")
    wrong = run("--custody", path, "--key", OTHER_KEY.verifier("records"))
    assert (wrong.returncode, wrong.stdout[:16]) == (1, "vkey: it is not ")
    path.write_text(json.dumps(custody.bundle(pages=PAGES[:1])))
    assert run("--custody", path).returncode == 1
    path.write_text(json.dumps(custody.bundle()).replace('"record":', '"record": "x", "record":', 1))
    assert run("--custody", path).returncode == 2  # two readers might take either
    path.write_text(json.dumps(custody.bundle(format="sohoa-custody/2")))
    assert run("--custody", path).returncode == 2
