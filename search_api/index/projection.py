"""What the catalogue and a record's package say of it, gathered and made into what the index holds.

Names of holders are sealed in the catalogue and never come here; who holds a record comes as party ids.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from archive.access.policy import CONDITIONAL_MODE, KEPT, OPEN_MODE, UNACCEPTED
from archive.access.subjects import HOLDER_ROLES
from archive.package.read import Package, open_package
from archive.record import ContentPackage, PartyId, RecordId
from archive.reservations import UNFILED
from archive.sealing import Seal
from archive.stores.port import ObjectStore
from archive.tables.holdings import archival_file, dossier_code, record, record_dossier, record_party
from archive.tables.packages import package
from archive.tables.units import code
from archive.texts import pages_in_force
from ocr.alto import from_alto
from search_api.index.document import NOWHERE, indexed_field, indexed_page
from search_api.index.port import IndexedPage, RecordDocument
from search_api.index.query import FieldName

UNREAD = ""  # package digest of a document whose texts could not be read: no package has it
_READABLE = KEPT | UNACCEPTED


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """One record as the catalogue has it, in one view: its row, its file's, its current content package's.

    text: the text supplement in force for that package; None: its own texts. labels: of its document type, in
    every language.
    """

    record: Row[Any]
    content: Row[Any]
    text: Row[Any] | None
    holders: frozenset[PartyId]
    dossiers: tuple[str, ...]
    labels: tuple[str, ...]


def gather(connection: Connection, ids: Sequence[RecordId]) -> dict[RecordId, RecordFacts]:
    """Return the facts of those records that anybody may find; the others are gone for the index."""
    rows = connection.execute(
        select(
            record,
            archival_file.c.code.label("file_code"),
            archival_file.c.title.label("file_title"),
        )
        .join(archival_file, archival_file.c.id == record.c.archival_file_id)
        .where(
            record.c.id.in_(ids),
            record.c.state.in_(_READABLE),
            record.c.access_mode.in_((OPEN_MODE, CONDITIONAL_MODE)),
        )
    ).all()
    packages = _packages(connection, ids)
    holders = _pairs(
        connection,
        select(record_party.c.record_id, record_party.c.party_id).where(
            record_party.c.record_id.in_(ids), record_party.c.role.in_(HOLDER_ROLES)
        ),
    )
    dossiers = _pairs(
        connection,
        select(record_dossier.c.record_id, dossier_code.c.value)
        .join(dossier_code, dossier_code.c.dossier_id == record_dossier.c.dossier_id)
        .where(record_dossier.c.record_id.in_(ids)),
    )
    labels = _labels(connection)
    gathered = {}
    for row in rows:
        content, text = packages.get(row.id, (None, None))
        if content is not None:
            gathered[RecordId(row.id)] = RecordFacts(
                record=row,
                content=content,
                text=text,
                holders=frozenset(PartyId(party) for party in holders.get(row.id, ())),
                dossiers=tuple(sorted(dossiers.get(row.id, ()))),
                labels=labels.get(row.document_type, ()),
            )
    return gathered


def document_of(facts: RecordFacts, store: ObjectStore, seal: Seal) -> RecordDocument:
    """Read the record's texts and return it for the index. Raises what the store and the package reader raise,
    and ValueError for a text that is not ours."""
    with ExitStack() as stack:
        opened = _opened(stack, store, facts.content)
        again = _opened(stack, store, facts.text) if facts.text is not None else None
        content = opened.content()
        words = {
            page.number: [
                (word.text, (word.box.x, word.box.y, word.box.width, word.box.height))
                for word in from_alto((again or opened).read(page.text_member)).words
            ]
            for page in pages_in_force(opened, again)
            if page.text_member is not None
        }
    pages = [indexed_page(number, told, seal) for number, told in sorted(words.items())]
    return _document(facts, content, pages, seal, package_sha256=(facts.text or facts.content).sha256)


def _opened(stack: ExitStack, store: ObjectStore, row: Row[Any]) -> Package:
    return stack.enter_context(open_package(stack.enter_context(store.read(row.object_key, row.version_id))))


def fields_only(facts: RecordFacts, seal: Seal) -> RecordDocument:
    """Return a record whose package can't be read: what the catalogue says of it, and no pages."""
    return _document(facts, None, (), seal, package_sha256=UNREAD)


