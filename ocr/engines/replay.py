"""Gives back readings recorded earlier, found by the digest of the encoded image; for tests and drills."""

import json
import os
import time
from pathlib import Path
from typing import Any

from ocr.engines.port import OcrEngine, PreparedPage, RawBlock, RawLine, RawReading, RawWord
from ocr.errors import NotRecorded
from ocr.page import Box


class ReplayEngine:
    """Reads `folder/<source_sha256>.json`; never looks at the pixels.

    log: a file that gets one line (the digest) appended per reading, in one write, so that several processes
    can share it. wait_ms: how long each reading takes.
    """

    def __init__(self, folder: Path, *, log: Path | None = None, wait_ms: int = 0) -> None:
        self._folder = folder
        self._log = log
        self._wait_ms = wait_ms

    def describe(self) -> dict[str, Any]:
        """Return the engine's name and parameters; the models are those of whoever recorded."""
        return {"engine": "replay", "version": "1", "models": {}, "parameters": {"wait_ms": self._wait_ms}}

    def read(self, page: PreparedPage) -> RawReading:
        """Return the recorded words, scaled to the prepared image at hand. Raises NotRecorded."""
        if page.layout == "block" and not self._place(page).exists():
            return RawReading(())  # recordings are of pages; a piece of one that nobody recorded says nothing
        if self._log is not None:
            _append(self._log, page.source_sha256)
        if self._wait_ms:
            time.sleep(self._wait_ms / 1000)
        recorded = self._recording(page)
        height, width = page.image.shape
        return _reading(recorded["blocks"], width / recorded["width"], height / recorded["height"])

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        """Return the recorded orientation. Raises NotRecorded."""
        turns, confidence = self._recording(page)["orientation"]
        return int(turns), float(confidence)

    def close(self) -> None:
        """Hold nothing."""

    def _place(self, page: PreparedPage) -> Path:
        return self._folder / f"{page.source_sha256}.json"

    def _recording(self, page: PreparedPage) -> dict[str, Any]:
        try:
            recorded: dict[str, Any] = json.loads(self._place(page).read_text())
        except FileNotFoundError as error:
            raise NotRecorded(f"no recorded reading of image {page.source_sha256} in {self._folder}") from error
        return recorded


class RecordingEngine:
    """Reads with another engine and keeps each reading where ReplayEngine finds it.

    Of several readings of one page the last is kept, so a replayed page repeats what was accepted only when
    the page was read once; record clean, upright pages.
    """

    def __init__(self, engine: OcrEngine, folder: Path) -> None:
        self._engine = engine
        self._folder = folder

    def describe(self) -> dict[str, Any]:
        """Return what the other engine says of itself."""
        return self._engine.describe()

    def read(self, page: PreparedPage) -> RawReading:
        """Read with the other engine and keep the reading."""
        reading = self._engine.read(page)
        record(self._folder, page, reading)
        return reading

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        """Return the other engine's orientation; not kept."""
        return self._engine.orientation(page)

    def close(self) -> None:
        """Close the other engine."""
        self._engine.close()


def record(
    folder: Path, page: PreparedPage, reading: RawReading, *, orientation: tuple[int, float] = (0, 1.0)
) -> Path:
    """Keep a reading under the page's digest and return the file it is in; an earlier one is replaced."""
    folder.mkdir(parents=True, exist_ok=True)
    height, width = page.image.shape
    blocks = [
        {
            "kind": block.kind,
            "box": _corners(block.box),
            "lines": [
                {
                    "box": _corners(line.box),
                    "words": [[word.text, word.confidence, *_corners(word.box)] for word in line.words],
                }
                for line in block.lines
            ],
        }
        for block in reading.blocks
    ]
    recorded = {"width": width, "height": height, "orientation": list(orientation), "blocks": blocks}
    target = folder / f"{page.source_sha256}.json"
    target.write_text(json.dumps(recorded, ensure_ascii=False) + "\n")
    return target


def _corners(box: Box) -> list[int]:
    return [box.x, box.y, box.width, box.height]


def _reading(blocks: list[dict[str, Any]], across: float, down: float) -> RawReading:
    def box(x: int, y: int, width: int, height: int) -> Box:
        return Box(round(x * across), round(y * down), round(width * across), round(height * down))

    return RawReading(
        tuple(
            RawBlock(
                block["kind"],
                tuple(
                    RawLine(
                        tuple(RawWord(text, sure, box(*place)) for text, sure, *place in line["words"]),
                        box(*line["box"]),
                    )
                    for line in block["lines"]
                ),
                box(*block["box"]),
            )
            for block in blocks
        )
    )


def _append(log: Path, line: str) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)
