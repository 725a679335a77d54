"""Measures whether the text of a page's own is what the page shows.

By its letters and words alone first; then by the page's ink, which a good layer lies on; then by the engine, which
reads a few lines of it: a file that names its letters wrongly may well make words of them.
"""

import unicodedata
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ocr.engines.port import OcrEngine, PreparedPage
from ocr.mending import SIGNS
from ocr.native.letters import PageLetters
from ocr.native.lines import NativeText
from ocr.native.pieces import agreement, legible_lines
from ocr.page import Box
from ocr.pixels import Pixels
from ocr.vietnamese import PLAIN, kind_of

# Tuned on 27 typeset pages of invented papers (text, tables, closings), each as it was set and 8 of them with
# letters named otherwise: TCVN3, VNI and Windows-1258 as Latin-1, shifted by 1 or 29, without marks, 6 marked
# letters as others, 6 plain ones as each other.
IMPOSSIBLE_MOST = 0.02  # share of words, one more let pass; good pages 0-0.003, otherwise named from 0.03
NAMELESS_MOST = 0.01  # share of letters without a name, or with one that no text has; good pages none
UNSEEN_MOST = 0.02  # share of words where nothing is drawn; good pages none
MARKED_LEAST = 0.35  # share of syllables with a mark; good pages 0.74-0.93, without marks none
MARKED_WORDS = 20  # syllables from which that share is told
VIETNAMESE = 0.6  # share of syllables among words of letters from which a page is in Vietnamese
# Likeness to what the engine reads; good pages from 0.979, otherwise to 0.71, for 6 letters to 0.958.
AGREED_LEAST = 0.9
CONTRAST = 40  # grey levels within a word's box from which something is drawn in it
VOWELS = frozenset("aeiouy")
CONSONANTS_MOST = 5  # in a row, in a word that can be said (Knightsbridge)
ABBREVIATION_MOST = 10  # capitals of one
Verdict = Literal[
    "good", "no-words", "nameless-letters", "impossible-words", "marks-lost", "unseen-words", "reads-otherwise"
]


@dataclass(frozen=True, slots=True)
class LayerMeasures:
    """What was found of a page's own text. Shares are 0-1.

    possible: words that can be words, by how they are built; marked: those with a Vietnamese mark, of all
    syllables; nameless: letters that the file does not name, or names private-use, control or replacement
    characters; unseen: words in whose box nothing is drawn; agreed: the least likeness of a line to what the
    engine reads there, None when it read none. hidden, covered, outside: letters left out of the text.
    missed: lines of print that the text does not cover and the engine can make out. verdict: `good`, or why not.
    """

    verdict: Verdict
    words: int
    kinds: dict[str, int]
    possible: float
    marked: float
    nameless: float
    unseen: float
    agreed: float | None
    hidden: int
    covered: int
    outside: int
    missed: int
    sorted_rows: bool

    @property
    def good(self) -> bool:
        """Whether the text is kept."""
        return self.verdict == "good"

    def to_json(self) -> dict[str, Any]:
        """Return the measures as a JSON object, rounded."""
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in asdict(self).items()}


def measure_layer(found: PageLetters, text: NativeText, page: PreparedPage, engine: OcrEngine) -> LayerMeasures:
    """Return the measures of a page's own text.

    page: its raster, grey, in the pixels of the text's reading. Raises what the engine raises.
    """
    words = text.words
    kinds: Counter[str] = Counter()
    syllables, doubted = [], []
    for word in words:
        written = word.text.translate(SIGNS)
        kind = kind_of_written(written)
        kinds[kind] += 1
        if kind == "syllable":
            syllables.append(written)
        elif kind == "impossible":
            doubted.append(word)  # it may be all that a font names wrongly: a heading, a mark
    nameless = text.unmapped + sum(_is_nameless(c) for word in words for c in word.text)
    shares = {
        "possible": 1 - _share(kinds["impossible"], len(words)),
        "marked": _share(sum(map(_is_marked, syllables)), len(syllables)),
        "nameless": min(1.0, _share(nameless, sum(len(word.text) for word in words))),
        "unseen": _share(sum(not is_drawn(page.image, word.box) for word in words), len(words)),
    }
    lettered = kinds["syllable"] + kinds["other"] + kinds["impossible"]
    unmarked = shares["marked"] < MARKED_LEAST and len(syllables) >= max(MARKED_WORDS, VIETNAMESE * lettered)
    verdict: Verdict = "good"
    agreed: float | None = None
    if not words:
        verdict = "no-words"
    elif shares["nameless"] > NAMELESS_MOST:
        verdict = "nameless-letters"
    elif kinds["impossible"] > IMPOSSIBLE_MOST * len(words) + 1:
        verdict = "impossible-words"
    elif unmarked:
        verdict = "marks-lost"
    elif shares["unseen"] > UNSEEN_MOST:
        verdict = "unseen-words"
    else:
        agreed = agreement(text.reading, page, engine, doubted)
        if agreed is not None and agreed < AGREED_LEAST:
            verdict = "reads-otherwise"
    return LayerMeasures(
        verdict=verdict,
        words=len(words),
        kinds=dict(sorted(kinds.items())),
        agreed=agreed,
        hidden=found.hidden + found.clipping,
        covered=found.covered,
        outside=found.outside,
        missed=legible_lines(text.reading.blocks, page, engine) if verdict == "good" else 0,
        sorted_rows=text.sorted_rows,
        **shares,
    )


def kind_of_written(word: str) -> str:
    """Return the kind of a word as `ocr.vietnamese.kind_of`; a plain one that nobody can say is impossible too.

    What programs write that name letters wrongly is often plain. Signs between letters make no code of a word
    unless they are those of codes, addresses and names.
    """
    kind = kind_of(word)
    core = word.strip("\"'“”‘’«»()[]{}<>.,;:!?…-–—/*+_ ")
    if kind == "code":
        letters = [c for c in core if not (c.isalnum() or c in ".,-–/&@:_+()%'’°²³×=#~\"|\\;*")]
        return "impossible" if letters else kind
    if kind != "other":
        return kind
    if not core:
        return "other" if len(word) <= 3 or len(set(word)) <= 2 else "impossible"
    if core.isupper() and len(core) <= ABBREVIATION_MOST:
        return "other"
    return "other" if _can_be_said(core.lower()) else "impossible"


def _can_be_said(word: str) -> bool:
    run = longest = 0
    for letter in word:
        run = 0 if letter in VOWELS else run + 1
        longest = max(longest, run)
    return longest <= CONSONANTS_MOST and (len(word) < 3 or longest < len(word))


def _is_marked(word: str) -> bool:
    return not set(word.lower()) <= PLAIN - {"đ"} and word.isalpha()


def _is_nameless(letter: str) -> bool:
    return letter == "\ufffd" or unicodedata.category(letter) in ("Cc", "Co", "Cn", "Cs")


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def is_drawn(grey: Pixels, box: Box) -> bool:
    """Whether anything is drawn in a box of a grey page, in whichever colour."""
    inside = grey[max(0, box.y) : box.y + box.height, max(0, box.x) : box.x + box.width]
    return inside.size > 0 and int(inside.max()) - int(inside.min()) >= CONTRAST
