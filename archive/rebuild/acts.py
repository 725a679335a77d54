"""What each kind of event made of the catalogue, done again: one function a kind, in the order the log tells them.

A package's own rows are read from the package, checked against the digest in its event. One that is missing or
damaged is named as a problem; what its event says of it is restored all the same.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select, update

from archive import reservations
from archive.database import insert_new
from archive.digest import sha256_of_stream
from archive.doctor import Finding
from archive.errors import ArchiveError, DigestMismatch
from archive.fixity.repair import move_version
from archive.package.read import open_package
from archive.rebuild.columns import row_of
from archive.record import ContentPackage, SupplementPackage
from archive.rows import (
    field_rows,
    page_rows,
    part_rows,
    record_values,
    reserved_values,
    signature_rows,
    store_parties,
)
from archive.stores.port import ObjectStore
from archive.tables.copies import copy, copy_register, copy_request
from archive.tables.holdings import archival_file, effect, field_value, fonds, hold, record
from archive.tables.packages import package, page, part, signature
from archive.tables.principals import access_grant, principal
from archive.tables.schema import metadata
from archive.text_deposit import set_text


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it is done again."""

    sequence: int
    kind: str
    at: datetime
    principal: str
    payload: Mapping[str, Any]


@dataclass(slots=True)
class Vault:
    """Where packages are read from, and what was found wrong with them."""

    store: ObjectStore
    problems: list[Finding] = field(default_factory=list)

    def content(self, stored: Mapping[str, Any]) -> ContentPackage | None:
        """Return what a content package says; None, with a problem, for one that is not whole."""
        found = self._read(stored, supplement=False)
        assert not isinstance(found, SupplementPackage)
        return found

    def supplement(self, stored: Mapping[str, Any]) -> SupplementPackage | None:
        """Return what a supplement says; None, with a problem, for one that is not whole."""
        found = self._read(stored, supplement=True)
        assert not isinstance(found, ContentPackage)
        return found

    def _read(self, stored: Mapping[str, Any], *, supplement: bool) -> ContentPackage | SupplementPackage | None:
        key, version = str(stored["key"]), str(stored["version"])
        try:
            return self._opened(key, version, stored, supplement=supplement)
        except ArchiveError as error:
            try:
                # A damaged version in a bucket has its restored one above it: the digest says whether it is right.
                above = self.store.head(key).version_id
                if above != version:
                    return self._opened(key, above, stored, supplement=supplement)
            except ArchiveError:
                pass  # what is told is what is wrong with the version of the event
            self.problems.append(Finding(error.code, key, str(error)))
            return None

    def _opened(
        self, key: str, version: str, stored: Mapping[str, Any], *, supplement: bool
    ) -> ContentPackage | SupplementPackage:
        with self.store.read(key, version) as stream:
            found, _ = sha256_of_stream(stream)
            if found != stored["sha256"]:
                raise DigestMismatch(key, stored["sha256"], found)
            stream.seek(0)
            with open_package(stream) as opened:
                return opened.supplement() if supplement else opened.content()


Act = Callable[[Connection, Vault, Told], None]


def _units(connection: Connection, _vault: Vault, told: Told) -> None:
    table: Table = metadata.tables[told.payload["table"]]
    insert_new(connection, table, [row_of(table, row) for row in told.payload["rows"]])


def _principal_added(connection: Connection, _vault: Vault, told: Told) -> None:
    """Logins and names are no part of the log: who was there first is the local one, others go by their id."""
    new = told.payload["principal"]
    login = "local" if told.principal == new else f"id-{new}"
    row = {"id": new, "kind": told.payload["kind"], "party_id": told.payload["party"], "created_at": told.at}
    insert_new(connection, principal, {**row, "login": login, "display_name": login})


def _principal_disabled(connection: Connection, _vault: Vault, told: Told) -> None:
    where = principal.c.id == told.payload["principal"]
    connection.execute(update(principal).where(where).values(disabled_at=told.at))


