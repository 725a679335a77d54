"""Page text as ALTO 4 and back, without loss and always the same bytes: the form in which texts are kept.

Measures are pixels of the archived page image as stored. What ALTO has no place for (resolution, tilt, turns)
stands in the settings of the processing step, one `name=value` a line; the kind of a block is a layout tag;
the engine's own reading, where another is used, is the ALTERNATIVE of purpose `raw`. XML can't hold control
characters, lone surrogates, U+FFFE and U+FFFF: `recognise` lets none of them into a page.
"""

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from lxml import etree

from ocr.page import Block, BlockKind, Box, Line, PageText, Word

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
SCHEMA_VERSION = "4.4"
RAW = "raw"
IMAGE, FILE = "sha256-of-image", "sha256-of-file"
_DEFAULT: Any = {None: NAMESPACE}  # lxml's own name for the default namespace
_KINDS: dict[str, BlockKind] = {kind: kind for kind in get_args(BlockKind)}


def to_alto(page: PageText, *, file_sha256: str, file_index: int, image_sha256: str) -> bytes:
    """Return a page's text as an ALTO document that `from_alto` gives back equal.

    file_sha256, file_index: the received file and the image's place in it, from 0. image_sha256: of the
    encoded image. Raises ValueError for a character that XML can't hold.
    """
    root = etree.Element(_name("alto"), {"SCHEMAVERSION": SCHEMA_VERSION}, nsmap=_DEFAULT)
    described = _add(root, "Description")
    _add(described, "MeasurementUnit").text = "pixel"
    source = _add(described, "sourceImageInformation")
    _add(source, "fileIdentifier", fileIdentifierLocation=IMAGE).text = image_sha256
    _add(source, "documentIdentifier", documentIdentifierLocation=FILE).text = file_sha256
    step = _add(described, "Processing", ID="reading")
    _add(step, "processingCategory").text = "contentGeneration"
    settings = {
        "dpi": repr(page.dpi),
        "quarter_turns": str(page.quarter_turns),
        "skew_deg": repr(page.skew_deg),
        "file_index": str(file_index),
    }
    _add(step, "processingStepSettings").text = "\n".join(f"{name}={value}" for name, value in settings.items())
    kinds = sorted({block.kind for block in page.blocks})
    if kinds:
        tags = _add(root, "Tags")
        for kind in kinds:
            _add(tags, "LayoutTag", ID=f"kind-{kind}", LABEL=kind)
    _add_page(_add(root, "Layout"), page, file_index)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def from_alto(document: bytes) -> PageText:
    """Return the page text of a document that `to_alto` wrote. Raises ValueError when it is none.

    Nothing outside the document is ever fetched, and no entity is expanded.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise ValueError(f"the text of the page is no XML: {error}") from error
    sheet = root.find(f"{_name('Layout')}/{_name('Page')}")
    settings = root.findtext(f".//{_name('processingStepSettings')}")
    if root.tag != _name("alto") or sheet is None or settings is None:
        raise ValueError("the text of the page is not the ALTO this program writes")
    stated = dict(line.split("=", 1) for line in settings.splitlines())
    try:
        return PageText(
            width_px=int(_stated(sheet, "WIDTH")),
            height_px=int(_stated(sheet, "HEIGHT")),
            dpi=float(stated["dpi"]),
            quarter_turns=int(stated["quarter_turns"]),
            skew_deg=float(stated["skew_deg"]),
            blocks=tuple(_block(found) for found in sheet.iter(_name("TextBlock"))),
        )
    except KeyError as error:
        raise ValueError(f"the ALTO does not state {error}") from error


def _name(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"


def _add(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, _name(tag), attributes)


def _add_page(layout: etree._Element, page: PageText, file_index: int) -> None:
    size = {"WIDTH": str(page.width_px), "HEIGHT": str(page.height_px)}
    # ALTO counts rotation of the contents, counter-clockwise: what the clockwise turns undo.
    turned = {"ROTATION": str(90 * page.quarter_turns)} if page.quarter_turns else {}
    sheet = _add(layout, "Page", ID="page", PHYSICAL_IMG_NR=str(file_index + 1), **size, **turned)
    space = _add(sheet, "PrintSpace", HPOS="0", VPOS="0", **size)
    for number, block in enumerate(page.blocks, start=1):
        name = f"b{number}"
        kind = f"kind-{block.kind}"
        found = _add(space, "TextBlock", ID=name, **_place(block.box), TAGREFS=kind)
        for row, line in enumerate(block.lines, start=1):
            _add_words(_add(found, "TextLine", ID=f"{name}l{row}", **_place(line.box)), line.words)


def _add_words(line: etree._Element, words: Sequence[Word]) -> None:
    for number, word in enumerate(words):
        if number:
            _add(line, "SP")
        found = _add(line, "String", **_place(word.box), CONTENT=word.text, WC=repr(word.confidence))
        if word.raw != word.text:
            _add(found, "ALTERNATIVE", PURPOSE=RAW).text = word.raw


def _place(box: Box) -> dict[str, str]:
    return {"HPOS": str(box.x), "VPOS": str(box.y), "WIDTH": str(box.width), "HEIGHT": str(box.height)}


def _block(found: etree._Element) -> Block:
    kind = _stated(found, "TAGREFS").removeprefix("kind-")
    if kind not in _KINDS:
        raise ValueError(f"the ALTO names a block of an unknown kind: {kind}")
    lines = tuple(Line(tuple(_words(line)), _box(line)) for line in found.iter(_name("TextLine")))
    return Block(_KINDS[kind], lines, _box(found))


def _words(line: etree._Element) -> Iterator[Word]:
    for found in line.iter(_name("String")):
        text = _stated(found, "CONTENT")
        other = found.find(f"{_name('ALTERNATIVE')}[@PURPOSE='{RAW}']")
        raw = text if other is None else other.text or ""
        yield Word(text, raw, float(_stated(found, "WC")), _box(found))


def _box(found: etree._Element) -> Box:
    x, y, width, height = (int(_stated(found, name)) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    return Box(x, y, width, height)


def _stated(found: etree._Element, name: str) -> str:
    return str(found.attrib[name])
