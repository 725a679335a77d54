"""Renditions of pages with text of their own before a stranger: veraPDF."""

from pathlib import Path

import pytest
import scans
import typed

from console.samples.write import make_sample
from judges.verapdf import verapdf
from ocr.engines.open import open_engine
from ocr.options import ReadingOptions

OPTIONS = ReadingOptions()


def received_files(folder: Path) -> dict[str, Path]:
    """Files whose pages come into the rendition in every way: kept, kept with words beside, turned, drawn."""
    found = {
        name: typed.typed(folder / f"{name}.pdf")
        for name in ("kept", "beside", "turned", "misnamed", "unnamed", "hidden")
    }
    picture = scans.page(("Phụ lục kèm theo giấy phép",), size=(990, 250))
    typed.altered(found["beside"], typed.with_picture(picture, (60.0, 400.0, 475.0, 120.0)))
    typed.altered(found["turned"], typed.turned(1, 90))
    typed.altered(found["misnamed"], typed.named(typed.tcvn3))
    typed.altered(found["unnamed"], typed.unnamed)
    typed.altered(found["hidden"], typed.with_content("BT /F1 12 Tf 3 Tr 60 300 Td <00010002> Tj ET"))
    found["typeset"] = folder / "typeset.pdf"
    found["typeset"].write_bytes(make_sample(0, 7).printed.pdf)
    return found


@pytest.fixture(scope="module")
def renditions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The rendition of each file, by its name."""
    folder = tmp_path_factory.mktemp("native")
    engine = open_engine("tesseract:?lang=vie")
    files = received_files(folder)
    made = {}
    for name, path in files.items():
        made[name] = folder / f"{name}-out.pdf"
        typed.built(path, made[name], engine)
    engine.close()
    return made


def test_each_is_a_valid_pdfa(renditions: dict[str, Path]) -> None:
    found = verapdf(list(renditions.values()))
    assert {path.name: broken for path, broken in found.items() if broken} == {}
