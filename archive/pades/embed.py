"""Drawings as PDF objects: appearances, the font they bring, and the annotation of a symbol.

No transparency, no CIDSet: PDF/A.
"""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from archive.pades.font import Lettering
from archive.pades.stamp import Drawing, MarkPlace

_FLAG_SERIF_SYMBOLIC = 2 | 4
_FLAG_PRINT_LOCKED = 4 | 128


def embed_appearance(writer: Any, drawing: Drawing, font: Any) -> Any:
    """Add the drawing as a form XObject lettered with an embedded font; return the reference for /AP /N."""
    form = generic.StreamObject(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/FormType"): generic.NumberObject(1),
            pdf_name("/BBox"): _numbers((0, 0, drawing.width, drawing.height)),
            pdf_name("/Matrix"): _numbers(drawing.matrix),
            pdf_name("/Resources"): generic.DictionaryObject(
                {
                    pdf_name("/Font"): generic.DictionaryObject({pdf_name("/F1"): font}),
                }
            ),
        },
        stream_data=drawing.content,
    )
    form.compress()
    return writer.add_object(form)


def embed_stamp(writer: Any, drawing: Drawing, font: Any, place: MarkPlace, told: str) -> None:
    """Add the drawing to its page as a stamp that prints and stays; told: what it says, for who can't see it."""
    page = writer.find_page_for_modification(place.page_index)[0]
    stamp = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/Stamp"),
            pdf_name("/Rect"): _numbers((place.x0, place.y0, place.x1, place.y1)),
            pdf_name("/F"): generic.NumberObject(_FLAG_PRINT_LOCKED),
            pdf_name("/Contents"): generic.pdf_string(told),
            pdf_name("/P"): page,
            pdf_name("/AP"): generic.DictionaryObject({pdf_name("/N"): embed_appearance(writer, drawing, font)}),
        }
    )
    writer.register_annotation(page, writer.add_object(stamp))


def embed_font(writer: Any, lettering: Lettering) -> Any:
    """Add the font; return its reference."""
    unicode_map = generic.StreamObject(stream_data=_to_unicode(lettering))
    unicode_map.compress()
    font = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/Type0"),
            pdf_name("/BaseFont"): pdf_name(f"/{lettering.name}"),
            pdf_name("/Encoding"): pdf_name("/Identity-H"),
            pdf_name("/DescendantFonts"): generic.ArrayObject([writer.add_object(_descendant(writer, lettering))]),
            pdf_name("/ToUnicode"): writer.add_object(unicode_map),
        }
    )
    return writer.add_object(font)


def _descendant(writer: Any, lettering: Lettering) -> Any:
    widths: list[Any] = []
    for letter, glyph in sorted(lettering.glyphs.items(), key=lambda item: item[1]):
        widths += [generic.NumberObject(glyph), _numbers((lettering.widths[letter],))]
    return generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Font"),
            pdf_name("/Subtype"): pdf_name("/CIDFontType2"),
            pdf_name("/BaseFont"): pdf_name(f"/{lettering.name}"),
            pdf_name("/CIDSystemInfo"): generic.DictionaryObject(
                {
                    pdf_name("/Registry"): generic.pdf_string("Adobe"),
                    pdf_name("/Ordering"): generic.pdf_string("Identity"),
                    pdf_name("/Supplement"): generic.NumberObject(0),
                }
            ),
            pdf_name("/CIDToGIDMap"): pdf_name("/Identity"),
            pdf_name("/W"): generic.ArrayObject(widths),
            pdf_name("/FontDescriptor"): writer.add_object(_descriptor(writer, lettering)),
        }
    )


def _descriptor(writer: Any, lettering: Lettering) -> Any:
    program = generic.StreamObject(
        {pdf_name("/Length1"): generic.NumberObject(len(lettering.program))}, stream_data=lettering.program
    )
    program.compress()
    return generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/FontDescriptor"),
            pdf_name("/FontName"): pdf_name(f"/{lettering.name}"),
            pdf_name("/Flags"): generic.NumberObject(_FLAG_SERIF_SYMBOLIC),
            pdf_name("/FontBBox"): _numbers(lettering.bounds),
            pdf_name("/ItalicAngle"): generic.NumberObject(0),
            pdf_name("/Ascent"): generic.NumberObject(lettering.ascent),
            pdf_name("/Descent"): generic.NumberObject(lettering.descent),
            pdf_name("/CapHeight"): generic.NumberObject(lettering.ascent),
            pdf_name("/StemV"): generic.NumberObject(80),
            pdf_name("/FontFile2"): writer.add_object(program),
        }
    )


def _to_unicode(lettering: Lettering) -> bytes:
    """Map glyphs back to letters, so that a mark can be searched and read aloud. At most 100 a block."""
    glyphs: dict[int, str] = {}
    for letter, glyph in sorted(lettering.glyphs.items()):
        # A no-break space and a space may share one glyph: the first, the plain one, is kept.
        glyphs.setdefault(glyph, letter)
    rows = [
        f"<{glyph:04X}> <{letter.encode('utf-16-be').hex().upper()}>" for glyph, letter in sorted(glyphs.items())
    ]
    blocks = [rows[start : start + 100] for start in range(0, len(rows), 100)]
    mapped = "\n".join(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks)
    return (
        "/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n"
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n"
        "/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n"
        "1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n"
        f"{mapped}\nendcmap\nCMapName currentdict /CMap defineresource pop\nend\nend"
    ).encode("ascii")


def _numbers(values: tuple[float, ...]) -> Any:
    return generic.ArrayObject([generic.FloatObject(f"{value:.4f}".rstrip("0").rstrip(".")) for value in values])
