"""Header and closing are read column by column; everything else keeps its order."""

from ocr.columns import in_reading_order
from ocr.engines.port import RawBlock, RawLine, RawWord
from ocr.page import Box

WIDTH, LINE, LETTER = 1400, 24, 12


def line(y: int, *runs: tuple[int, str]) -> RawLine:
    """Words of each run from an x on, an ordinary space apart."""
    words = []
    for x, text in runs:
        for said in text.split():
            words.append(RawWord(said, 0.95, Box(x, y, LETTER * len(said), LINE)))
            x += LETTER * len(said) + 8
    left, right = words[0].box.x, words[-1].box.x + words[-1].box.width
    return RawLine(tuple(words), Box(left, y, right - left, LINE))


def block(*lines: RawLine) -> RawBlock:
    left, right = min(ln.box.x for ln in lines), max(ln.box.x + ln.box.width for ln in lines)
    top = min(ln.box.y for ln in lines)
    return RawBlock("text", lines, Box(left, top, right - left, max(ln.box.y for ln in lines) + LINE - top))


def told(blocks: tuple[RawBlock, ...]) -> list[list[str]]:
    return [[" ".join(word.text for word in ln.words) for ln in b.lines] for b in blocks]


NATION, MOTTO, DAY = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "Độc lập - Tự do - Hạnh phúc", "Hà Nội, ngày 1 tháng 7"
TITLE = line(300, (560, "NGHỊ ĐỊNH QUY ĐỊNH"))
BODY = line(400, (100, "Căn cứ Luật tổ chức Chính phủ ngày 19 tháng 6 năm 2015 và các luật khác, trừ luật này;"))


def test_a_header_read_across_both_columns_is_taken_apart() -> None:
    head = block(
        line(100, (180, "CHÍNH PHỦ"), (700, NATION)),
        line(140, (800, MOTTO)),
        line(200, (150, "Số: 96"), (820, DAY)),
    )
    assert told(in_reading_order((head, block(TITLE), block(BODY)), width=WIDTH)) == [
        ["CHÍNH PHỦ", "Số: 96"],
        [NATION, MOTTO, DAY],
        ["NGHỊ ĐỊNH QUY ĐỊNH"],
        [" ".join(word.text for word in BODY.words)],
    ]


def test_title_and_body_in_the_headers_own_block_stay_below_it() -> None:
    whole = block(
        line(100, (180, "CHÍNH PHỦ"), (700, NATION)), line(200, (150, "Số: 96"), (820, DAY)), TITLE, BODY
    )
    found = told(in_reading_order((whole,), width=WIDTH))
    assert found[:2] == [["CHÍNH PHỦ", "Số: 96"], [NATION, DAY]]
    assert found[2][0] == "NGHỊ ĐỊNH QUY ĐỊNH"


def test_columns_whose_blocks_alternate_are_brought_together() -> None:
    parts = (
        block(line(100, (180, "CHÍNH PHỦ"))),
        block(line(100, (700, NATION))),
        block(line(200, (150, "Số: 96"))),
        block(line(200, (820, DAY))),
        block(TITLE),
    )
    assert told(in_reading_order(parts, width=WIDTH))[:2] == [["CHÍNH PHỦ", "Số: 96"], [NATION, DAY]]


def test_a_rule_read_between_the_columns_does_not_join_them() -> None:
    joined = line(100, (180, "ỦY BAN NHÂN DÂN"), (640, "__"), (690, NATION))
    found = told(in_reading_order((block(joined, line(140, (800, MOTTO))),), width=WIDTH))
    assert found == [["ỦY BAN NHÂN DÂN __"], [NATION, MOTTO]]


def test_lost_tones_do_not_hide_the_header() -> None:
    head = block(
        line(100, (180, "CHÍNH PHỦ"), (700, "CỌNG HOÀ XÃ HỌI CHỦ NGHỈA")), line(200, (150, "Số"), (820, DAY))
    )
    assert told(in_reading_order((head,), width=WIDTH))[0] == ["CHÍNH PHỦ", "Số"]


def test_a_closing_read_across_is_taken_apart_recipients_first() -> None:
    close = block(
        BODY,
        line(1500, (120, "Nơi nhận:"), (850, "TM. CHÍNH PHỦ")),
        line(1540, (120, "- Ban Bí thư Trung ương;"), (860, "THỦ TƯỚNG")),
        line(1580, (120, "- Thủ tướng, các Phó Thủ tướng")),
        line(1700, (840, "Nguyễn Xuân Phúc")),
    )
    assert told(in_reading_order((close,), width=WIDTH))[1:] == [
        ["Nơi nhận:", "- Ban Bí thư Trung ương;", "- Thủ tướng, các Phó Thủ tướng"],
        ["TM. CHÍNH PHỦ", "THỦ TƯỚNG", "Nguyễn Xuân Phúc"],
    ]


def test_smudges_of_a_signature_read_beside_the_recipients_end_no_column() -> None:
    close = block(
        line(1500, (120, "Nơi nhận:"), (850, "TM. CHÍNH PHỦ")),
        line(1540, (120, "- Ban Bí thư;"), (900, "“ »")),
        line(1580, (880, "~ .")),
        line(1620, (120, "- Lưu: VT."), (860, "PHÓ CHỦ TỊCH")),
    )
    found = told(in_reading_order((close,), width=WIDTH))
    assert found[0] == ["Nơi nhận:", "- Ban Bí thư; “ »", "- Lưu: VT."]
    assert found[1] == ["TM. CHÍNH PHỦ", "PHÓ CHỦ TỊCH"]


def test_a_centred_nations_name_without_a_left_column_moves_nothing() -> None:
    form = block(line(100, (460, NATION)), line(140, (560, MOTTO)), line(200, (150, "Số: 5")), TITLE)
    assert in_reading_order((form,), width=WIDTH) == (form,)


def test_a_table_keeps_its_rows() -> None:
    table = block(*(line(500 + 40 * n, (120, f"Máy số {n}"), (800, f"TB{n}")) for n in range(6)))
    assert in_reading_order((table,), width=WIDTH) == (table,)


def test_no_word_is_lost_or_doubled() -> None:
    parts = (
        block(line(100, (180, "CHÍNH PHỦ"), (700, NATION)), line(200, (150, "Số: 96"), (820, DAY)), TITLE, BODY),
        block(line(1500, (120, "Nơi nhận:"), (850, "TM. CHÍNH PHỦ")), line(1540, (120, "- Như trên"))),
    )
    before = sorted(w.text for b in parts for ln in b.lines for w in ln.words)
    after = sorted(w.text for b in in_reading_order(parts, width=WIDTH) for ln in b.lines for w in ln.words)
    assert after == before


def test_the_headers_columns_are_named_as_such_and_the_rest_is_text() -> None:
    head = block(line(100, (180, "CHÍNH PHỦ"), (700, NATION)), line(140, (800, MOTTO)))
    found = in_reading_order((head, block(TITLE), block(BODY)), width=WIDTH)
    assert [one.kind for one in found] == ["header", "header", "text", "text"]