def _granted(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    names = {"id": p["grant"], "principal_id": p["principal"], "unit_id": p["unit"], "approved_by": told.principal}
    insert_new(connection, access_grant, row_of(access_grant, p, **names))


def _file_opened(connection: Connection, _vault: Vault, told: Told) -> None:
    insert_new(connection, archival_file, row_of(archival_file, told.payload, created_at=told.at))


def _record_reserved(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    custodian = connection.execute(
        select(fonds.c.unit_id)
        .join(archival_file, archival_file.c.fonds_code == fonds.c.code)
        .where(archival_file.c.id == p["archival_file"])
    ).scalar_one()
    values = reserved_values(p["archival_file"], p["ordinal"], p["archive_number"], custodian, told.at)
    insert_new(connection, record, {"id": p["record"], **values})
    reservations.keep_ordinal(connection, p["archival_file"], p["ordinal"])


def _voided(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    if told.kind == "record.voided":
        connection.execute(
            update(record).where(record.c.id == p["record"]).values(state="void", void_reason=p["reason"])
        )
    for one in p.get("packages", ()):
        row = row_of(package, one, record_id=p["record"], object_key=one["key"], work_item_id=one["work_item"])
        insert_new(connection, package, {**row, "state": "void", "void_reason": p["reason"]})


def _add_package(connection: Connection, told: Told, *, kind: str, about: str | None) -> None:
    p = told.payload
    row = {
        **_stored(p["object"]),
        "record_id": p["record"],
        "number": p["package"],
        "kind": kind,
        "about": about,
        "parent_sha256": p.get("parent"),
        "state": "deposited",
        "work_item_id": p["work_item"],
        "objid": p["objid"],
        "deposited_at": told.at,
        "deposit_event": told.sequence,
    }
    insert_new(connection, package, row)


def _stored(told: Mapping[str, Any]) -> dict[str, Any]:
    until = told["locked_until"]
    return {
        "object_key": told["key"],
        "version_id": told["version"],
        "sha256": told["sha256"],
        "length": told["length"],
        "locked_until": datetime.fromisoformat(until) if until else None,
    }


def _deposited(connection: Connection, vault: Vault, told: Told) -> None:
    p = told.payload
    _add_package(connection, told, kind="content", about=None)
    content = vault.content(p["object"])
    values = record_values(content) if content is not None else row_of(record, p["values"])
    connection.execute(update(record).where(record.c.id == p["record"]).values(**values))
    if content is not None:
        add_content_rows(connection, content, told.at)


def add_content_rows(connection: Connection, content: ContentPackage, at: datetime) -> None:
    """Write what a content package says beside its record's row: parties, parts, pages, signatures, values."""
    store_parties(connection, content, at)
    for table, rows in (
        (part, part_rows(content)),
        (page, page_rows(content)),
        (signature, signature_rows(content)),
        (field_value, field_rows(content, at)),
    ):
        if rows:
            connection.execute(insert(table), rows)


def _locked(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    connection.execute(
        update(package)
        .where(package.c.record_id == p["record"], package.c.number == p["package"])
        .values(locked_until=_stored(p["object"])["locked_until"])
    )


def _accepted(connection: Connection, vault: Vault, told: Told) -> None:
    p = told.payload
    _add_package(connection, told, kind="supplement", about="acceptance")
    set_accepted(connection, p["record"], p, at=_made(vault, told), by=told.principal)


def set_accepted(
    connection: Connection, record_id: str, said: Mapping[str, Any], *, at: datetime, by: str
) -> None:
    """Make a record accepted, as the body of its acceptance says."""
    accepted = {"accepted_at": at, "accepted_by": by, "acceptance_basis": said["basis"]}
    connection.execute(update(record).where(record.c.id == record_id).values(state="accepted", **accepted))


def _effect(connection: Connection, vault: Vault, told: Told) -> None:
    p = told.payload
    _add_package(connection, told, kind="supplement", about="effect")
    add_effect(connection, p["record"], p["package"], p, at=_made(vault, told), by=told.principal)


def add_effect(
    connection: Connection, record_id: str, number: int, said: Mapping[str, Any], *, at: datetime, by: str
) -> None:
    """Write an effect's row, as the body of its supplement says."""
    names = {"id": said["effect"], "record_id": record_id, "linked_record_id": said["linked_record"]}
    row = row_of(effect, said, **names, package_number=number, recorded_at=at, principal_id=by)
    insert_new(connection, effect, row)


def _text(connection: Connection, _vault: Vault, told: Told) -> None:
    _add_package(connection, told, kind="supplement", about="text")


def _text_chosen(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    set_text(connection, p["record"], p["package"], p["text"])


def _made(vault: Vault, told: Told) -> datetime:
    """Return when a supplement was made: events of an older program leave it to the package."""
    said = told.payload.get("created_at")
    if said is not None:
        return datetime.fromisoformat(said)
    found = vault.supplement(told.payload["object"])
    return found.created_at if found is not None else told.at.astimezone(UTC).replace(microsecond=0)


def _held(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    row = {"id": p["hold"], "record_id": p["record"], "basis": p["basis"]}
    insert_new(connection, hold, {**row, "placed_at": told.at, "placed_by": told.principal})


def _lifted(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    connection.execute(
        update(hold)
        .where(hold.c.id == p["hold"])
        .values(lifted_at=told.at, lifted_by=told.principal, lift_basis=p["basis"])
    )


def _book_opened(connection: Connection, _vault: Vault, told: Told) -> None:
    insert_new(connection, copy_register, row_of(copy_register, told.payload, last_number=0))


def _requested(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    insert_new(connection, copy_request, row_of(copy_request, p, id=p["request"], record_id=p["record"]))


def _decided(connection: Connection, _vault: Vault, told: Told) -> None:
    where = copy_request.c.id == told.payload["request"]
    connection.execute(update(copy_request).where(where).values(**row_of(copy_request, told.payload)))


def _reserved(connection: Connection, _vault: Vault, told: Told) -> None:
    p = told.payload
    names = {f"{name}_id": p[name] for name in ("request", "register", "record")}
    insert_new(connection, copy, row_of(copy, p, id=p["copy"], last_event=told.sequence, **names))
    connection.execute(
        update(copy_register)
        .where(copy_register.c.id == p["register"], copy_register.c.last_number < p["number"])
        .values(last_number=p["number"])
    )


_OF_THE_FILE = ("sha256", "length", "object_key", "version_id", "demo")


def _change_copy(connection: Connection, told: Told, **values: Any) -> None:
    of_file = {name: told.payload[name] for name in _OF_THE_FILE if name in told.payload}
    connection.execute(
        update(copy).where(copy.c.id == told.payload["copy"]).values(last_event=told.sequence, **of_file, **values)
    )


def _issued(connection: Connection, _vault: Vault, told: Told) -> None:
    at = datetime.fromisoformat(told.payload["issued_at"])
    _change_copy(connection, told, status="issued", issued_at=at, issued_event=told.sequence)
    where = copy_request.c.id == told.payload["request"]
    connection.execute(update(copy_request).where(where).values(state="done"))


def _ended(connection: Connection, _vault: Vault, told: Told) -> None:
    status = told.kind.removeprefix("copy.").replace("voided", "void")
    _change_copy(connection, told, status=status, reason=told.payload["reason"], ended_at=told.at)


def _restored(connection: Connection, _vault: Vault, told: Told) -> None:
    """A store that cannot replace a version has put another above it: the rows follow."""
    p = told.payload
    if p["store"] == "primary" and p["version"] != p["version_before"]:
        move_version(connection, p["key"], p["version_before"], p["version"])


def _nothing(_connection: Connection, _vault: Vault, _told: Told) -> None:
    """Change nothing: it tells of the work list or of keys, which come from a backup, or of a check."""


ACTS: Mapping[str, Act] = {
    "units.recorded": _units,
    "principal.added": _principal_added,
    "principal.disabled": _principal_disabled,
    "access.granted": _granted,
    "archival-file.opened": _file_opened,
    "record.reserved": _record_reserved,
    "record.voided": _voided,
    "package.voided": _voided,
    "record.deposited": _deposited,
    "package.locked": _locked,
    "record.acceptance": _accepted,
    "record.effect": _effect,
    "record.text": _text,
    "text.chosen": _text_chosen,
    "hold.placed": _held,
    "hold.lifted": _lifted,
    "copy-register.opened": _book_opened,
    "copy.requested": _requested,
    "copy.approved": _decided,
    "copy.refused": _decided,
    "copy.reserved": _reserved,
    "copy.issued": _issued,
    "copy.voided": _ended,
    "copy.revoked": _ended,
    "fixity.repaired": _restored,
    **dict.fromkeys(
        (
            "fixity.checked",
            "fixity.bad",
            "replica.copied",
            "locks.reconciled",
            "clock.confirmed",
            "key.made",
            "key.revoked",
            "batch.received",
            "batch.paused",
            "batch.resumed",
            "batch.cancelled",
            "batch.word",
            "batch.closed",
            "item.received",
            "item.duplicate",
            "item.rejected",
            "item.stopped",
        ),
        _nothing,
    ),
}
