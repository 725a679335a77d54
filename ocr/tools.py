"""Programs and data of others that reading needs: where they are and which version was found."""

import os
import shutil
from importlib.metadata import version
from pathlib import Path

from ocr.errors import UnknownEngine

# The packages whose version changes what is read or built.
READING_PACKAGES = (
    "tesserocr",
    "pytesseract",
    "opencv-python-headless",
    "numpy",
    "pikepdf",
    "pillow",
    "pypdfium2",
    "ocrmypdf",
    "fonttools",
)


def find_program(name: str) -> Path | None:
    """Return where a program is, or None."""
    found = shutil.which(name)
    return Path(found) if found else None


def tessdata_folder(*languages: str) -> Path:
    """Return the folder that holds the models of all these languages.

    TESSDATA_PREFIX decides when it is set; otherwise Debian's folder, newest version first.
    Raises UnknownEngine naming what is missing.
    """
    places = [Path(prefix) for prefix in (os.environ.get("TESSDATA_PREFIX"),) if prefix]
    if not places:
        places = sorted(Path("/usr/share/tesseract-ocr").glob("*/tessdata"), reverse=True)
        places += [Path("/usr/share/tessdata"), Path("/usr/local/share/tessdata")]
    for place in places:
        if all((place / f"{language}.traineddata").is_file() for language in languages):
            return place
    raise UnknownEngine(
        f"no Tesseract model for {' and '.join(languages)} in {', '.join(map(str, places))}; "
        f"install the language data (Debian: tesseract-ocr-{languages[0]}) or set TESSDATA_PREFIX"
    )


def versions() -> dict[str, str]:
    """Return the versions of the packages that read and build pages, for derivation records."""
    return {name: version(name) for name in READING_PACKAGES}
