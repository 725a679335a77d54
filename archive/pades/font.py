"""The letters of a mark: a Times-metric font found on the system, cut to the letters used.

A font goes into a PDF/A as TrueType scaled to 1000 units per em: with 2048 units the widths a validator
compares (6.2.11.5-1) are in other units than the dictionary's. No /CIDSet is made.
"""

import hashlib
import io
import struct
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont, TTLibError
from fontTools.ttLib.scaleUpem import scale_upem

from archive.errors import ArchiveError

UNITS_PER_EM = 1000
PACKAGES = "fonts-liberation2 or fonts-croscore"  # Debian's names; either will do
PLACES = (
    Path("/usr/share/fonts/truetype/liberation2/LiberationSerif-Regular.ttf"),
    Path("/usr/share/fonts/truetype/liberation/LiberationSerif-Regular.ttf"),
    Path("/usr/share/fonts/liberation-serif/LiberationSerif-Regular.ttf"),
    Path("/usr/share/fonts/liberation/LiberationSerif-Regular.ttf"),
    Path("/usr/share/fonts/truetype/croscore/Tinos-Regular.ttf"),
)
_UNUSED_TABLES = ["FFTM", "GDEF", "GPOS", "GSUB", "OS/2", "gasp", "kern", "name", "post"]


class FontMissing(ArchiveError):
    """No font to letter the marks with, or the one found cannot be used."""

    code = "font-missing"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the marks cannot be lettered: {reason}")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Lettering:
    """A font cut to some letters. glyphs, widths (1/1000 em) by letter; heights in 1/1000 em.

    name: PostScript name with a subset tag drawn from the program, so that equal letters give equal names.
    """

    name: str
    program: bytes
    glyphs: dict[str, int]
    widths: dict[str, int]
    ascent: int
    descent: int
    bounds: tuple[int, int, int, int]

    def width_of(self, text: str, size: float) -> float:
        """Return the width of a line set at a size, in the size's unit."""
        return sum(self.widths[letter] for letter in text) * size / UNITS_PER_EM


def find_font(setting: Path | None = None) -> Path:
    """Return the font file to letter marks with: the setting's, else the first known place that exists.

    Raises FontMissing, naming the system package to install.
    """
    places = PLACES if setting is None else (setting,)
    for place in places:
        if place.is_file():
            return place
    where = "no Times-metric font was found" if setting is None else f"there is no file {setting}"
    raise FontMissing(f"{where}; install {PACKAGES}, or name a TrueType file in the setting")


@lru_cache(maxsize=64)
def cut(font: Path, letters: str) -> Lettering:
    """Return the font cut to some letters (NFC), the same bytes each time.

    Raises FontMissing if the file is no TrueType font or lacks one of the letters: a name is never printed
    with a letter missing.
    """
    try:
        face = TTFont(io.BytesIO(_latin(font)), recalcTimestamp=False)
        if any(ord(letter) not in face.getBestCmap() for letter in letters):
            face = _scaled(TTFont(font, recalcTimestamp=False), letters)
        else:
            _subset(face, letters)
    except (OSError, TTLibError, KeyError, AssertionError, struct.error) as fault:
        raise FontMissing(f"{font.name} cannot be read as a TrueType font") from fault
    return _lettering(face, letters, font)


def _lettering(face: TTFont, letters: str, font: Path) -> Lettering:
    names = face.getBestCmap()
    lacking = sorted(letter for letter in set(letters) if ord(letter) not in names)
    if lacking:
        told = ", ".join(f"U+{ord(letter):04X} {unicodedata.name(letter, '?')}" for letter in lacking)
        raise FontMissing(f"{font.name} has no letter for {told}")
    order = face.getReverseGlyphMap()
    body = io.BytesIO()
    face.save(body)
    program = body.getvalue()
    tag = "".join(chr(65 + byte % 26) for byte in hashlib.sha256(program).digest()[:6])
    head, hhea = face["head"], face["hhea"]
    return Lettering(
        name=f"{tag}+{font.stem.split('-')[0]}",
        program=program,
        glyphs={letter: order[names[ord(letter)]] for letter in letters},
        widths={letter: face["hmtx"][names[ord(letter)]][0] for letter in letters},
        ascent=hhea.ascent,
        descent=hhea.descent,
        bounds=(head.xMin, head.yMin, head.xMax, head.yMax),
    )


@lru_cache(maxsize=4)
def _latin(font: Path) -> bytes:
    """The font scaled and cut to the letters of Vietnamese and its neighbours: 70 ms once, then 6 a mark."""
    face = TTFont(font, recalcTimestamp=False)
    _scaled(face, "".join(chr(c) for c in (*range(0x20, 0x7F), *range(0xA0, 0x1B1), *range(0x1E00, 0x2030))))
    body = io.BytesIO()
    face.save(body)
    return body.getvalue()


def _scaled(face: TTFont, letters: str) -> TTFont:
    _subset(face, letters)
    scale_upem(face, UNITS_PER_EM)
    return face


def _subset(face: TTFont, letters: str) -> None:
    options = Options(
        hinting=False,
        layout_features=[],
        notdef_outline=True,
        name_IDs=[],
        glyph_names=False,
        recalc_timestamp=False,
    )
    options.drop_tables += _UNUSED_TABLES
    subsetter = Subsetter(options)
    subsetter.populate(text=letters)
    subsetter.subset(face)
