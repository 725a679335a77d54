"""Reads a batch's manifest: what was handed over, one row per file, in the words of whoever wrote it.

A manifest that cannot be understood as a table refuses the batch. A value that cannot be understood refuses
nothing: the raw text is kept beside the slug of its problem, and a person looks at it after deposit.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from ingest.errors import ManifestUnreadable
from ingest.secrecy import mark_in

MAX_BYTES = 64 << 20
MAX_ROWS = 100_000
MAX_CAPTURES = 100_000  # of one row; a larger number is a slip of the pen
YEARS = range(1800, 2200)
DELIMITERS = ",;\t"

# Every column with the Vietnamese headings it is also known by. README and docs/cli.md list them.
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "file": ("tệp", "tên tệp"),
    "sheets": ("số tờ",),
    "sides": ("số mặt",),
    "extra_captures": ("số ảnh thêm",),
    "dossier_code": ("mã hồ sơ",),
    "procedure_code": ("mã thủ tục", "mã TTHC"),
    "document_type": ("tên loại", "loại văn bản"),
    "code_number": ("số", "số văn bản"),
    "code_notation": ("ký hiệu",),
    "issued_on": ("ngày ban hành", "ngày cấp"),
    "issuing_body": ("cơ quan ban hành", "cơ quan cấp"),
    "subject": ("trích yếu",),
    "signer": ("người ký",),
    "signer_position": ("chức vụ người ký", "chức vụ"),
    "holder_type": ("loại chủ hồ sơ",),
    "holder_id": ("số định danh chủ hồ sơ", "số định danh"),
    "holder_name": ("tên chủ hồ sơ", "chủ hồ sơ"),
    "valid_from": ("có hiệu lực từ", "hiệu lực từ"),
    "valid_until": ("có hiệu lực đến", "hiệu lực đến"),
    "source_form": ("dạng nguồn",),
    "source_status": ("tình trạng nguồn", "loại bản"),
    "original_book_body": ("cơ quan giữ sổ gốc",),
    "original_book": ("sổ gốc",),
    "original_number": ("số vào sổ gốc", "số vào sổ"),
    "original_date": ("ngày vào sổ gốc", "ngày vào sổ"),
    "retention_class": ("thời hạn bảo quản",),
    "closed_on": ("ngày kết thúc hồ sơ", "ngày kết thúc"),
    "access_mode": ("chế độ sử dụng", "chế độ tiếp cận"),
    "sensitivity_level": ("mức độ nhạy cảm", "mức nhạy cảm", "cấp độ nhạy cảm"),
    "paper_place": ("nơi để bản giấy", "kho/giá/hộp"),
    "note": ("ghi chú",),
}
IGNORED = frozenset({"stt", "tt"})  # a running number says nothing
DATES = frozenset({"issued_on", "valid_from", "valid_until", "original_date", "closed_on"})
CODE_LISTS = {
    "document_type": "document-type",
    "source_form": "source-form",
    "source_status": "source-status",
    "retention_class": "maintenance",
    "access_mode": "mode",
    "sensitivity_level": "sensitivity-level",
}
# Characters a field may have in the catalogue (OCR-2 for number and notation).
LONGEST = {
    "code_number": 11,
    "code_notation": 30,
    "dossier_code": 100,
    "procedure_code": 64,
    "original_number": 64,
}
# A field's name in the catalogue where it is not the column's.
FIELD_NAMES = {"signer": "signer_name"}
COUNTS = ("sheets", "sides", "extra_captures")
HOLDER = ("holder_type", "holder_id", "holder_name")
MODE_03 = "03"  # Mật
# What a level that cannot be understood counts as until a person has looked: the lowest that is kept apart, for a
# package that is locked among levels 1-2 cannot be taken back.
UNREADABLE_LEVEL = "3"

Resolve = Callable[[str, str], str | None]
"""Returns the value a code list has for a value or label, or None: `resolve("maintenance", "20 năm")`."""


@dataclass(frozen=True, slots=True)
class DeclaredField:
    """One cell: what was written, what it means (None when it cannot be understood), and the slug of why."""

    name: str
    raw: str
    normalised: str | None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class DeclaredHolder:
    """Whom the result was issued to, as written. Personal: sealed before it touches a table."""

    type: str | None
    id: str | None
    name: str | None

    @property
    def kind(self) -> str:
        """The kind of party; without one stated, what the identifier looks like."""
        if self.type:
            return self.type
        return "organisation" if self.scheme in ("tax-code", "branch-code") else "person"

    @property
    def scheme(self) -> str:
        """What the identifier is, by its form: CCCD 12 digits, CMND 9, tax code 10, its branch -001."""
        digits = "".join((self.id or "").split())
        if re.fullmatch(r"\d{12}", digits):
            return "cccd"
        if re.fullmatch(r"\d{9}", digits):
            return "cmnd"
        if re.fullmatch(r"\d{10}-\d{3}", digits):
            return "branch-code"
        if re.fullmatch(r"\d{10}", digits):
            return "tax-code"
        return "passport" if re.fullmatch(r"[A-Za-z]{1,2}\d{6,8}", digits) else "other"


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One row. row_number: its place in the table, the heading being 1.

    captures: sheets x sides + extra_captures, or None when the row does not say how many sheets.
    secrecy: slug of the mark the row declares, which stops the item before the archive store.
    """

    row_number: int
    file: str
    captures: int | None
    fields: tuple[DeclaredField, ...]
    holder: DeclaredHolder | None = None
    secrecy: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """The rows of a manifest in their order."""

    rows: tuple[ManifestRow, ...]