def _document(
    facts: RecordFacts,
    content: ContentPackage | None,
    pages: Iterable[IndexedPage],
    seal: Seal,
    *,
    package_sha256: str,
) -> RecordDocument:
    row = facts.record
    described = list(_described(facts, content))
    words = [(word, NOWHERE) for _, text in described for word in text.split()]
    fields = [indexed_field(name, text, seal) for name, text in described if name is not None]
    if row.issued_on is not None:
        fields.append(indexed_field("year", str(row.issued_on.year), seal))
    if row.document_type is not None:
        fields.append(indexed_field("type", row.document_type, seal))
    return RecordDocument(
        record_id=RecordId(row.id),
        state=row.state,
        units=frozenset((row.custodian_unit_id, row.managing_unit_id)),
        mode=row.access_mode,
        holders=facts.holders,
        package_number=facts.content.number,
        package_sha256=package_sha256,
        archive_number=row.archive_number,
        document_type=row.document_type,
        issued_year=row.issued_on.year if row.issued_on else None,
        pages=(indexed_page(0, words, seal), *pages),
        fields=tuple(one for one in fields if one is not None),
    )


def _described(facts: RecordFacts, content: ContentPackage | None) -> Iterator[tuple[FieldName | None, str]]:
    """Yield what is said of a record in words, with the field it answers to, if any; each text once."""
    row = facts.record
    found: list[tuple[FieldName | None, str | None]] = [("type", label) for label in facts.labels]
    found += [("number", one) for one in _codes(row.code_number, row.code_notation, row.issued_on)]
    found += [(None, row.subject), ("body", row.issuing_body)]
    found += [(None, row.signer_position), (None, row.signer_name), ("archive", row.archive_number)]
    found += [("dossier", one) for one in facts.dossiers]
    if content is not None:
        found.append(("dossier", content.description.dossier_code))
    if row.file_code != UNFILED:
        found.append(("dossier", row.file_code))
    found += [(None, row.file_title), (None, row.original_book), (None, row.original_number), (None, row.note)]
    told = set()
    for name, text in found:
        if text and (name, text) not in told:
            told.add((name, text))
            yield name, text


def _codes(number: str | None, notation: str | None, issued_on: date | None) -> Iterator[str]:
    """Yield a code in the ways it is written: `96/2016/NĐ-CP`, `96/NĐ-CP`."""
    if number and notation:
        if issued_on is not None:
            yield f"{number}/{issued_on.year}/{notation}"
        yield f"{number}/{notation}"
    elif number or notation:
        yield number or notation or ""


def _packages(connection: Connection, ids: Sequence[RecordId]) -> dict[str, tuple[Row[Any], Row[Any] | None]]:
    """Return each record's newest content package and the text supplement in force for it."""
    current: dict[str, Row[Any]] = {}
    texts: dict[tuple[str, int], Row[Any]] = {}
    for row in connection.execute(
        select(package)
        .where(package.c.record_id.in_(ids), package.c.state == "deposited")
        .order_by(package.c.record_id, package.c.number)
    ):
        if row.kind == "content":
            current[row.record_id] = row
        elif row.about == "text":
            texts[row.record_id, row.number] = row
    return {record_id: (row, texts.get((record_id, row.text_number))) for record_id, row in current.items()}


def _pairs(connection: Connection, statement: Any) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for record_id, value in connection.execute(statement):
        found.setdefault(record_id, set()).add(value)
    return found


def _labels(connection: Connection) -> dict[str, tuple[str, ...]]:
    """Return the labels document types have and had: an old paper is found under either."""
    found: dict[str, list[str]] = {}
    for value, vi, en in connection.execute(
        select(code.c.value, code.c.label_vi, code.c.label_en)
        .where(code.c.system == "document-type")
        .order_by(code.c.value, code.c.valid_from)
    ):
        found.setdefault(value, []).extend(label for label in (vi, en) if label)
    return {value: tuple(dict.fromkeys(labels)) for value, labels in found.items()}
