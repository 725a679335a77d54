"""Which words of a record's page the page itself has, and so need no second laying in its rendition."""

from dataclasses import replace
from pathlib import Path

import pikepdf

from ocr.errors import PageUndecodable
from ocr.native.letters import letters_of
from ocr.native.lines import text_of
from ocr.native.read import page_text_of
from ocr.options import ReadingOptions
from ocr.page import Block, Box, Line, PageText, Word
from ocr.pdf_pages import raster_size


def words_beside(
    path: Path, page: pikepdf.Page, index: int, text: PageText | None, options: ReadingOptions
) -> PageText | None:
    """Return the text without the words that the page has itself, or None when these are not all in the text.

    None: the page's own text is not the record's, so nobody is to copy or find it in the rendition. That is so
    too when the page failed, or when it has letters that nobody sees.
    """
    if text is None:
        return None
    try:
        found = letters_of(path, page, index, options)
    except PageUndecodable:
        return None
    width, height, dpi = raster_size(page, options)
    own = {_key(word) for word in page_text_of(text_of(found), (width, height), dpi).words}
    unseen = found.clipping or found.covered or found.outside  # the conversion drops hidden letters only
    if not own or unseen or not own <= {_key(word) for word in text.words}:
        return None
    return replace(text, blocks=tuple(b for block in text.blocks if (b := _without(block, own)) is not None))


def _key(word: Word) -> tuple[str, Box]:
    return word.text, word.box


def _without(block: Block, own: set[tuple[str, Box]]) -> Block | None:
    lines = []
    for line in block.lines:
        words = tuple(word for word in line.words if _key(word) not in own)
        if words:
            lines.append(Line(words, line.box))
    return Block(block.kind, tuple(lines), block.box) if lines else None
