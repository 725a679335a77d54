"""Marks that stop an item before the archive store: MẬT, TỐI MẬT, TUYỆT MẬT and «không được sao».

A read mark counts when it stands alone, as a stamp or a line of its own in capitals: running text may speak
of secrets freely. Reading loses tones, so the comparison folds them; a false alarm costs a person a look,
a missed mark could not be undone once the package is locked (STO-8, CPY-7).
"""

import re
from collections.abc import Iterable, Iterator

from ocr.page import Line, PageText
from ocr.vietnamese import bare

_STANDING_ALONE = {
    "MAT": "mat",
    "TOIMAT": "toi-mat",
    "TUYETMAT": "tuyet-mat",
    "KHONGDUOCSAO": "khong-duoc-sao",
    "KHONGDUOCSAOCHUP": "khong-duoc-sao",
    "CAMSAOCHUP": "khong-duoc-sao",
}
WIDE_GAP = 1.2  # of a word's height; ordinary spaces take less than half of it
_LABEL = re.compile(r"^(DO|MUC DO) MAT ?:? ?")


def _folded(text: str) -> str:
    return " ".join(re.sub(r"[^A-Za-z: ]", " ", bare(text)).split())


def mark_in(line: str) -> str | None:
    """Return the slug of the mark a line is, or None. Only capitals count."""
    folded = _folded(line)
    if not folded or folded != folded.upper():
        return None
    # Without spaces: two words of a stamp stand so close that they are often read as one.
    return _STANDING_ALONE.get(_LABEL.sub("", folded).replace(" ", "").strip(":"))


def find_mark(pages: Iterable[tuple[int, PageText]]) -> tuple[int, str] | None:
    """Return (page number, slug) of the first mark read on any of the numbered pages."""
    for number, page in pages:
        for block in page.blocks:
            for line in block.lines:
                for text in _runs(line):
                    if slug := mark_in(text):
                        return number, slug
    return None


def _runs(line: Line) -> Iterator[str]:
    """Yield the text of a line, then of each stretch of it between wide gaps.

    A stamp beside other words is often read as one line with them: the gap tells it apart.
    """
    yield " ".join(word.text for word in line.words)
    run: list[str] = []
    end = None
    for word in line.words:
        if end is not None and abs(word.box.x - end) > WIDE_GAP * max(1, word.box.height):
            yield " ".join(run)
            run = []
        run.append(word.text)
        end = word.box.x + word.box.width
    yield " ".join(run)
