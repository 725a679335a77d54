"""Mends what the engine regularly takes for another sign; the raw reading stays beside the text.

Its model knows neither the dash that opens a line of a list, which comes as `~`, nor Đ as distinct from the Ð of
other alphabets, and puts a quotation mark before a letter whose serif touches a rule. Letters, tones and digits
are never changed: an impossible syllable stays, to be seen.
"""

import re
from collections.abc import Sequence

SIGNS = str.maketrans({"Ð": "Đ", "⁄": "/", "ð": "đ"})
LITRE = re.compile(r"^(\W*)mg[/il1I|]{2}(\W*)$")  # a slash and an l are both strokes
DASHES = {"~", "~-", "-~", "—~", "~—", "¬", "—-"}
ONE_LINE = "'‘"  # marks of a quotation that is taken to end in its line
IN_CELL = "'‘“„\""
CLOSING = "'”’\""


def mended(words: Sequence[str], *, in_cell: bool) -> list[str]:
    """Return the words of one line as they are to be used; as many as came.

    in_cell: of a table, where what is quoted does not go on in the next line.
    """
    texts = [LITRE.sub(r"\1mg/l\2", word.translate(SIGNS)) for word in words]
    opening = IN_CELL if in_cell else ONE_LINE
    if texts and texts[0] in DASHES and len(texts) > 1:
        texts[0] = "-"
    for at, text in enumerate(texts):
        # A quotation that ends nowhere is a stroke; one in double marks may end in a later line.
        if len(text) > 2 and text[0] in opening and text[1].isalpha() and not _closes(texts[at:]):
            texts[at] = text[1:]
    return texts


def _closes(texts: Sequence[str]) -> bool:
    return any(sign in CLOSING for text in texts for sign in text[1:])
