"""Papers: what an agency wrote, block by block in reading order, with the fields an archivist would describe.

A paper does not know its pages yet: `Draft.blocks` gives a shorter or longer one, and whoever lays it out
takes as much as fills the pages asked for. Two columns (header, closing) are read left, then right; a table
row by row.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from console.samples import invented
from console.samples.blocks import Block
from console.samples.bodies import Kind, Task, body_of, table_rows, vietnamese_day
from console.samples.cases import Case
from console.samples.draw import Chance, chance, number, pick, working_day

NATION: Final = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO: Final = "Độc lập - Tự do - Hạnh phúc"
# Kind: (value in the list of document types, its label, notation's letters, title).
KINDS: Final[Mapping[Kind, tuple[str, str, str, str]]] = {
    "decision": ("02", "Quyết định", "QĐ", "QUYẾT ĐỊNH"),
    "licence": ("32", "Khác", "GP", "GIẤY PHÉP"),
    "certificate": ("32", "Khác", "GCN", "GIẤY CHỨNG NHẬN"),
    "letter": ("18", "Công văn", "", ""),
    "notice": ("07", "Thông báo", "TB", "THÔNG BÁO"),
}


@dataclass(frozen=True, slots=True)
class Draft:
    """A paper of any length. blocks(n): with n of its optional paragraphs or rows; annex(n): with n rows."""

    kind: Kind
    fields: Mapping[str, str]
    blocks: Callable[[int], list[Block]]
    annex: Callable[[int], list[Block]]


def draft(kind: Kind, case: Case, seed: tuple[int, ...], *, long: bool) -> Draft:
    """Return a paper of a kind out of a case; long: a letter or notice that will take two pages.

    The same seed gives the same words whatever length is taken.
    """
    rng = chance(*seed, 1)
    fields = _fields(kind, case, rng)
    head, close = _head(kind, case, fields), _close(kind, case, fields)
    body = body_of(kind, Task(case, fields, rng, long))
    rows = table_rows(case, rng)

    def annex(count: int) -> list[Block]:
        name, day = KINDS[kind][3].capitalize(), vietnamese_day(fields["issued_on"])
        named = f"(Kèm theo {name} số {_number_of(fields)} ngày {day})"
        title = Block("annex", ("PHỤ LỤC", case.matter["table_title"], named))
        return [title, Block("table", tuple(case.matter["columns"]), rows[:count])]

    return Draft(kind, fields, lambda count: [*head, *body(count, rows), close], annex)


def _fields(kind: Kind, case: Case, rng: Chance) -> dict[str, str]:
    """Return the fields in the names of the manifest's columns, dates in ISO form."""
    type_value, _, letters, _ = KINDS[kind]
    issued_on = working_day(rng, case.received_on + timedelta(days=5), case.received_on + timedelta(days=80))
    initials = case.agency.initials
    notation = f"{letters}-{initials}" if letters else f"{initials}-{case.matter['unit']}"
    deputy = number(rng, 0, 2) == 0
    chief = case.agency.chief
    fields = {
        "dossier_code": case.dossier_code,
        "procedure_code": case.matter["procedure_code"],
        "document_type": type_value,
        "code_number": str(number(rng, 12, 2400)),
        "code_notation": notation,
        "issued_on": issued_on.isoformat(),
        "issuing_body": case.agency.name,
        "subject": _subject(kind, case),
        "signer": invented.person(rng).name,
        "signer_position": f"Phó {chief}" if deputy else chief,
        "holder_type": case.holder.type,
        "holder_id": case.holder.id,
        "holder_name": case.holder.name,
        "closed_on": case.closed_on.isoformat(),
    }
    if kind == "licence":
        years = pick(rng, (5, 10, 20))
        last = date(issued_on.year + years, issued_on.month, min(issued_on.day, 28))
        fields |= {"valid_from": fields["issued_on"], "valid_until": last.isoformat()}
    return fields


def _subject(kind: Kind, case: Case) -> str:
    where = case.words["commune"] + ", " + case.words["province"]
    subjects: dict[Kind, str] = {
        "decision": f"Về việc chấp thuận {case.matter['act']} tại {where}",
        "licence": case.matter["licence_title"],
        "certificate": case.matter["certificate_title"],
        "letter": f"V/v giải quyết hồ sơ {case.matter['act']} tại {case.words['commune']}",
        "notice": f"Kết quả giải quyết hồ sơ {case.matter['act']} tại {where}",
    }
    return subjects[kind]


def _number_of(fields: Mapping[str, str]) -> str:
    return f"{fields['code_number']}/{fields['code_notation']}"


def _head(kind: Kind, case: Case, fields: Mapping[str, str]) -> list[Block]:
    """Return header and title. Header: superior, agency, number, subject of a letter | nation, motto, date."""
    agency = case.agency
    # The department's name is written without its province: the line above it says which.
    name = agency.name.removesuffix(f" {agency.province}") if agency.superior else agency.name
    where = agency.province.removeprefix("tỉnh ").removeprefix("thành phố ")
    about = fields["subject"] if kind == "letter" else ""
    head = Block(
        "head",
        (
            agency.superior.upper(),
            name.upper(),
            f"Số: {_number_of(fields)}",
            about,
            NATION,
            MOTTO,
            f"{where}, ngày {vietnamese_day(fields['issued_on'])}",
        ),
    )
    if kind == "letter":
        return [head, Block("to", (f"Kính gửi: {case.words['Holder']}",))]
    return [head, Block("title", (KINDS[kind][3], fields["subject"]))]


def _close(kind: Kind, case: Case, fields: Mapping[str, str]) -> Block:
    """Return the closing block: recipients | capacity of the signer, name. The first text is one line a line."""
    agency = case.agency
    on_behalf = "" if agency.superior else "TM. ỦY BAN NHÂN DÂN"
    capacity = [on_behalf, *([f"KT. {agency.chief}", fields["signer_position"]])]
    if fields["signer_position"] == agency.chief:
        capacity = [on_behalf, agency.chief]
    to = ["Như trên;"] if kind == "letter" else [f"{case.holder.name};"]
    to += [f"{agency.superior};"] if agency.superior else ["Bộ phận Một cửa;"]
    to += [f"UBND {case.words['commune']};", f"Lưu: VT, {case.matter['unit']}."]
    return Block(
        "close",
        (
            "\n".join(["Nơi nhận:", *(f"- {line}" for line in to)]),
            "\n".join(line.upper() if line != on_behalf else line for line in capacity if line),
            fields["signer"],
        ),
    )
