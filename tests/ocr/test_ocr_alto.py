"""Page text as ALTO 4: nothing is lost either way, the bytes are always the same, and others can read it."""

import re
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from ocr.alto import NAMESPACE, from_alto, to_alto
from ocr.page import Block, BlockKind, Box, Line, PageText, Word

ALTO = {"a": NAMESPACE}
FILE, IMAGE = "f" * 64, "1" * 64

sizes = st.integers(0, 40_000)
boxes = st.builds(Box, sizes, sizes, sizes, sizes)
# All that XML 1.0 can hold.
texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r\x85"),
    max_size=12,
)
confidences = st.floats(0, 1)
words = st.builds(Word, texts, texts, confidences, boxes)
lines = st.builds(Line, st.lists(words, max_size=4).map(tuple), boxes)
blocks = st.builds(Block, st.sampled_from(get_args(BlockKind)), st.lists(lines, max_size=3).map(tuple), boxes)
finite = st.floats(allow_nan=False, allow_infinity=False)
pages = st.builds(
    PageText,
    sizes,
    sizes,
    finite,
    st.integers(0, 3),
    finite,
    st.lists(blocks, max_size=3).map(tuple),
)


def written(page: PageText) -> bytes:
    return to_alto(page, file_sha256=FILE, file_index=2, image_sha256=IMAGE)


def word(text: str, raw: str | None = None, confidence: float = 0.96) -> Word:
    return Word(text, text if raw is None else raw, confidence, Box(10, 20, 30, 8))


def page_of(*found: Word, kind: BlockKind = "text", turns: int = 0) -> PageText:
    box = Box(10, 20, 90, 8)
    return PageText(1240, 1754, 149.86, turns, -0.43, (Block(kind, (Line(found, box),), box),))


@given(pages)
@settings(max_examples=150, deadline=None)
def test_every_page_text_comes_back_equal(page: PageText) -> None:
    assert from_alto(written(page)) == page


@given(pages)
@settings(max_examples=30, deadline=None)
def test_equal_texts_give_equal_bytes(page: PageText) -> None:
    assert written(page) == written(from_alto(written(page)))


@pytest.mark.parametrize("bad", ["\x00", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_a_character_xml_cannot_hold_is_refused_not_dropped(bad: str) -> None:
    with pytest.raises(ValueError, match=r"XML compatible|surrogates"):
        written(page_of(word(f"a{bad}b")))


def test_the_document_says_what_it_is_of_and_in_which_unit() -> None:
    root = etree.fromstring(written(page_of(word("Điều"), word("1."))))
    assert root.tag == f"{{{NAMESPACE}}}alto"
    assert root.findtext("a:Description/a:MeasurementUnit", namespaces=ALTO) == "pixel"
    source = "a:Description/a:sourceImageInformation/a:"
    assert root.findtext(f"{source}fileIdentifier", namespaces=ALTO) == IMAGE
    assert root.findtext(f"{source}documentIdentifier", namespaces=ALTO) == FILE
    (sheet,) = root.iterfind("a:Layout/a:Page", ALTO)
    assert (sheet.get("WIDTH"), sheet.get("HEIGHT"), sheet.get("PHYSICAL_IMG_NR")) == ("1240", "1754", "3")


def test_words_stand_in_strings_with_their_places_and_spaces_between() -> None:
    root = etree.fromstring(written(page_of(word("Điều"), word("1.", confidence=0.25))))
    (line,) = root.iterfind(".//a:TextLine", ALTO)
    assert [etree.QName(part).localname for part in line] == ["String", "SP", "String"]
    strings = line.findall("a:String", ALTO)
    assert [(s.get("CONTENT"), s.get("WC")) for s in strings] == [("Điều", "0.96"), ("1.", "0.25")]
    assert {s.get(n) for s in strings for n in ("HPOS", "VPOS", "WIDTH", "HEIGHT")} == {"10", "20", "30", "8"}


def test_the_engines_own_reading_stands_beside_the_word_only_when_it_differs() -> None:
    root = etree.fromstring(written(page_of(word("hòa", "hoà"), word("an"))))
    found = [[a.text for a in s.iterfind("a:ALTERNATIVE", ALTO)] for s in root.iterfind(".//a:String", ALTO)]
    assert found == [["hoà"], []]


def test_the_kind_of_a_block_is_a_layout_tag_it_refers_to() -> None:
    root = etree.fromstring(written(page_of(word("MẬT"), kind="stamp")))
    (tag,) = root.iterfind("a:Tags/a:LayoutTag", ALTO)
    (block,) = root.iterfind(".//a:TextBlock", ALTO)
    assert (tag.get("LABEL"), block.get("TAGREFS")) == ("stamp", tag.get("ID"))


def test_parts_come_in_the_order_the_schema_asks_for_and_ids_are_unique() -> None:
    document = written(page_of(word("a"), word("b")))
    root = etree.fromstring(document)
    assert [etree.QName(part).localname for part in root] == ["Description", "Tags", "Layout"]
    (step,) = root.iterfind("a:Description/a:Processing", ALTO)
    assert [etree.QName(part).localname for part in step] == ["processingCategory", "processingStepSettings"]
    ids = re.findall(rb' ID="([^"]+)"', document)
    assert len(ids) == len(set(ids))


def test_rotation_is_told_counter_clockwise_as_alto_counts_it() -> None:
    (sheet,) = etree.fromstring(written(page_of(word("a"), turns=3))).iterfind("a:Layout/a:Page", ALTO)
    assert sheet.get("ROTATION") == "270"


def test_a_blank_page_is_a_page_without_blocks() -> None:
    blank = PageText(100, 200, 150.0, 0, 0.0)
    assert from_alto(written(blank)) == blank
    assert b"TextBlock" not in written(blank)


@pytest.mark.parametrize("document", [b"", b"<alto>", b"<alto/>", b"{}"])
def test_what_is_no_alto_of_ours_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match="page is no"):
        from_alto(document)


def test_an_entity_is_never_expanded() -> None:
    honest = written(page_of(word("LÀNH")))
    trick = b'<!DOCTYPE alto [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
    body = honest.split(b"?>", 1)[1].replace("LÀNH".encode(), b"&e;")
    with pytest.raises(ValueError, match="no XML"):
        from_alto(b'<?xml version="1.0"?>' + trick + body)
