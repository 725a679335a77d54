"""Rows of the manifest as archivists fill them in: most columns, some left empty, dates in their own form."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from console.samples.bodies import Kind
from console.samples.cases import Case
from console.samples.draw import Chance, digits, number, pick
from console.samples.papers import KINDS, Draft

RETENTION: Final[Mapping[Kind, tuple[str, ...]]] = {
    "decision": ("Vĩnh viễn", "50 năm", "20 năm"),
    "licence": ("20 năm", "30 năm", "Vĩnh viễn"),
    "certificate": ("Vĩnh viễn", "70 năm"),
    "letter": ("20 năm", "10 năm"),
    "notice": ("10 năm",),
}
BOOKS: Final[Mapping[Kind, str]] = {
    "decision": "Sổ quyết định",
    "licence": "Sổ cấp giấy phép",
    "certificate": "Sổ cấp giấy chứng nhận",
    "letter": "Sổ công văn đi",
    "notice": "Sổ thông báo",
}
# One row in so many leaves the column empty.
LEFT_EMPTY: Final = {
    "procedure_code": 4,
    "signer_position": 8,
    "valid_from": 6,
    "retention_class": 15,
    "paper_place": 10,
}
HOLDERS_LEFT_OUT = ("holder_type", "holder_id", "holder_name")
HOLDER_LABELS: Final = {"person": "Cá nhân", "organisation": "Tổ chức"}
DAYS: Final = frozenset({"issued_on", "valid_from", "valid_until", "original_date", "closed_on"})


@dataclass(frozen=True, slots=True)
class Counts:
    """What is declared of a file: its name, sheets, sides scanned of each, captures beyond those."""

    file: str
    sheets: int
    sides: int
    extra_captures: int


def declared(case: Case, paper: Draft, rng: Chance, counts: Counts) -> dict[str, str]:
    """Return a row of the manifest: true, but not complete. Files of one case say the same of their file."""
    fields = {**paper.fields, **_kept(case, paper, rng)}
    fields["document_type"] = pick(rng, KINDS[paper.kind][:2])
    fields["holder_type"] = HOLDER_LABELS[fields["holder_type"]]
    row = {
        "file": counts.file,
        "sheets": str(counts.sheets),
        "sides": str(counts.sides),
        "extra_captures": str(counts.extra_captures) if counts.extra_captures else "",
        "note": "Có trang chụp hai lần vì dán giấy ghi chú" if counts.extra_captures else "",
    }
    iso = number(rng, 0, 1) == 0
    empty = {name for name, one_in in LEFT_EMPTY.items() if number(rng, 1, one_in) == 1}
    if number(rng, 1, 20) > 8:
        empty |= set(HOLDERS_LEFT_OUT)
    for name, value in fields.items():
        if name not in empty:
            row[name] = value if iso or name not in DAYS else f"{date.fromisoformat(value):%d/%m/%Y}"
    return row


def _kept(case: Case, paper: Draft, rng: Chance) -> dict[str, str]:
    """Return what only an archivist knows: originality, book, class, access, place."""
    fields = {
        "source_form": "Giấy",
        "source_status": "Bản gốc" if number(rng, 1, 5) == 1 else "Bản chính",
        "retention_class": pick(rng, RETENTION[paper.kind]),
        "access_mode": "Có điều kiện" if case.holder.type == "person" else "Công khai",
        "paper_place": case.paper_place,
    }
    if number(rng, 1, 3) == 1:
        fields |= {
            "original_book_body": case.agency.name,
            "original_book": f"{BOOKS[paper.kind]} {paper.fields['issued_on'][:4]}",
            "original_number": digits(rng, 4),
            "original_date": paper.fields["issued_on"],
        }
    return fields
