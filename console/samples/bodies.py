"""What papers of each kind say between header and closing, with as many optional pieces as are asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

from console.samples.blocks import Block
from console.samples.cases import Case, wording
from console.samples.draw import Chance, shuffled

Kind = Literal["decision", "licence", "certificate", "letter", "notice"]
Rows = tuple[tuple[str, ...], ...]
Body = Callable[[int, Rows], list[Block]]
LONGEST_TABLE: Final = 90  # rows that may be asked for


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be written, and about what. long: a letter or notice that will take two pages."""

    case: Case
    fields: Mapping[str, str]
    rng: Chance
    long: bool


def body_of(kind: Kind, task: Task) -> Body:
    """Return a paper's body: a function of how many optional pieces it takes, and of the rows of its table."""
    bodies = {
        "decision": _decision,
        "licence": _licence,
        "certificate": _certificate,
        "letter": _letter,
        "notice": _notice,
    }
    return bodies[kind](task)


def vietnamese_day(iso: str) -> str:
    """Return a day as papers write it: two digits for days below 10 and for January and February."""
    day = date.fromisoformat(iso)
    return f"{day.day:02d} tháng {day.month if day.month > 2 else f'0{day.month}'} năm {day.year}"


def authority_of(case: Case) -> str:
    """Return who decides, in capitals: the head of a department, or a people's committee itself."""
    agency = case.agency
    return (f"{agency.chief} {agency.name}" if agency.superior else agency.name).upper()


def table_rows(case: Case, rng: Chance) -> Rows:
    """Return the longest table there may be about a case."""
    return tuple(
        tuple(case.say(rng, cell.replace("{n}", str(n))) for cell in case.matter["row"])
        for n in range(1, LONGEST_TABLE + 1)
    )


def _grounds(case: Case, rng: Chance) -> list[Block]:
    first, *rest = wording()["grounds"]
    lines = [first, *case.matter["laws"], *rest]
    return [Block("ground", (case.say(rng, line),)) for line in lines]


def _items(case: Case, rng: Chance) -> list[str]:
    """Return obligations, numbered: those of the matter first, then general ones."""
    texts = [*shuffled(rng, case.matter["conditions"]), *shuffled(rng, wording()["general"])]
    return [f"{n}. {case.say(rng, text)}" for n, text in enumerate(texts, start=1)]


def _facts(case: Case, rng: Chance) -> list[str]:
    return [f"{n}. {case.say(rng, text)}" for n, text in enumerate(case.matter["facts"], start=1)]


def _paras(texts: list[str]) -> list[Block]:
    return [Block("para", (text,)) for text in texts]


def _decision(task: Task) -> Body:
    case, rng = task.case, task.rng
    opening = [Block("authority", (authority_of(case),)), *_grounds(case, rng), Block("order", ("QUYẾT ĐỊNH:",))]
    holder = case.holder
    first = (
        f"Chấp thuận cho {holder.called}, địa chỉ: {holder.address}, "
        f"được {case.matter['act']} với các nội dung sau:"
    )
    facts, items = _paras(_facts(case, rng)), _paras(_items(case, rng))
    last = (
        f"Chánh Văn phòng, Trưởng phòng {case.matter['office']}, Chủ tịch Ủy ban nhân dân {case.words['commune']}"
        f", {holder.called} và các đơn vị có liên quan chịu trách nhiệm thi hành Quyết định này./."
    )

    def body(count: int, _rows: Rows) -> list[Block]:
        return [
            *opening,
            Block("article", ("Điều 1.", first)),
            *facts,
            Block("article", ("Điều 2.", "Trách nhiệm của chủ hồ sơ và các cơ quan có liên quan:")),
            *items[: 2 + count],
            Block("article", ("Điều 3.", "Quyết định này có hiệu lực thi hành kể từ ngày ký.")),
            Block("article", ("Điều 4.", last)),
        ]

    return body


def _licence(task: Task) -> Body:
    case, rng = task.case, task.rng
    opening = [Block("authority", (authority_of(case),)), *_grounds(case, rng), Block("order", ("CẤP PHÉP:",))]
    holder = case.holder
    identified = "số định danh cá nhân" if holder.type == "person" else "mã số thuế"
    first = (
        f"Cho phép {holder.called}, {identified} {holder.id}, địa chỉ: {holder.address}, "
        f"được {case.matter['act']} như sau:"
    )
    facts, items = _paras(_facts(case, rng)), _paras(_items(case, rng))
    valid = f"Giấy phép này có hiệu lực từ ngày ký đến hết ngày {vietnamese_day(task.fields['valid_until'])}./."

    def body(count: int, _rows: Rows) -> list[Block]:
        return [
            *opening,
            Block("article", ("Điều 1.", first)),
            *facts,
            Block("article", ("Điều 2.", f"Các yêu cầu cụ thể đối với {holder.called}:")),
            *items[: 2 + count],
            Block("article", ("Điều 3.", valid)),
        ]

    return body


def _certificate(task: Task) -> Body:
    case, rng = task.case, task.rng
    holder = case.holder
    identified = "Số định danh cá nhân" if holder.type == "person" else "Mã số thuế"
    facts = [
        Block("authority", (authority_of(case),)),
        Block("order", ("CHỨNG NHẬN:",)),
        Block("fact", ("Tên chủ hồ sơ:", holder.called)),
        Block("fact", (f"{identified}:", holder.id)),
        Block("fact", ("Địa chỉ:", holder.address)),
        Block("fact", ("Thuộc hồ sơ:", f"{case.dossier_code}, thủ tục {case.matter['procedure_code']}")),
        *_paras(_facts(case, rng)),
        Block("caption", (case.matter["table_title"],)),
    ]
    end = case.say(rng, "Giấy này được lập thành 02 bản: một bản giao cho {holder}, một bản lưu tại {agency}./.")

    def body(count: int, rows: Rows) -> list[Block]:
        table = Block("table", tuple(case.matter["columns"]), rows[: 3 + count])
        return [*facts, table, Block("para", (end,))]

    return body


def _letter(task: Task) -> Body:
    case, rng = task.case, task.rng
    texts = [case.say(rng, text) for text in wording()["letters"]]
    if task.long:
        texts.append("Đồng thời, trong quá trình thực hiện, đề nghị chủ hồ sơ lưu ý một số nội dung sau:")
        texts += [f"- {case.say(rng, text)}" for text in shuffled(rng, wording()["general"])]
    end = f"{case.words['Agency']} trả lời để {case.holder.called} biết, thực hiện./."
    blocks = _paras(texts)
    return lambda count, _rows: [*blocks[: 3 + count], Block("para", (end,))]


def _notice(task: Task) -> Body:
    case, rng = task.case, task.rng
    first, *rest = [case.say(rng, text) for text in wording()["notices"]]
    items = _paras([f"{n}. {text}" for n, text in enumerate(shuffled(rng, rest), start=1)])
    end = Block(
        "para", (f"{case.words['Agency']} thông báo để các tổ chức, cá nhân có liên quan biết, thực hiện./.",)
    )

    def body(count: int, rows: Rows) -> list[Block]:
        if not task.long:
            return [*_paras([first]), *items[: 2 + count], end]
        table = Block("table", tuple(case.matter["columns"]), rows[: 6 + count])
        return [*_paras([first]), *items, Block("caption", (case.matter["table_title"],)), table, end]

    return body
