"""Reads pages with the Tesseract program, one process per page (pytesseract)."""

import re
from typing import Any

import pytesseract
from PIL import Image

from ocr.engines.models import model_digests
from ocr.engines.port import PreparedPage, RawReading
from ocr.engines.tsv import reading_of_table
from ocr.errors import PageUndecodable, UnknownEngine
from ocr.tools import find_program, tessdata_folder

PARAMETERS = "--oem 1 -c invert_threshold=0"
SEGMENTATION = {"page": 3, "block": 6}


class PytesseractEngine:
    """The installed `tesseract` program; slower than the library, and can be replaced without a rebuild.

    The program must be run with OMP_THREAD_LIMIT=1, which `ocr.engines.open` and the jail set.
    """

    def __init__(self, language: str = "vie") -> None:
        if find_program("tesseract") is None:
            raise UnknownEngine("the tesseract program is not installed")
        self._language = language
        self._folder = tessdata_folder(*language.split("+"))

    def describe(self) -> dict[str, Any]:
        """Return the engine, its program's version, model digests and parameters."""
        return {
            "engine": "tesseract",
            "version": str(pytesseract.get_tesseract_version()),
            "adapter": f"pytesseract {pytesseract.__version__}",
            "models": model_digests(self._folder, *self._language.split("+"), "osd"),
            "parameters": {"language": self._language, "arguments": PARAMETERS, "psm": SEGMENTATION},
        }

    def read(self, page: PreparedPage) -> RawReading:
        """Return the words of a page. Raises PageUndecodable when the program fails."""
        try:
            table = pytesseract.image_to_data(
                Image.fromarray(page.image), lang=self._language, config=self._config(page)
            )
        except (pytesseract.TesseractError, RuntimeError) as error:
            raise PageUndecodable(f"Tesseract could not read the page: {error}") from error
        return reading_of_table(table)

    def orientation(self, page: PreparedPage) -> tuple[int, float]:
        """Return (clockwise quarter turns to upright, confidence); (0, 0.0) when there is too little text."""
        config = f"--psm 0 --tessdata-dir {tessdata_folder('osd')} --dpi {round(page.dpi)}"
        try:
            said = pytesseract.image_to_osd(Image.fromarray(page.image), config=config)
        except (pytesseract.TesseractError, RuntimeError):
            return 0, 0.0  # it ends with an error when there are too few characters
        turned = re.search(r"Orientation in degrees: (\d+)", said)
        sure = re.search(r"Orientation confidence: ([\d.]+)", said)
        if turned is None or sure is None:
            return 0, 0.0
        return (4 - round(int(turned[1]) / 90)) % 4, min(1.0, float(sure[1]) / 15)

    def close(self) -> None:
        """Hold nothing between pages."""

    def _config(self, page: PreparedPage) -> str:
        return (
            f"{PARAMETERS} --psm {SEGMENTATION[page.layout]} --tessdata-dir {self._folder} --dpi {round(page.dpi)}"
        )
