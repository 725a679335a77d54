"""The nouns of the archive as JSON and back, nothing lost: for the work item, and for a package's catalogue.

A date is `YYYY-MM-DD`, an instant RFC 3339 in UTC with microseconds, a tuple a list, a class an object with
all of its fields by name, None included. What is read must have these fields, no other, and these types.
"""

import json
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any, Literal, NewType, TypeVar, Union, cast, get_args, get_origin, get_type_hints

import rfc8785

from archive.errors import PackageInvalid
from archive.record import ContentPackage, SupplementPackage

T = TypeVar("T")
_FLOATS_FROM = 2**53


def content_to_json(content: ContentPackage) -> dict[str, Any]:
    """Return a content package as a JSON object. Raises ValueError if an instant names no zone."""
    return cast("dict[str, Any]", _plain(content))


def content_from_json(found: Mapping[str, Any]) -> ContentPackage:
    """Return the content package a JSON object describes. Raises PackageInvalid."""
    return _read(ContentPackage, found)


def supplement_to_json(supplement: SupplementPackage) -> dict[str, Any]:
    """Return a supplement as a JSON object. Raises ValueError if an instant names no zone."""
    return cast("dict[str, Any]", _plain(supplement))


def supplement_from_json(found: Mapping[str, Any]) -> SupplementPackage:
    """Return the supplement a JSON object describes. Raises PackageInvalid."""
    return _read(SupplementPackage, found)


def canonical_json(document: Mapping[str, Any]) -> bytes:
    """Return RFC 8785 bytes. Raises PackageInvalid for what has none: NaN, 2^53 and more, half a character."""
    try:
        return rfc8785.dumps(dict(document))
    except (rfc8785.CanonicalizationError, UnicodeEncodeError) as error:
        raise PackageInvalid(f"the catalogue has no canonical JSON: {error}") from error


def parse_json(data: bytes) -> dict[str, Any]:
    """Return the JSON object in UTF-8 bytes. Raises PackageInvalid."""
    try:
        document = json.loads(data.decode(), parse_int=_number, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise PackageInvalid(f"the catalogue is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise PackageInvalid("the catalogue is not a JSON object")
    return document


def _number(text: str) -> int | float:
    """Return an integer as RFC 8785 means it: past 2^53 it is a float that happens to be whole."""
    number = float(text)
    return int(text) if abs(number) < _FLOATS_FROM else number


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("an instant without a zone")
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def _read(kind: type[T], found: Mapping[str, Any]) -> T:
    try:
        return cast("T", _typed(kind, found, kind.__name__))
    except RecursionError as error:
        raise PackageInvalid("the catalogue is nested too deeply") from error


@cache
def _hints(kind: type[Any]) -> dict[str, Any]:
    return get_type_hints(kind)


def _typed(kind: Any, found: Any, where: str) -> Any:
    """Return a JSON value as the type a field is declared with; where: the field's path, for people."""
    while isinstance(kind, NewType):
        kind = kind.__supertype__
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return found
    if origin in (Union, types.UnionType):
        (inner,) = (one for one in arguments if one is not types.NoneType)
        return None if found is None else _typed(inner, found, where)
    if origin is Literal:
        if found not in arguments:
            raise PackageInvalid(f"{where}: unknown value {str(found)[:80]!r}")
        return found
    if origin is tuple:
        return _typed_tuple(arguments, found, where)
    if origin is dict:
        _expect(isinstance(found, Mapping), where)
        return {name: _typed(arguments[1], one, where) for name, one in found.items()}
    if is_dataclass(kind):
        return _typed_object(kind, found, where)
    return _typed_scalar(kind, found, where)


def _typed_tuple(arguments: tuple[Any, ...], found: Any, where: str) -> tuple[Any, ...]:
    _expect(isinstance(found, list), where)
    if arguments[-1] is Ellipsis:
        return tuple(_typed(arguments[0], one, where) for one in found)
    _expect(len(found) == len(arguments), where)
    return tuple(_typed(kind, one, where) for kind, one in zip(arguments, found, strict=True))


def _typed_object(kind: Any, found: Any, where: str) -> Any:
    hints = _hints(kind)
    _expect(isinstance(found, Mapping) and found.keys() == hints.keys(), where)
    return kind(**{name: _typed(hint, found[name], f"{where}.{name}") for name, hint in hints.items()})


def _typed_scalar(kind: Any, found: Any, where: str) -> Any:
    if kind in (date, datetime):
        _expect(isinstance(found, str), where)
        return _instant(found, where) if kind is datetime else _day(found, where)
    if kind is float:
        _expect(isinstance(found, int | float) and not isinstance(found, bool), where)
        return float(found)
    _expect(type(found) is kind, where)
    return found


def _instant(text: str, where: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise PackageInvalid(f"{where}: not an instant") from error
    _expect(at.tzinfo is not None, where)
    return at


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise PackageInvalid(f"{where}: not a date") from error


def _expect(holds: bool, where: str) -> None:
    if not holds:
        raise PackageInvalid(f"{where}: fields or types are not those of this format")
