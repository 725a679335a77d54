"""What the reader's jail runs: the libraries and the engine loaded once, then one call per file or page.

All that a call needs is imported here, before the forks: imported in each of them it would cost half a second.

Arguments and answers are JSON; a file comes as the path under which the jailed process can open it.
"""

import gc
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import cv2

from ocr import images
from ocr.engines.open import open_engine
from ocr.engines.port import OcrEngine
from ocr.errors import InputRejected, JailUnavailable, PageUndecodable
from ocr.jail.child import await_turn
from ocr.native.read import read_native
from ocr.options import ReadingOptions
from ocr.pdfa.build import build_rendition
from ocr.quality.measures import measure_quality
from ocr.recognise import recognise
from ocr.wire import (
    capture_from_json,
    file_probe_from_json,
    file_probe_to_json,
    page_text_from_json,
    read_page_to_json,
)

_warmed: list[OcrEngine] = []  # the engine of this process, made before the forks that use it


def warm(engine_url: str) -> None:
    """Load the engine once for all later calls. Raises UnknownEngine."""
    cv2.setNumThreads(1)
    _warmed[:] = [open_engine(engine_url)]
    gc.freeze()  # what is loaded by now stays; collecting it in each fork would only copy its memory


def probe_in_jail(path: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return what a file is. Raises an InputRejected."""
    return file_probe_to_json(images.probe(Path(path), ReadingOptions.from_json(options)))


def read_in_jail(path: str, capture: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Return the reading of one image of a file. Raises a PageFailed, or NotRecorded.

    Decoded at once, read when it is its turn.
    """
    if not _warmed:
        raise JailUnavailable("the reading engine was not loaded before the first page")
    settings, found = ReadingOptions.from_json(options), capture_from_json(capture)
    try:
        image = images.load(Path(path), found.index, settings)
    except InputRejected as error:
        raise PageUndecodable(f"the page's image can't be opened ({error.code}): {error}") from error
    await_turn()
    if found.native_text:
        read = read_native(Path(path), found, image, _warmed[0], settings)
    else:
        read = recognise(image, found.sha256, _warmed[0], settings)
    quality = measure_quality(image, read.page, capture=found)
    return read_page_to_json(replace(read, measures={**read.measures, "quality": quality.to_json()}))


def build_in_jail(
    *,
    received: str,
    probe: dict[str, Any],
    texts: list[dict[str, Any] | None],
    out: str,
    title: str,
    made_at: str,
    document_id: str,
    mark_sizes: list[list[float]],
    options: dict[str, Any],
) -> dict[str, Any]:
    """Build a rendition and return its facts; `ocr.pdfa.build` says the rest. Raises PdfaFailed."""
    digitizer, agency = ((float(width), float(height)) for width, height in mark_sizes)
    return build_rendition(
        Path(received),
        file_probe_from_json(probe),
        [page_text_from_json(text) if text is not None else None for text in texts],
        Path(out),
        title=title,
        made_at=datetime.fromisoformat(made_at),
        document_id=document_id,
        mark_sizes=(digitizer, agency),
        options=ReadingOptions.from_json(options),
    ).to_json()
