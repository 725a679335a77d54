"""How well a page was read: errors against the truth, words found in any order, and whether doubt is just."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from ocr.page import Word
from ocr.vietnamese import bare

LEADER = re.compile(r"\.{4,}")
GRAM = 12  # letters of the pieces by which a page's place in the whole text is found
MARGIN = 600  # letters looked at beyond the place found
DIAGRAM_EDGES = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.999)


@dataclass(frozen=True, slots=True)
class Score:
    """Character error rate (0 is perfect; above 1 when more was read than is there) and word recall, 0-1."""

    cer: float
    recall: float


def folded(text: str) -> str:
    """Return the text in NFC, stretches of white space, and dotted leaders, which are no text, as one space."""
    plain = LEADER.sub(" ", unicodedata.normalize("NFC", text).replace("…", "..."))
    return " ".join(plain.split())


def cer(read: str, truth: str) -> float:
    """Return edits per character of the truth; 0.0 when both are empty."""
    read, truth = folded(read), folded(truth)
    if not truth:
        return 1.0 if read else 0.0
    return Levenshtein.distance(read, truth) / len(truth)


def word_recall(read: str, truth: str) -> float:
    """Return the share of the truth's words that were read, as often as they occur, in any order."""
    wanted, found = Counter(folded(truth).split()), Counter(folded(read).split())
    if not wanted:
        return 1.0
    return sum((wanted & found).values()) / sum(wanted.values())


def score(read: str, truth: str) -> Score:
    """Return both figures of a page against the truth about it."""
    return Score(cer(read, truth), word_recall(read, truth))


@dataclass(frozen=True, slots=True)
class Errors:
    """Counts over many pages, from which rates are made: a long page weighs more than a short one.

    edits, letters: with tones and marks; bare_edits: without them on both sides; word_edits, words: whole words;
    shared, read_words: words of the truth found in any order, and words read.
    """

    edits: int = 0
    letters: int = 0
    bare_edits: int = 0
    word_edits: int = 0
    words: int = 0
    shared: int = 0
    read_words: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(*(getattr(self, name) + getattr(other, name) for name in Errors.__slots__))

    @property
    def cer(self) -> float:
        """Character error rate; as if of one letter where the truth has none."""
        return self.edits / max(1, self.letters)

    @property
    def bare_cer(self) -> float:
        """As cer, tones and marks left out of both."""
        return self.bare_edits / max(1, self.letters)

    @property
    def wer(self) -> float:
        """Word error rate."""
        return self.word_edits / max(1, self.words)

    @property
    def recall(self) -> float:
        """Share of the truth's words that were read, in any order."""
        return self.shared / self.words if self.words else 1.0

    @property
    def precision(self) -> float:
        """Share of the words read that are in the truth, in any order."""
        return self.shared / self.read_words if self.read_words else 1.0


def errors_of(pages: Iterable[tuple[str, str]]) -> Errors:
    """Count the errors of pages, each (read, truth)."""
    return sum((_errors(folded(read), folded(truth)) for read, truth in pages), Errors())


def _errors(read: str, truth: str) -> Errors:
    ours, theirs = read.split(), truth.split()
    return Errors(
        Levenshtein.distance(read, truth),
        len(truth),
        Levenshtein.distance(bare(read), bare(truth)),
        Levenshtein.distance(ours, theirs),
        len(theirs),
        sum((Counter(ours) & Counter(theirs)).values()),
        len(ours),
    )


def in_order(read: str, truth: str) -> float:
    """Return the share of the words found that are in the truth's order; 1.0 where none is found."""
    ours, theirs = folded(read).split(), folded(truth).split()
    found = sum((Counter(ours) & Counter(theirs)).values())
    kept = sum(
        block.src_end - block.src_start for block in Levenshtein.opcodes(ours, theirs) if block.tag == "equal"
    )
    return min(1.0, kept / found) if found else 1.0


@dataclass(frozen=True, slots=True)
class Bin:
    """The words whose confidence lies in a range. said: their mean confidence; right: the share that is right."""

    words: int
    said: float
    right: float


