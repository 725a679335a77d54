"""Says whether a word can be a Vietnamese syllable, without a word list: by how syllables are built.

A syllable is an initial, a rhyme and one of six tones; all three are closed sets, and few combinations of their
letters are left over for a misread one. Either way of placing the tone is right (hòa, hoà). A word in plain Latin
letters may be of another language or an abbreviation, so only one that bears a Vietnamese mark and is no syllable
is called impossible. Names of places such as Đắk Lắk and Bắc Kạn are let pass.

Source of the rhymes: Đoàn Thiện Thuật, Ngữ âm tiếng Việt.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Literal

Kind = Literal["syllable", "number", "code", "other", "impossible"]
"""number: digits with their signs. code: letters with digits or signs in between (12/GP-BTNMT). other: plain
Latin letters that are no syllable. impossible: bears a Vietnamese mark, and no syllable is written so."""

TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
STOPPED = ("p", "t", "c", "ch")  # rhymes ending so take two tones only
STOPPED_TONES = {"\u0301", "\u0323"}
INITIALS = (
    *("ngh", "ng", "nh", "gh", "gi", "kh", "ph", "th", "tr", "ch", "qu"),
    *("b", "c", "d", "đ", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "x", ""),
)
_ROWS = (
    "a ac ach ai am an ang anh ao ap at au ay ăc ăk ăm ăn ăng ăp ăt âc âm ân âng âp ât âu ây",
    "e ec em en eng eo ep et ê êch êm ên ênh êp êt êu",
    "i ia ich im in inh ip it iu iêc iêm iên iêng iêp iêt iêu y yêm yên yêng yêt yêu",
    "o oc oi om on ong op ot ooc oong ô ôc ôi ôm ôn ông ôp ôt ơ ơi ơm ơn ơp ơt",
    "u ua uc ui um un ung up ut uôc uôi uôm uôn uông uôt",
    "ư ưa ưc ưi ưm ưn ưng ưt ưu ươc ươi ươm ươn ương ươp ươt ươu",
    "oa oac oach oai oam oan oang oanh oao oap oat oay oăc oăm oăn oăng oăt oe oen oeo oet",
    "uân uâng uât uây uê uêch uênh uơ uy uya uych uyn uynh uyp uyt uyu uyên uyêt",
)
RHYMES = frozenset(rhyme for row in _ROWS for rhyme in row.split())
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzđ")  # letters of abbreviations, HĐND among them
AFTER_QU = frozenset(
    {"yt", "ynh", "ych", "yn", "it", "êt", "ăp", "ôc"}
)  # beside those that begin with u, less the u
FRONT = ("i", "e", "ê", "y")
_CORE = re.compile(r"^\W*(.*?)\W*$", re.DOTALL)
_NUMBER = re.compile(r"^[\d.,:/%+\-]*\d[\d.,:/%+\-]*$")


def bare(text: str) -> str:
    """Return a text without tones and marks, đ as d: what reading loses first is left out of comparisons."""
    apart = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def kind_of(word: str) -> Kind:
    """Return what a word is, punctuation around it left out; `other` when nothing but punctuation is left."""
    core = unicodedata.normalize("NFC", word)
    found = _CORE.match(core)
    core = found.group(1) if found else core
    if not core:
        return "other"
    if _NUMBER.match(core):
        return "number"
    if not core.isalpha():
        return "code"
    if is_syllable(core):
        return "syllable"
    return "other" if set(core.lower()) <= PLAIN else "impossible"


@lru_cache(maxsize=8192)
def is_syllable(word: str) -> bool:
    """Whether a word of letters alone is one well-formed syllable; capitals do not matter."""
    tones: list[str] = []
    kept: list[str] = []
    for letter in unicodedata.normalize("NFD", word.lower()):
        (tones if letter in TONES else kept).append(letter)
    plain = unicodedata.normalize("NFC", "".join(kept))
    return len(tones) <= 1 and any(
        plain.startswith(initial) and _fits(initial, plain[len(initial) :], tones) for initial in INITIALS
    )


def _fits(initial: str, rhyme: str, tones: list[str]) -> bool:
    if rhyme.endswith(STOPPED) and not (tones and tones[0] in STOPPED_TONES):
        return False
    if initial == "qu":
        return f"u{rhyme}" in RHYMES or f"o{rhyme}" in RHYMES or rhyme in AFTER_QU
    if initial in ("gh", "ngh") and not rhyme.startswith(FRONT):
        return False
    if initial in ("c", "ng") and rhyme.startswith(FRONT):
        return False
    if initial == "g" and rhyme.startswith(FRONT) and not rhyme.startswith("i"):
        return False
    return rhyme in RHYMES
