"""Does the derivation that is written down give the same text again? A reading is run anew and its hash compared.

What reads now is compared with what is written down: another engine, another model or other parameters make
another text, so such a run proves nothing either way. It is said to be unchecked, and why.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from archive.database import reading
from archive.digest import sha256_of_bytes
from archive.errors import NotFound
from archive.fixity.reading import Wanted, opened_good
from archive.package.page_texts import reading_of, text_hash
from archive.package.read import open_package
from archive.record import RecordId
from archive.texts import own_text_hash, text_rows
from ingest.provenance import engines_of, tools_of
from ingest.rereader import OpenedRecord, Rereader, opened_record, read_pages
from ocr.options import ReadingOptions

# What may make another text without the engine being another.
_TOOLS = ("program", "python", "libraries", "options")


@dataclass(frozen=True, slots=True)
class Rerun:
    """What running a derivation again came to.

    reproduced: None where it could not be told, for what reads now is not what is written down. differs: what of
    it, `name: then, now` each. pages: those whose text is another.
    """

    number: int
    reproduced: bool | None
    expected_sha256: str
    found_sha256: str
    differs: tuple[str, ...]
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Recorded:
    """A reading as it is written down. documents: SHA-256 by page; kept: pages that failed when it was made."""

    derivation: Mapping[str, Any]
    text_sha256: str
    documents: dict[int, str]
    kept: frozenset[int]


def run_again(desk: Rereader, record_id: RecordId, number: int, *, purpose: str) -> Rerun:
    """Run the derivation of one reading again, with its own options and the engine at hand, and compare.

    number: the package its text lies in: a text supplement, or the content package itself. Nothing is deposited.
    Raises NotFound for what is no reading of the current content package, and what `read_again` raises.
    """
    with opened_record(desk, record_id, purpose=purpose) as opened:
        recorded = _recorded(desk, opened, number)
        options, unknown = options_of(recorded.derivation.get("options"))
        with closing(desk.open_reader(options)) as reader:
            pages = read_pages(desk, reader, opened)
            tools = tools_of(reader)
    found = dict(recorded.documents)
    for page in pages:
        body = page.document
        if body is not None:
            found[page.facts.number] = sha256_of_bytes(body)
        elif page.facts.number not in recorded.kept:
            found.pop(page.facts.number, None)
    found_sha256 = text_hash(found.items())
    engines = _named("engine", recorded.derivation.get("engines", ()), engines_of(page.reading for page in pages))
    others = _others(recorded.derivation, tools, without_options=bool(unknown))
    reproduced: bool | None = found_sha256 == recorded.text_sha256
    if engines or unknown or (others and not reproduced):
        reproduced = None
    return Rerun(
        number=number,
        reproduced=reproduced,
        expected_sha256=recorded.text_sha256,
        found_sha256=found_sha256,
        differs=(*engines, *unknown, *others),
        pages=tuple(n for n in sorted(recorded.documents | found) if recorded.documents.get(n) != found.get(n)),
    )


def _recorded(desk: Rereader, opened: OpenedRecord, number: int) -> _Recorded:
    if number == opened.row.number:
        documents = {
            one.number: opened.package.listed_sha256(one.text_member)
            for one in opened.content.pages
            if one.text_member is not None
        }
        failed = frozenset(one.number for one in opened.content.pages if one.text_member is None)
        return _Recorded(opened.content.derivation, own_text_hash(opened.package), documents, failed)
    with reading(desk.engine) as connection:
        rows = {row.number: row for row in text_rows(connection, opened.row)}
    if number not in rows:
        raise NotFound("reading of record", f"{opened.record_id} {number}")
    row = rows[number]
    wanted = Wanted(row.object_key, row.version_id, row.sha256, desk.principal, desk.now())
    with opened_good(desk.engine, desk.store, wanted) as stream, open_package(stream) as found:
        read = reading_of(found.supplement())
    documents = {one.page: one.sha256 for one in read.pages if one.sha256 is not None}
    return _Recorded(
        read.derivation,
        read.text_sha256,
        documents,
        frozenset(one.page for one in read.pages if one.engine is None),
    )


def _others(recorded: Mapping[str, Any], tools: Mapping[str, Any], *, without_options: bool) -> list[str]:
    """Return what else differs: it counts only if the text is another.

    Of libraries those that read: a content package names others, too. Options: one that there was none of then.
    """
    then = {name: recorded.get(name) for name in _TOOLS if not (without_options and name == "options")}
    if isinstance(then["libraries"], Mapping):
        read = tools["libraries"]
        then["libraries"] = {one: version for one, version in then["libraries"].items() if one in read}
    return [one for name, said in then.items() for one in _named(name, said, tools[name])]


def options_of(recorded: Any) -> tuple[ReadingOptions, tuple[str, ...]]:
    """Return the options written down, as `options` of a derivation, or those in use and why it can't be those."""
    if recorded is None:
        return ReadingOptions(), ()
    kinds = {name: type(value) for name, value in ReadingOptions().to_json().items()}
    try:
        # A package's JSON writes 200.0 as 200, and an ALTO document would say so too.
        return ReadingOptions.from_json({name: kinds[name](value) for name, value in recorded.items()}), ()
    except (AttributeError, KeyError, TypeError, ValueError):
        return ReadingOptions(), tuple(_named("options", recorded, ReadingOptions().to_json()))


def _named(name: str, then: Any, now: Any) -> Sequence[str]:
    """Return what differs, part by part where both have parts: `engine.models.vie: then, now`."""
    if then == now:
        return ()
    if isinstance(then, list | tuple) and isinstance(now, list) and len(then) == len(now) == 1:
        return _named(name, then[0], now[0])
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        parts = sorted(then.keys() | now.keys())
        return [one for part in parts for one in _named(f"{name}.{part}", then.get(part), now.get(part))]
    return (f"{name}: {then}, {now}",)