def read_manifest(path: Path, resolve: Resolve) -> Manifest:
    """Read a manifest: CSV in UTF-8, separated by comma, semicolon or tab. Raises ManifestUnreadable."""
    rows = _table(_decoded(path))
    heading = next(rows, None)
    if heading is None:
        raise ManifestUnreadable("the manifest is empty; its first line names the columns")
    columns = _columns(heading[1])
    found: list[ManifestRow] = []
    for number, cells in rows:
        if not any(cells):
            continue
        if len(found) == MAX_ROWS:
            raise ManifestUnreadable(f"more than {MAX_ROWS} rows; hand the scans over in smaller batches")
        if len(cells) > len(columns):
            raise ManifestUnreadable(f"{len(cells)} cells under {len(columns)} headings", row=number)
        named = {column: cell for column, cell in zip(columns, cells, strict=False) if column and cell}
        found.append(_row(number, named, resolve))
    return Manifest(tuple(found))


def _decoded(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ManifestUnreadable(f"the manifest is larger than {MAX_BYTES >> 20} MiB")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ManifestUnreadable(
            f"byte {error.start} is not UTF-8; save the table as «CSV UTF-8» and try again"
        ) from error
    except OSError as error:
        raise ManifestUnreadable(f"{path.name} cannot be read: {error.strerror}") from error
    if "\0" in text:
        raise ManifestUnreadable("there is a NUL character in it; save the table as «CSV UTF-8» and try again")
    return text


def _table(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, cells in NFC, trimmed)."""
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, ""), delimiter=delimiter, strict=True), 1):
            yield number, [unicodedata.normalize("NFC", cell).strip() for cell in cells]
    except csv.Error as error:
        raise ManifestUnreadable(f"it is not a CSV table: {error}") from error


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().replace("_", " ").split())


_HEADINGS = {_folded(name): column for column, names in COLUMNS.items() for name in (column, *names)}


def _columns(heading: list[str]) -> list[str | None]:
    columns: list[str | None] = []
    for name in heading:
        column = _HEADINGS.get(_folded(name))
        if column is None and name and _folded(name) not in IGNORED:
            raise ManifestUnreadable(f"no column is named {name!r}; the columns are {', '.join(COLUMNS)}", row=1)
        if column is not None and column in columns:
            raise ManifestUnreadable(f"the column {column} is there twice", row=1)
        columns.append(column)
    if "file" not in columns:
        raise ManifestUnreadable("no column names the files; call it «file» or «tệp»", row=1)
    return columns


def _row(number: int, cells: Mapping[str, str], resolve: Resolve) -> ManifestRow:
    if "file" not in cells:
        raise ManifestUnreadable("the row names no file", row=number)
    captures, fields = _captures(cells)
    for column, raw in cells.items():
        if column not in ("file", *COUNTS, *HOLDER):
            fields.append(_field(column, raw, resolve))
    holder = _holder(cells, resolve)
    if holder is not None and holder.type is None and "holder_type" in cells:
        fields.append(DeclaredField("holder_type", cells["holder_type"], None, "unknown-code"))
    return ManifestRow(number, cells["file"], captures, tuple(fields), holder, _secrecy(cells, fields))


def _captures(cells: Mapping[str, str]) -> tuple[int | None, list[DeclaredField]]:
    """Return how many captures a row declares, and the counts it gives that are no numbers."""
    counts: dict[str, int] = {}
    problems: list[DeclaredField] = []
    for column in COUNTS:
        raw = cells.get(column)
        if raw is None:
            continue
        number = int(raw) if raw.isascii() and raw.isdigit() and len(raw) <= 6 else -1
        if number < 0 or (column == "sides" and number not in (1, 2)):
            problems.append(DeclaredField(column, raw, None, "not-a-number"))
        else:
            counts[column] = number
    total = counts.get("sheets", 0) * counts.get("sides", 1) + counts.get("extra_captures", 0)
    if total > MAX_CAPTURES:
        problems.append(DeclaredField("sheets", cells["sheets"], None, "not-a-number"))
    # A count that is there and cannot be read leaves the whole declaration open, as if no sheets were given.
    return (None if problems or "sheets" not in counts else total), problems


def _field(column: str, raw: str, resolve: Resolve) -> DeclaredField:
    name = FIELD_NAMES.get(column, column)
    if column in DATES:
        day = normalised_date(raw)
        return DeclaredField(name, raw, day, None if day else "impossible-date")
    if column in CODE_LISTS:
        value = resolve(CODE_LISTS[column], raw)
        if value is None and column == "sensitivity_level":
            return DeclaredField(name, raw, UNREADABLE_LEVEL, "unknown-code")
        return DeclaredField(name, raw, value, None if value else "unknown-code")
    if len(raw) > LONGEST.get(column, len(raw)):
        return DeclaredField(name, raw, None, "value-too-long")
    return DeclaredField(name, raw, raw)


def normalised_date(raw: str) -> str | None:
    """Return `YYYY-MM-DD`, `YYYY-MM` or `YYYY` for a date as people write it, or None if there is no such day.

    Known forms: 2016-07-01, 01/07/2016 (or with . or -), 07/2016, 2016-07, 2016.
    """
    text = "".join(raw.split())
    if found := re.fullmatch(r"(\d{4})-(\d{1,2})(?:-(\d{1,2}))?", text):
        year, month, day = found.groups()
    elif found := re.fullmatch(r"(?:(\d{1,2})[/.-])?(\d{1,2})[/.-](\d{4})", text):
        day, month, year = found.groups()
    elif re.fullmatch(r"\d{4}", text):
        year, month, day = text, None, None
    else:
        return None
    try:
        whole = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return None
    if whole.year not in YEARS:
        return None
    precision: Literal[4, 7, 10] = 10 if day else 7 if month else 4
    return whole.isoformat()[:precision]


def _holder(cells: Mapping[str, str], resolve: Resolve) -> DeclaredHolder | None:
    if not any(column in cells for column in ("holder_id", "holder_name")):
        return None
    kind = resolve("party-kind", cells["holder_type"]) if "holder_type" in cells else None
    return DeclaredHolder(kind, cells.get("holder_id"), cells.get("holder_name"))


def _secrecy(cells: Mapping[str, str], fields: list[DeclaredField]) -> str | None:
    """Return the slug of a declared mark: access mode 03 or «Tuyệt mật», or a note that is a mark by itself."""
    for column in ("access_mode", "sensitivity_level", "note"):
        if mark := mark_in(cells.get(column, "").upper()):
            return mark
    mode = next((f.normalised for f in fields if f.name == "access_mode"), None)
    return "mat" if mode == MODE_03 else None