@dataclass(frozen=True, slots=True)
class Trust:
    """Word confidence against the truth. right: share of the words read that the truth has at their place.

    expected_error: mean distance between confidence and share of right words, in ten bins, weighted by words.
    auroc: how often a right word has more confidence than a wrong one; 0.5 for no connection. diagram: the bins of
    a reliability diagram, lowest confidence first, those without a word left out; narrower towards 1, where most
    words are.
    """

    words: int
    right: float
    expected_error: float
    auroc: float
    diagram: tuple[Bin, ...] = ()


def calibration(documents: Iterable[tuple[Sequence[Word], str]]) -> Trust:
    """Return how far the confidence of words can be trusted over documents, each (words read, truth)."""
    confidences: list[float] = []
    right: list[bool] = []
    for words, truth in documents:
        read = [unicodedata.normalize("NFC", word.text) for word in words]
        kept = {
            at
            for block in Levenshtein.opcodes(read, folded(truth).split())
            if block.tag == "equal"
            for at in range(block.src_start, block.src_end)
        }
        confidences += [word.confidence for word in words]
        right += [at in kept for at in range(len(words))]
    if not right:
        return Trust(0, 1.0, 0.0, 0.5)
    sure, hit = np.array(confidences), np.array(right)
    tenths = _bins(sure, hit, np.arange(1, 10) / 10)
    error = sum(abs(one.said - one.right) * one.words for one in tenths) / len(hit)
    return Trust(len(hit), float(hit.mean()), error, _auroc(sure, hit), tuple(_bins(sure, hit, DIAGRAM_EDGES)))


def _bins(sure: npt.NDArray[np.float64], hit: npt.NDArray[np.bool_], edges: npt.ArrayLike) -> list[Bin]:
    """Part the words by their confidence at some edges; a word on an edge is above it."""
    place = np.digitize(sure, edges)
    return [
        Bin(int((place == at).sum()), float(sure[place == at].mean()), float(hit[place == at].mean()))
        for at in np.unique(place)
    ]


def _auroc(sure: npt.NDArray[np.float64], hit: npt.NDArray[np.bool_]) -> float:
    """The share of pairs of a right and a wrong word in which the right one is surer; ties count half."""
    wrong, right = np.sort(sure[~hit]), sure[hit]
    if not len(wrong) or not len(right):
        return 0.5
    below = np.searchsorted(wrong, right, "left") + np.searchsorted(wrong, right, "right")
    return float(below.sum() / (2 * len(wrong) * len(right)))


def score_within(read: str, whole: str) -> Score:
    """Return both figures of a page against the stretch of a longer text that it fits best."""
    return score(read, passage_of(read, whole))


def passage_of(read: str, whole: str) -> str:
    """Return the stretch of a text with the fewest edits to what was read; empty when nothing is alike."""
    read, whole = folded(read), folded(whole)
    start = _about(read, whole)
    if start is None:
        return ""
    low, high = max(0, start - MARGIN), start + len(read) + MARGIN
    window = whole[low:high]
    end = _best_end(read, window)
    begin = end - _best_end(read[::-1], window[:end][::-1])
    return window[begin:end]


def _about(read: str, whole: str) -> int | None:
    """Return about where a page begins: the place most of its pieces agree on."""
    places: dict[str, list[int]] = {}
    for at in range(len(whole) - GRAM + 1):
        places.setdefault(whole[at : at + GRAM], []).append(at)
    votes: Counter[int] = Counter()
    for at in range(len(read) - GRAM + 1):
        # A phrase that recurs all through a text says little about the place.
        found = places.get(read[at : at + GRAM], [])
        if len(found) <= 20:
            votes.update((place - at) // 100 for place in found)
    if not votes:
        return None
    best = max(votes, key=lambda bin_: votes[bin_] + votes[bin_ + 1])
    return best * 100


def _best_end(read: str, window: str) -> int:
    """Return where the stretch of the window ends that has the fewest edits, its beginning being free."""
    letters = np.frombuffer(window.encode("utf-32-le"), np.uint32)
    column: npt.NDArray[np.int64] = np.zeros(len(letters) + 1, np.int64)
    steps = np.arange(len(letters) + 1)
    for letter in read:
        following = column + 1
        following[1:] = np.minimum(following[1:], column[:-1] + (letters != ord(letter)))
        column = np.minimum.accumulate(following - steps) + steps
    return int(column.argmin())
