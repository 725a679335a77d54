"""The receipt as a page an office prints, signs and files: PDF/A, set by typst from `receipt.typ`."""

import json
from pathlib import Path

import typst

from ingest.pickup import shown
from ingest.reasons import Language, sentence
from ingest.receipt import DifferenceLine, ItemLine, Receipt, state_label
from retention.locks import VIETNAM

TEMPLATE = Path(__file__).with_name("receipt.typ")

_TITLES = {
    "vi": {
        "title": "Biên nhận lô số hóa",
        "batch": "Mã lô",
        "label": "Thư mục",
        "unit": "Đơn vị",
        "operator": "Người quét",
        "received": "Nhận lúc",
        "state": "Trạng thái",
        "equation": "Đối soát (đơn vị tính: ảnh quét)",
        "declared": "Kê khai",
        "missing": "Thiếu",
        "surplus": "Thừa",
        "got": "Nhận",
        "archived": "Lưu trữ",
        "blank": "Trang trắng",
        "separator": "Tờ phân cách",
        "rejected": "Từ chối",
        "waiting": "Chờ",
        "items": "Từng tệp",
        "file": "Tệp",
        "captures": "Ảnh",
        "place": "Kết quả",
        "number": "Số lưu trữ / lý do",
        "differences": "Chênh lệch so với bảng kê",
        "word": "Ý kiến",
        "signed": "Người giao",
        "took": "Người nhận",
        "sign_here": "(ký, ghi rõ họ tên)",
        "assumed": "dòng không ghi số tờ: tính theo số nhận được",
        "balanced": "Các đẳng thức đều đúng.",
        "unbalanced": "ĐẲNG THỨC KHÔNG ĐÚNG: báo người quản trị.",
    },
    "en": {
        "title": "Receipt of a scan batch",
        "batch": "Batch",
        "label": "Folder",
        "unit": "Unit",
        "operator": "Operator",
        "received": "Received at",
        "state": "State",
        "equation": "Account (in captures)",
        "declared": "Declared",
        "missing": "Missing",
        "surplus": "Surplus",
        "got": "Received",
        "archived": "Archived",
        "blank": "Blank",
        "separator": "Separators",
        "rejected": "Rejected",
        "waiting": "Waiting",
        "items": "File by file",
        "file": "File",
        "captures": "Captures",
        "place": "Result",
        "number": "Archive number / reason",
        "differences": "Differences from the manifest",
        "word": "Word",
        "signed": "Handed over by",
        "took": "Taken over by",
        "sign_here": "(signature and full name)",
        "assumed": "rows without sheets: what was received counts",
        "balanced": "All equations hold.",
        "unbalanced": "THE EQUATIONS DO NOT HOLD: tell the administrator.",
    },
}


def printable(receipt: Receipt, *, language: Language = "vi") -> bytes:
    """Return the receipt as a PDF/A-2b file."""
    said = json.dumps(_content(receipt, language), ensure_ascii=False)
    return bytes(typst.compile(TEMPLATE, format="pdf", pdf_standards=["a-2b"], sys_inputs={"receipt": said}))


def _content(receipt: Receipt, language: Language) -> dict[str, object]:
    """Return everything the template sets, as text ready to be read."""
    words = _TITLES[language]
    figures = receipt.figures
    received = receipt.received_at.astimezone(VIETNAM)
    return {
        "language": language,
        "day": [received.year, received.month, received.day],
        "words": words,
        "head": [
            [words["batch"], receipt.batch],
            [words["label"], shown(receipt.label)],
            [words["unit"], receipt.unit],
            [words["operator"], shown(receipt.operator or "—")],
            [words["received"], received.strftime("%d/%m/%Y; %H:%M:%S; +07:00")],
            [words["state"], _state(receipt, language)],
        ],
        "declared": [
            [words["declared"], figures.declared, ""],
            [words["missing"], figures.missing, "−"],
            [words["surplus"], figures.surplus, "+"],
            [words["got"], figures.received, "="],
        ],
        "ended": [
            [words["archived"], figures.archived, ""],
            [words["blank"], figures.blank, "+"],
            [words["separator"], figures.separator, "+"],
            [words["rejected"], figures.rejected, "+"],
            [words["waiting"], figures.waiting, "+"],
            [words["got"], figures.received, "="],
        ],
        "verdict": words["balanced"] if figures.balanced else words["unbalanced"],
        "assumed": f"{receipt.assumed_rows} {words['assumed']}" if receipt.assumed_rows else "",
        "items": [_item(line, language) for line in receipt.items],
        "differences": [_difference(line, language) for line in receipt.differences],
    }


def _state(receipt: Receipt, language: Language) -> str:
    """A state as it is printed, with why a batch is halted."""
    label = state_label(receipt.state, language)
    if receipt.state_reason is None:
        return label
    return f"{label} ({shown(sentence(receipt.state_reason, language))})"


def _item(line: ItemLine, language: Language) -> list[str]:
    said = [line.archive_number, line.message, line.word and f"«{shown(line.word)}»"]
    place = " · ".join(text for text in said if text)
    return [shown(line.file), str(line.captures), state_label(line.state, language), place]


def _difference(line: DifferenceLine, language: Language) -> list[str]:
    kind = state_label(line.kind, language)
    return [kind, shown(line.file), str(line.captures), line.message, shown(line.word or "—")]
