"""Opens the reader that an engine URL names."""

import os
from pathlib import Path

from ocr.engines.port import OcrEngine
from ocr.engines.replay import ReplayEngine
from ocr.engines.url import parse_engine_url


def open_engine(url: str) -> OcrEngine:
    """Return the engine a URL names, its models loaded. Raises UnknownEngine.

    Sets OMP_THREAD_LIMIT=1 for this process: Tesseract's threads cost 2.7-5.2 times the CPU and lose pages.
    """
    parts = parse_engine_url(url)
    language = parts.query.get("lang", "vie")
    os.environ["OMP_THREAD_LIMIT"] = "1"
    # Imported here: libgomp reads OMP_THREAD_LIMIT when it is loaded, so it has to be set before.
    if parts.scheme == "tesseract":
        from ocr.engines.tesseract import TesseractEngine

        return TesseractEngine(language)
    if parts.scheme == "pytesseract":
        from ocr.engines.pytess import PytesseractEngine

        return PytesseractEngine(language)
    assert parts.folder is not None
    log = parts.query.get("log")
    return ReplayEngine(parts.folder, log=Path(log) if log else None, wait_ms=int(parts.query.get("wait_ms", "0")))
