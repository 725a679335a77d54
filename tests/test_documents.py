"""The documents keep up with the code: every error, setting and import contract."""

import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import pytest

from archive.errors import ArchiveError
from ingest.errors import IngestError
from ingest.reasons import known_reasons
from ocr.errors import InputRejected, PageFailed, ReadingError
from retention.errors import RetentionError
from search_api.errors import SearchApiError

ROOT = Path(__file__).parents[1]
PACKAGES = ("archive", "console", "ingest", "ocr", "retention", "search_api")
ROOTS = (ArchiveError, IngestError, ReadingError, RetentionError, SearchApiError)


def _all_modules() -> None:
    for name in PACKAGES:
        package = import_module(name)
        for module in walk_packages(package.__path__, f"{name}."):
            if not re.search(r"migrations|zygote|jail\.__main__", module.name):
                import_module(module.name)


def _tree(root: type[Exception]) -> set[type[Exception]]:
    return {root}.union(*(_tree(child) for child in root.__subclasses__()))


def _errors() -> set[type[Exception]]:
    _all_modules()
    return set().union(*(_tree(root) for root in ROOTS))


def test_every_error_has_a_slug_of_its_own() -> None:
    slugs = [error.code for error in _errors()]  # type: ignore[attr-defined]  # all roots have it
    assert sorted(slugs) == sorted(set(slugs))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug) for slug in slugs)


def test_every_error_is_documented_and_nothing_else() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", (ROOT / "docs/errors.md").read_text(), re.MULTILINE)
    documented = {slug for row in rows for slug in re.findall(r"`([a-z0-9-]+)`", row)}
    slugs = {error.code for error in _errors()}  # type: ignore[attr-defined]  # all roots have it
    assert documented == slugs | known_reasons()


@pytest.mark.parametrize("root", [InputRejected, PageFailed])
def test_whatever_can_end_an_item_or_a_page_has_its_sentence(root: type[Exception]) -> None:
    slugs = {error.code for error in _tree(root)}  # type: ignore[attr-defined]  # both have it
    assert slugs <= known_reasons()


def test_every_setting_is_documented_and_nothing_else() -> None:
    documented = set(re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    sources = (ROOT / "console").rglob("*.py")
    read = {name for source in sources for name in re.findall(r'"([A-Z]+_[A-Z_]+)"', source.read_text())}
    assert documented == read - {"SOHOA_FAILPOINT", "SOHOA_DRILL"}


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_files_and_functions_the_documents_name_are_there() -> None:
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for document in documents:
        for named in re.findall(
            r"`((?:docs|archive|ocr|ingest|console|retention|search_api|tests)/[\w./-]+)`", document.read_text()
        ):
            module, _, name = named.rpartition(".")
            found = (ROOT / named).exists() or f"def {name}(" in _text(ROOT / f"{module}.py")
            assert found, f"{document.name} names {named}"


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""
