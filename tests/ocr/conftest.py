"""The warm engine and the warm reader of these rooms, made once per run."""

from collections.abc import Iterator
from pathlib import Path

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
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder the reader's jail may write."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="session")
def jail(scratch: Path) -> Iterator[Jail]:
    """The reader's jail."""
    with Jail(scratch) as made:
        yield made


@pytest.fixture(scope="session")
def reader(jail: Jail) -> Reader:
    """A reader in its jail, as a worker has it."""
    return Reader(jail, "tesseract:?lang=vie", ReadingOptions())
