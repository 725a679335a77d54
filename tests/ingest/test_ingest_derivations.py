"""What a derivation was made with is taken as it is written down, or said to be unknown here."""

from typing import Any

import pytest

from archive.package.json import canonical_json, parse_json
from ingest.derivations import options_of
from ocr.options import ReadingOptions


def test_options_come_back_from_a_package_as_they_were() -> None:
    made = ReadingOptions(raster_dpi=150.0, turn_below=0.65, page_limit=7)
    found, unknown = options_of(parse_json(canonical_json(made.to_json())))
    assert (found, unknown) == (made, ())
    assert repr(found) == repr(made)  # 150 and 150.0 are equal, and make two texts


def test_without_options_written_down_those_in_use_are_taken() -> None:
    assert options_of(None) == (ReadingOptions(), ())


@pytest.mark.parametrize("change", [{"unheard_of": 1}, {"raster_dpi": "coarse"}, {"raster_dpi": None}])
def test_options_unknown_here_are_named_as_the_reason(change: dict[str, Any]) -> None:
    found, unknown = options_of({**ReadingOptions().to_json(), **change})
    assert found == ReadingOptions()
    (name,) = change
    assert [one.split(":")[0] for one in unknown] == [f"options.{name}"]


def test_what_is_no_options_at_all_is_said_too() -> None:
    assert options_of([1])[1][0].startswith("options: [1], ")
