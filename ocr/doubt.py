"""Says of a reading whether a person should look at it, and why.

Three verdicts: `good`; `review`, with its reasons; `unreadable`, for a page of which nothing could be read, which
is a failure and never an empty page (`ocr.recognise`).
"""

from collections.abc import Sequence
from typing import Final, Literal

from ocr.page import PageText, Word
from ocr.vietnamese import kind_of

Verdict = Literal["good", "review", "unreadable"]
WRONG_MOST = 0.06  # share of words likely wrong, from which a page is to be looked at
IMPOSSIBLE_MOST, IMPOSSIBLE_FEW = 0.02, 3  # share and number of impossible words that are too many
UNSURE, IMPOSSIBLE = "reading-unsure", "reading-impossible-words"

# slug: (Vietnamese, English).
WORDS: Final = {
    UNSURE: (
        "nhiều chữ trên trang đọc không chắc: so lại với ảnh",
        "many words of the page are read without confidence: compare with the image",
    ),
    IMPOSSIBLE: (
        "trang có những âm tiết không thể có trong tiếng Việt: chữ đọc sai, so lại với ảnh",
        "the page has syllables that Vietnamese cannot have: misread words, compare with the image",
    ),
}


def doubts_of(page: PageText) -> tuple[str, ...]:
    """Return why a person should look at a reading, as slugs; none for a blank page."""
    words = page.words
    if not words:
        return ()
    found = []
    if sum(1 - word.confidence for word in words) > WRONG_MOST * len(words):
        found.append(UNSURE)
    impossible = _impossible(words)
    if impossible >= IMPOSSIBLE_FEW and impossible > IMPOSSIBLE_MOST * len(words):
        found.append(IMPOSSIBLE)
    return tuple(found)


def verdict_of(*, failed: bool, doubts: Sequence[str]) -> Verdict:
    """Return the verdict on a page: whether it could not be read at all, and the reasons to look at it."""
    return "unreadable" if failed else "review" if doubts else "good"


def _impossible(words: Sequence[Word]) -> int:
    return sum(kind_of(word.text) == "impossible" for word in words)
