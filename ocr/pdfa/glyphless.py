"""The font of the invisible text: no outlines, every letter half an em wide, mapped back to its letter.

One TrueType program of two empty glyphs serves every letter through the /CIDToGIDMap, so that its size does
not depend on the text; letters get their numbers in the order of their code points, so that equal text gives
equal bytes. There is no /CIDSet: PDF/A-2 does not ask for one, and one that is wrong spoils the file.
"""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import pikepdf
from fontTools.fontBuilder import FontBuilder
from fontTools.ttLib.tables._g_l_y_f import Glyph

ADVANCE = 500  # thousandths of an em
ASCENT = 800
DESCENT = -200
NAME = "SohoaGlyphless"
LETTERS_MOST = 65_534
YEAR_1970 = 2_082_844_800  # in seconds of 1904, as TrueType counts
_BLOCK = 100  # entries of one bfchar block, the most a CMap allows
_TABLES = ("glyf", "head", "hhea", "hmtx", "loca", "maxp")


@dataclass(frozen=True, slots=True)
class Lettering:
    """The letters of a document and their two-byte codes as hexadecimal digits."""

    codes: dict[str, str]

    def hex_of(self, text: str) -> str:
        """Return a text as hexadecimal codes; letters that are not in the font are left out."""
        return "".join(self.codes.get(letter, "") for letter in text)


def lettering_of(letters: Iterable[str]) -> Lettering:
    """Number the letters of a document, in the order of their code points."""
    kept = sorted(set(letters) | {" "})[:LETTERS_MOST]
    return Lettering({letter: f"{number:04X}" for number, letter in enumerate(kept, start=1)})


def embed(pdf: pikepdf.Pdf, lettering: Lettering) -> pikepdf.Object:
    """Add the font to a PDF and return its dictionary."""
    name = pikepdf.Name("/" + NAME)
    program = pikepdf.Stream(pdf, _program())
    program.Length1 = len(_program())
    descriptor = pikepdf.Dictionary(
        Type=pikepdf.Name.FontDescriptor,
        FontName=name,
        Flags=5,  # fixed pitch, symbolic
        FontBBox=[0, DESCENT, ADVANCE, ASCENT],
        ItalicAngle=0,
        Ascent=ASCENT,
        Descent=DESCENT,
        CapHeight=ASCENT,
        StemV=80,
        FontFile2=program,
    )
    to_glyph = b"\0\0" + b"\0\1" * len(lettering.codes)
    descendant = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.CIDFontType2,
        BaseFont=name,
        CIDSystemInfo=pikepdf.Dictionary(
            Registry=pikepdf.String("Adobe"), Ordering=pikepdf.String("Identity"), Supplement=0
        ),
        FontDescriptor=pdf.make_indirect(descriptor),
        DW=ADVANCE,
        CIDToGIDMap=pikepdf.Stream(pdf, to_glyph),
    )
    font = pikepdf.Dictionary(
        Type=pikepdf.Name.Font,
        Subtype=pikepdf.Name.Type0,
        BaseFont=name,
        Encoding=pikepdf.Name("/Identity-H"),
        DescendantFonts=[pdf.make_indirect(descendant)],
        ToUnicode=pikepdf.Stream(pdf, _to_unicode(lettering)),
    )
    return pdf.make_indirect(font)


@cache
def _program() -> bytes:
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "letter"])
    builder.setupGlyf({".notdef": Glyph(), "letter": Glyph()})
    builder.setupHorizontalMetrics({".notdef": (ADVANCE, 0), "letter": (ADVANCE, 0)})
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    builder.updateHead(created=YEAR_1970, modified=YEAR_1970)
    builder.font.recalcTimestamp = False
    for tag in set(builder.font.keys()) - {*_TABLES, "GlyphOrder"}:
        del builder.font[tag]
    packed = io.BytesIO()
    builder.font.save(packed)
    return packed.getvalue()


def _to_unicode(lettering: Lettering) -> bytes:
    pairs = [f"<{code}> <{letter.encode('utf-16-be').hex().upper()}>" for letter, code in lettering.codes.items()]
    blocks = [pairs[at : at + _BLOCK] for at in range(0, len(pairs), _BLOCK)]
    mapped = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{mapped}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend\n"
    ).encode("ascii")
