"""The archive's nouns as JSON: nothing lost on the way there and back, nothing else taken for them."""

import json
import types
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

import packages
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archive.errors import PackageInvalid
from archive.package.json import (
    canonical_json,
    content_from_json,
    content_to_json,
    parse_json,
    supplement_from_json,
    supplement_to_json,
)
from archive.record import ContentPackage, SupplementPackage
from archive.sealing import Seal

WHOLE = st.integers(-(2**53) + 1, 2**53 - 1)
REAL = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(max_size=6)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=7)), timezone(timedelta(hours=-3, minutes=-30))])
JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | REAL | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: WHOLE,
    float: REAL,
    bool: st.booleans(),
    date: st.dates(),
    datetime: st.timedeltas(timedelta(0), timedelta(2_000_000)).flatmap(
        lambda since: ZONES.map(lambda zone: datetime(1900, 1, 2, tzinfo=zone) + since)
    ),
    Any: JSON,
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return every value a field of this type may have."""
    if isinstance(kind, NewType):
        return values(kind.__supertype__)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of(*(st.none() if one is types.NoneType else values(one) for one in arguments))
    if origin is dict:
        return st.dictionaries(TEXT, values(arguments[1]), max_size=2)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*(values(one) for one in arguments))
    if is_dataclass(kind):
        return st.builds(kind, **{name: values(hint) for name, hint in get_type_hints(kind).items()})
    return SCALARS[kind]


slow = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@slow
@given(content=values(ContentPackage))
def test_a_content_package_comes_back_from_its_json(content: ContentPackage) -> None:
    written = content_to_json(content)
    assert content_from_json(json.loads(json.dumps(written))) == content
    assert content_from_json(parse_json(canonical_json(written))) == content


@slow
@given(supplement=values(SupplementPackage))
def test_a_supplement_comes_back_from_its_json(supplement: SupplementPackage) -> None:
    written = supplement_to_json(supplement)
    assert supplement_from_json(json.loads(json.dumps(written))) == supplement
    assert supplement_from_json(parse_json(canonical_json(written))) == supplement


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> ContentPackage:
    folder = tmp_path_factory.mktemp("given")
    return packages.record_package(Seal.create(folder / "keys" / "sealing.json"), folder).content


def test_the_json_is_the_same_for_the_same_instant_in_another_zone(content: ContentPackage) -> None:
    local = replace(content, created_at=content.created_at.astimezone(timezone(timedelta(hours=7))))
    assert content_to_json(local) == content_to_json(content)
    assert content_to_json(content)["created_at"] == "2026-11-24T03:04:05.000000Z"


def test_an_instant_without_a_zone_is_refused(content: ContentPackage) -> None:
    with pytest.raises(ValueError, match="zone"):
        content_to_json(replace(content, created_at=datetime(2026, 1, 1)))  # noqa: DTZ001 - the fault looked for


def test_every_field_is_written_even_where_nothing_is_known(content: ContentPackage) -> None:
    written = content_to_json(content)
    assert list(written) == [f.name for f in fields(ContentPackage)]
    assert written["description"]["valid_until"] is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("package_number", "1"),
        ("package_number", True),
        ("package_number", 1.5),
        ("created_at", "2026-11-24T03:04:05"),
        ("created_at", "yesterday"),
        ("created_at", 5),
        ("status", "OLD"),
        ("status", ["NEW"]),
        ("parts", {}),
        ("parts", ["part"]),
        ("custodian", {"id": "x", "name": "y", "codes": {"QD20": 7}}),
        ("custodian", {"id": "x", "name": "y", "codes": {}, "more": 1}),
        ("custodian", {"id": "x", "name": "y"}),
        ("derivation", []),
        ("objid", None),
    ],
)
def test_a_value_of_another_shape_is_refused(content: ContentPackage, name: str, value: Any) -> None:
    with pytest.raises(PackageInvalid):
        content_from_json({**content_to_json(content), name: value})


def test_a_missing_or_unknown_field_is_refused(content: ContentPackage) -> None:
    written = content_to_json(content)
    with pytest.raises(PackageInvalid):
        content_from_json({**written, "colour": "red"})
    with pytest.raises(PackageInvalid):
        content_from_json({name: value for name, value in written.items() if name != "review"})


@pytest.mark.parametrize(
    "data", [b"", b'{"a":NaN}', b"[]", b"\xff", b"{", b"[" * 100_000, b'{"a":' * 100_000, b"9" * 10_000]
)
def test_bytes_that_are_no_json_object_are_refused(data: bytes) -> None:
    with pytest.raises(PackageInvalid):
        parse_json(data)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800"])
def test_what_has_no_canonical_json_is_refused(value: Any) -> None:
    with pytest.raises(PackageInvalid):
        canonical_json({"value": value})


def test_a_frozen_content_is_the_same_after_a_stay_in_a_file(content: ContentPackage, tmp_path: Path) -> None:
    path = tmp_path / "frozen.json"
    path.write_text(json.dumps(content_to_json(content)), encoding="utf-8")
    assert content_from_json(json.loads(path.read_text(encoding="utf-8"))) == content
