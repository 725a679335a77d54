"""Probes and readings as JSON objects and back: through the jail's pipe, and into the work list's kept pages.

A word is `[text, confidence, x, y, width, height]`, with its raw reading appended when it differs; a box is
`[x, y, width, height]`.
"""

from dataclasses import asdict
from typing import Any

from ocr.page import Block, Box, CaptureProbe, FileProbe, Line, PageText, ReadPage, Word


def capture_to_json(capture: CaptureProbe) -> dict[str, Any]:
    """Return one capture's facts as a JSON object."""
    return asdict(capture)


def capture_from_json(found: dict[str, Any]) -> CaptureProbe:
    """Return the capture a JSON object describes."""
    return CaptureProbe(**found)


def file_probe_to_json(probe: FileProbe) -> dict[str, Any]:
    """Return a file's facts as a JSON object."""
    return asdict(probe)


def file_probe_from_json(found: dict[str, Any]) -> FileProbe:
    """Return the file facts a JSON object describes."""
    rest = {name: found[name] for name in ("scanned_at", "device", "owner_locked")}
    return FileProbe(
        media_type=found["media_type"],
        captures=tuple(capture_from_json(capture) for capture in found["captures"]),
        signature_fields=tuple(found["signature_fields"]),
        **rest,
    )


def page_text_to_json(page: PageText) -> dict[str, Any]:
    """Return a page's text with every box as a JSON object."""
    return {
        "width_px": page.width_px,
        "height_px": page.height_px,
        "dpi": page.dpi,
        "quarter_turns": page.quarter_turns,
        "skew_deg": page.skew_deg,
        "blocks": [
            {
                "kind": block.kind,
                "box": _box_to_json(block.box),
                "lines": [
                    {"box": _box_to_json(line.box), "words": [_word_to_json(word) for word in line.words]}
                    for line in block.lines
                ],
            }
            for block in page.blocks
        ],
    }


def page_text_from_json(found: dict[str, Any]) -> PageText:
    """Return the page text a JSON object holds."""
    return PageText(
        width_px=found["width_px"],
        height_px=found["height_px"],
        dpi=found["dpi"],
        quarter_turns=found["quarter_turns"],
        skew_deg=found["skew_deg"],
        blocks=tuple(
            Block(
                block["kind"],
                tuple(
                    Line(tuple(_word_from_json(word) for word in line["words"]), Box(*line["box"]))
                    for line in block["lines"]
                ),
                Box(*block["box"]),
            )
            for block in found["blocks"]
        ),
    )


def read_page_to_json(read: ReadPage) -> dict[str, Any]:
    """Return a reading with its measures and parameters as a JSON object."""
    return {
        "page": page_text_to_json(read.page),
        "blank": read.blank,
        "engine": read.engine,
        "measures": read.measures,
        "doubts": list(read.doubts),
    }


def read_page_from_json(found: dict[str, Any]) -> ReadPage:
    """Return the reading a JSON object holds."""
    return ReadPage(
        page_text_from_json(found["page"]),
        found["blank"],
        found["engine"],
        found["measures"],
        tuple(found.get("doubts", ())),  # pages kept by an earlier version have none
    )


def _box_to_json(box: Box) -> list[int]:
    return [box.x, box.y, box.width, box.height]


def _word_to_json(word: Word) -> list[Any]:
    packed: list[Any] = [word.text, word.confidence, *_box_to_json(word.box)]
    return packed if word.raw == word.text else [*packed, word.raw]


def _word_from_json(packed: list[Any]) -> Word:
    text, confidence, x, y, width, height, *raw = packed
    return Word(text, raw[0] if raw else text, confidence, Box(x, y, width, height))
