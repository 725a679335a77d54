"""Turns an engine's own confidence into how often such a word is right.

An engine's figure ranks words well but is no share: of words to which Tesseract gives 0.75, three in five are
right; from 0.96 on, 99 in a hundred. The curve was fitted on generated papers of nine kinds (29,000 words) and is
held against papers it was not fitted on by the bench of reading. Half of that is a word that no syllable is
written like, though it bears Vietnamese marks, and a square or cubic metre: the model knows no raised digits, and
reads m², m³ and a plain m2 alike. A little less is a word with an acute or a hook over another mark, as in kế and
kể: of those that it is quite sure of one in seventy is wrong, of all other words one in 1,200.
"""

import re
import unicodedata

import numpy as np

from ocr.vietnamese import kind_of

# Engine: (its confidence, share of words right), both rising.
CURVES = {
    "tesseract": (
        (0.0, 0.3, 0.5, 0.75, 0.825, 0.865, 0.89, 0.91, 0.925, 0.945, 0.963, 0.968, 1.0),
        (0.2, 0.4, 0.58, 0.64, 0.74, 0.8, 0.87, 0.92, 0.965, 0.975, 0.993, 0.998, 1.0),
    )
}
CURVES["pytesseract"] = CURVES["tesseract"]  # the same model, asked another way
RAISED = re.compile(r"^\W*[kcdm]?m[23?°](\W|$)")
DOUBTED = 0.5
ALIKE, RIGHT_OF_ALIKE = re.compile("[\u0302\u0306][\u0301\u0309]"), 0.98  # marks on marks, decomposed


def chance_right(text: str, confidence: float, engine: str) -> float:
    """Return how likely a word is right, 0-1, four decimals.

    confidence: the engine's own; engine: its name as it describes itself. An engine without a curve is believed.
    """
    curve = CURVES.get(engine)
    share = confidence if curve is None else float(np.interp(confidence, *curve))
    doubted = RAISED.match(text) is not None or kind_of(text) == "impossible"
    if doubted:
        share *= DOUBTED
    elif ALIKE.search(unicodedata.normalize("NFD", text)):
        share *= RIGHT_OF_ALIKE
    return round(share, 4)
