"""The warm engine and the warm reader of these rooms, made once per run."""

from collections.abc import Iterator

import pytest

from ocr.engines.open import open_engine
from ocr.engines.port import OcrEngine
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.reader import Reader


@pytest.fixture(scope="session")
def tesseract() -> Iterator[OcrEngine]:
    """Tesseract with its Vietnamese model, in this process."""
    opened = open_engine("tesseract:?lang=vie")
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """A reader in its jail, as a worker has it."""
    made = Reader(Jail(tmp_path_factory.mktemp("scratch")), "tesseract:?lang=vie", ReadingOptions())
    yield made
    made.close()
