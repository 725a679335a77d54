"""The reader the rest of the program calls: every incoming byte is opened in its jail, never here."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ocr.engines.url import parse_engine_url
from ocr.errors import PageCrashed, PageOutOfMemory, PageTimedOut, PdfaFailed, ProbeFailed
from ocr.jail.parent import Call, Jail
from ocr.jail.process import Mode
from ocr.options import ReadingOptions
from ocr.page import CaptureProbe, FileProbe, PageText, ReadPage
from ocr.pdfa.rendition import Rendition
from ocr.wire import (
    capture_to_json,
    file_probe_from_json,
    file_probe_to_json,
    page_text_to_json,
    read_page_from_json,
)

SIGNATURES_SECONDS = 60.0
AHEAD_PIXELS = 40_000_000  # of a page that is decoded while another is read: A3 at 400 dpi, 120 MB in colour
# How a jailed call can end without an answer of its own.
ENDED = (PageTimedOut, PageOutOfMemory, PageCrashed)


class Reader:
    """Looks into files, reads their pages, builds renditions and lists signatures, each act in the jail.

    The jail starts with the first act. Every act raises JailUnavailable or UnknownEngine when it can't start:
    faults of the installation, never of the file at hand.
    """

    def __init__(self, jail: Jail, engine_url: str, options: ReadingOptions) -> None:
        self._jail = jail
        self._options = options
        engine = parse_engine_url(engine_url)
        jail.lend(readable=engine.readable, writable=engine.writable)
        jail.warm("ocr.jailed:warm", {"engine_url": engine_url})

    @property
    def options(self) -> ReadingOptions:
        """How it opens files and reads pages."""
        return self._options

    @property
    def jail_mode(self) -> Mode:
        """Which walls stand around what is read: bubblewrap, or limits only."""
        return self._jail.mode

    def probe(self, path: Path) -> FileProbe:
        """Return what a file is and which images it holds. Raises an InputRejected."""
        seconds = self._options.probe_seconds
        try:
            answer = self._call("ocr.jailed:probe_in_jail", {}, seconds=seconds, files={"path": path})
        except ENDED as error:
            raise ProbeFailed(f"the file could not be looked into ({error.code}): {error}") from error
        return file_probe_from_json(answer)

    def read_page(self, path: Path, capture: CaptureProbe, *, following: CaptureProbe | None = None) -> ReadPage:
        """Return what is written on one image of a file, or that it is blank. Raises a PageFailed.

        following: the image of the same file to be read next, which is decoded meanwhile unless it is very large.
        """
        call, ahead = self._reading_of(path, capture), None
        if following is not None and following.width_px * following.height_px <= AHEAD_PIXELS:
            ahead = self._reading_of(path, following)
        answer = self._jail.call(
            call.function, call.arguments, seconds=call.seconds, files=call.files, announced=ahead
        )
        return read_page_from_json(answer)

    def leave(self) -> None:
        """Let go of a page that was decoded ahead and is not going to be read."""
        self._jail.forget_announced()

    def _reading_of(self, path: Path, capture: CaptureProbe) -> Call:
        arguments = {"capture": capture_to_json(capture), "options": self._options.to_json()}
        seconds = self._options.page_seconds + self._pixel_seconds([capture])
        return Call("ocr.jailed:read_in_jail", arguments, seconds, {"path": path})

    def build(
        self,
        received: Path,
        probe: FileProbe,
        texts: Sequence[PageText | None],
        out: Path,
        *,
        title: str,
        made_at: datetime,
        document_id: str,
        mark_sizes: tuple[tuple[float, float], tuple[float, float]],
    ) -> Rendition:
        """Write the searchable PDF/A of a file and return its facts. Raises PdfaFailed.

        texts: one per capture, None for a page that failed. out: lies in the jail's scratch. mark_sizes: in
        points, the digitizer's and the agency's.
        """
        arguments = {
            "probe": file_probe_to_json(probe),
            "texts": [page_text_to_json(text) if text is not None else None for text in texts],
            "out": str(out.resolve()),
            "title": title,
            "made_at": made_at.isoformat(),
            "document_id": document_id,
            "mark_sizes": [list(size) for size in mark_sizes],
        }
        seconds = self._options.page_seconds + self._options.probe_seconds + self._pixel_seconds(probe.captures)
        try:
            answer = self._call(
                "ocr.jailed:build_in_jail", arguments, seconds=seconds, files={"received": received}
            )
        except ENDED as error:
            # What was ended could not clear up after itself.
            out.unlink(missing_ok=True)
            for left in out.parent.glob("build-*"):
                shutil.rmtree(left, ignore_errors=True)
            raise PdfaFailed(f"building the PDF/A was ended ({error.code}): {error}") from error
        return Rendition.from_json(answer)

    def signatures(self, received: Path) -> dict[str, Any]:
        """Return `{"signatures": [...], "problem": None or why they could not be listed}` of a PDF."""
        try:
            answer: dict[str, Any] = self._jail.call(
                "archive.pades.validate:inspect_in_jail", {}, seconds=SIGNATURES_SECONDS, files={"path": received}
            )
        except ENDED as error:
            return {"signatures": [], "problem": f"{error.code}: {error}"}
        return answer

    def close(self) -> None:
        """End the jailed processes; a later act starts them again."""
        self._jail.close()

    def _call(
        self, function: str, arguments: Mapping[str, Any], *, seconds: float, files: Mapping[str, Path]
    ) -> Any:
        settings = {**arguments, "options": self._options.to_json()}
        return self._jail.call(function, settings, seconds=seconds, files=files)

    def _pixel_seconds(self, captures: Sequence[CaptureProbe]) -> float:
        pixels = sum(capture.width_px * capture.height_px for capture in captures)
        return self._options.seconds_per_megapixel * pixels / 1e6
