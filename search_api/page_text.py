"""The text of a page as the interface shows it: words with boxes, identifier-like numbers masked where needed."""

from collections.abc import Iterator
from typing import Any

from archive.record import PageFacts, RecordId
from ocr.doubt import verdict_of
from ocr.page import PageText, Word
from search_api.index.words import MASK, clean, identifiers_in


def shown_text(
    record_id: RecordId, facts: PageFacts, text: PageText | None, *, identifiers: bool
) -> dict[str, Any]:
    """Return a page's reading as JSON-ready values; a page without one has no words.

    identifiers: whether identifier-like numbers are readable; else each of their characters is a dot.
    """
    words = text.words if text else ()
    texts = [word.text for word in words] if identifiers else masked([word.text for word in words])
    return {
        "record": record_id,
        "page": facts.number,
        "state": facts.state,
        "failure": facts.failure,
        "verdict": verdict_of(failed=facts.state == "failed", doubts=facts.doubts),
        "doubts": list(facts.doubts),
        "width_px": facts.width_px,
        "height_px": facts.height_px,
        "dpi": facts.dpi,
        "quarter_turns": facts.quarter_turns,
        "text": _laid_out(text, iter(texts)) if text else "",
        "words": [_word(word, said) for word, said in zip(words, texts, strict=True)],
    }


def masked(texts: list[str]) -> list[str]:
    """Return words with their identifier-like numbers as dots; a number may span words, as in the index."""
    cleaned = [clean(text) for text in texts]
    whole = list(" ".join(cleaned))
    for found in identifiers_in("".join(whole)):
        for place in range(found.start, found.end):
            whole[place] = MASK if whole[place] != " " else " "
    shown, start = [], 0
    for text in cleaned:
        shown.append("".join(whole[start : start + len(text)]))
        start += len(text) + 1
    return shown


def _word(word: Word, said: str) -> dict[str, Any]:
    box = word.box
    return {
        "text": said,
        "confidence": word.confidence,
        "box": [box.x, box.y, box.width, box.height],
        "masked": MASK in said and MASK not in word.text,
    }


def _laid_out(text: PageText, texts: Iterator[str]) -> str:
    """One line per line, an empty line between blocks, as `PageText.text` has it."""
    return "\n\n".join(
        "\n".join(" ".join(next(texts) for _ in line.words) for line in block.lines) for block in text.blocks
    )
