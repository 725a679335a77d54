"""How well a page was read: character errors against the truth, and the words found in whatever order."""

import unicodedata
from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

GRAM = 12  # letters of the pieces by which a page's place in the whole text is found
MARGIN = 600  # letters looked at beyond the place found


@dataclass(frozen=True, slots=True)
class Score:
    """Character error rate (0 is perfect; above 1 when more was read than is there) and word recall, 0-1."""

    cer: float
    recall: float


def folded(text: str) -> str:
    """Return the text in NFC, every stretch of white space as one space."""
    return " ".join(unicodedata.normalize("NFC", text).split())


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
