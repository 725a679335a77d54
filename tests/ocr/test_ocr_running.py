"""What comes again in the margin of page after page is a running line; what comes once, or in the text, is not."""

from collections.abc import Sequence

import pytest

from ocr.page import Block, BlockKind, Box, Line, PageText, Word
from ocr.running import with_running_lines

WIDE, HIGH = 1000, 1400


def line(text: str, y: int, *, x: int = 100) -> Line:
    words = tuple(Word(w, w, 0.9, Box(x + 80 * at, y, 70, 20)) for at, w in enumerate(text.split()))
    return Line(words, Box.around(word.box for word in words))


def page(*lines: Line, kind: BlockKind = "text") -> PageText:
    block = Block(kind, lines, Box.around(one.box for one in lines)) if lines else None
    return PageText(WIDE, HIGH, 100.0, 0, 0.0, (block,) if block else ())


def turned(one: PageText) -> PageText:
    """The same page as a scanner stores it that takes its long side first: to be turned once clockwise."""

    def box(old: Box) -> Box:
        return Box(old.y, WIDE - old.x - old.width, old.height, old.width)

    blocks = tuple(
        Block(
            block.kind,
            tuple(
                Line(tuple(Word(w.text, w.raw, w.confidence, box(w.box)) for w in ln.words), box(ln.box))
                for ln in block.lines
            ),
            box(block.box),
        )
        for block in one.blocks
    )
    return PageText(HIGH, WIDE, 100.0, 1, 0.0, blocks)


def document(head: str = "Giấy phép số 15/GP-BTNMT", *, pages: int = 4, foot: str = "") -> list[PageText]:
    feet = [[line(foot.format(n + 1), 1350)] if foot else [] for n in range(pages)]
    return [page(line(head, 40), line(f"Điều {n + 1}. Cho phép khai thác", 300), *feet[n]) for n in range(pages)]


def told(pages: Sequence[PageText]) -> list[list[tuple[str, list[str]]]]:
    return [
        [(block.kind, [" ".join(w.text for w in ln.words) for ln in block.lines]) for block in one.blocks]
        for one in with_running_lines(pages)
    ]


def test_a_line_at_the_head_of_every_page_is_marked_and_stays_where_it_was() -> None:
    for at, blocks in enumerate(told(document()), start=1):
        assert blocks == [("margin", ["Giấy phép số 15/GP-BTNMT"]), ("text", [f"Điều {at}. Cho phép khai thác"])]


def test_one_at_the_foot_whose_number_counts_too() -> None:
    for at, blocks in enumerate(told(document(foot="Trang {} của 4, mẫu số 02")), start=1):
        assert blocks[-1] == ("margin", [f"Trang {at} của 4, mẫu số 02"])


def test_pages_stored_on_their_side_are_looked_at_upright() -> None:
    assert [[kind for kind, _ in blocks] for blocks in told([turned(one) for one in document()])] == [
        ["margin", "text"]
    ] * 4


def test_tones_that_reading_lost_on_one_page_do_not_hide_it() -> None:
    pages = [*document(pages=3), page(line("Giây phep số 15/GP-BTNMT", 42), line("Điều 4. Cho phép", 300))]
    assert [blocks[0][0] for blocks in told(pages)] == ["margin"] * 4


def test_a_line_on_every_other_page_runs_too() -> None:
    bare = page(line("Điều 9. Cho phép khai thác", 300))
    pages = [one for running in document(pages=4) for one in (running, bare)]
    assert [len(blocks) for blocks in told(pages)] == [2, 1] * 4


@pytest.mark.parametrize(
    "pages",
    [
        document(pages=2),
        [*document(pages=2), *[page(line("Điều 9. Cho phép khai thác", 300))] * 2],
        [page(line("Điều khoản", 300), line("Điều khoản", 600)) for _ in range(4)],
        [page(line("12", 40), line("Điều khoản", 300)) for _ in range(4)],
        [page(line("CỘNG HÒA XÃ HỘI", 40), line("Độc lập", 80), kind="header") for _ in range(4)],
        [page(line("Nơi nhận như trên", 20 + 35 * n), line("Điều khoản", 300)) for n in range(4)],
        [page(), page(), page()],
        [],
    ],
    ids=["two pages", "on too few", "inside the page", "a number", "the header", "wandering", "blank", "none"],
)
def test_nothing_else_is_marked(pages: list[PageText]) -> None:
    assert with_running_lines(pages) == pages
