"""Reads pages with Tesseract's library, its models loaded once per process (tesserocr)."""

from typing import Any

import numpy as np
import tesserocr

from ocr.engines.models import model_digests
from ocr.engines.port import PreparedPage, RawReading
from ocr.engines.tsv import reading_of_table
from ocr.errors import PageUndecodable, UnknownEngine
from ocr.tools import tessdata_folder

# Tesseract re-reads doubtful lines inverted unless this is 0: 5 % of the time for no better text.
PARAMETERS = {"invert_threshold": "0"}
# A single word cut out of a page is taken for dirt by automatic segmentation.
SEGMENTATION = {"page": tesserocr.PSM.AUTO, "block": tesserocr.PSM.SINGLE_BLOCK}


class TesseractEngine:
    """LSTM recognition of one language, automatic page segmentation.

    Made before a fork it is shared by the children; each must not be used by two threads.
    """

    def __init__(self, language: str = "vie") -> None:
        self._language = language
        self._folder = tessdata_folder(*language.split("+"))
        try:
            self._reader = tesserocr.PyTessBaseAPI(
                path=str(self._folder),
                lang=language,
                oem=tesserocr.OEM.LSTM_ONLY,
                psm=tesserocr.PSM.AUTO,
            )
        except RuntimeError as error:
            raise UnknownEngine(f"Tesseract cannot load its model for {language}: {error}") from error
        for name, setting in PARAMETERS.items():
            if not self._reader.SetVariable(name, setting):
                raise UnknownEngine(f"this Tesseract does not know its setting {name}")
        self._turner: Any = None

    def describe(self) -> dict[str, Any]:
        """Return the engine, its library's version, model digests and parameters."""
        return {
            "engine": "tesseract",
            "version": tesserocr.tesseract_version().splitlines()[0].removeprefix("tesseract").strip(),
            "adapter": f"tesserocr {tesserocr.__version__}",
            "models": model_digests(self._folder, *self._language.split("+"), "osd"),
            "parameters": {"language": self._language, "oem": "lstm", "psm": dict(SEGMENTATION), **PARAMETERS},
        }

    def read(self, page: PreparedPage) -> RawReading:
        """Return the words of a page. Raises PageUndecodable when Tesseract refuses the image."""
        self._reader.SetPageSegMode(SEGMENTATION[page.layout])
        _show(self._reader, page)
        try:
            return reading_of_table(self._reader.GetTSVText(0))
        except RuntimeError as error:
            raise PageUndecodable(f"Tesseract could not read the page: {error}") from error
        finally:
            self._reader.Clear()

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        """Return (clockwise quarter turns to upright, confidence); (0, 0.0) when there is too little text."""
        if self._turner is None:
            # Loaded when first needed: 30 MB that most processes never use.
            self._turner = tesserocr.PyTessBaseAPI(
                path=str(tessdata_folder("osd")), lang="osd", psm=tesserocr.PSM.OSD_ONLY
            )
        _show(self._turner, page)
        found = self._turner.DetectOrientationScript()
        self._turner.Clear()
        if not found:
            return 0, 0.0
        # orient_deg: how far clockwise the page lies turned. orient_conf is a log ratio; 15 is certain.
        turns = (4 - round(found["orient_deg"] / 90)) % 4
        return turns, min(1.0, max(0.0, found["orient_conf"] / 15))

    def close(self) -> None:
        """Free the models."""
        self._reader.End()
        if self._turner is not None:
            self._turner.End()
            self._turner = None


def _show(reader: Any, page: PreparedPage) -> None:
    image = np.ascontiguousarray(page.image)
    height, width = image.shape
    reader.SetImageBytes(image.tobytes(), width, height, 1, width)
    reader.SetSourceResolution(round(page.dpi))
