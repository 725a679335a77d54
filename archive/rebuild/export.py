"""The catalogue as text: every row that the vault can give back, in one order and one spelling, to be compared.

Left out: what only a backup has (the work list, logins and names of principals, keys, proofs of requests), numbers
under way (reserved, not yet deposited), and ids that a row draws for itself and nothing refers to.
"""

import json
from collections.abc import Iterator, Mapping

import rfc8785
from sqlalchemy import ColumnElement, Connection, Table, select

from archive.doctor import Finding
from archive.rebuild.columns import plain
from archive.tables.copies import copy, copy_register, copy_request
from archive.tables.holdings import (
    archival_file,
    effect,
    field_value,
    fonds,
    hold,
    record,
    record_party,
)
from archive.tables.log import checkpoint, event, log_node, log_segment, stream_head
from archive.tables.packages import package, page, part, signature
from archive.tables.parties import party, party_identifier, party_name
from archive.tables.principals import access_grant, principal
from archive.tables.schema import metadata
from archive.tables.units import unit, unit_code, unit_name, unit_parent, unit_succession

LEFT_OUT: Mapping[Table, frozenset[str]] = {
    table: frozenset(names)
    for table, names in (
        (unit, ()),
        (unit_name, ()),
        (unit_code, ()),
        (unit_parent, ()),
        (unit_succession, ()),
        (fonds, ()),
        (principal, ("login", "display_name")),
        (access_grant, ()),
        (archival_file, ()),
        (record, ()),
        (party, ()),
        (party_identifier, ("id",)),
        (party_name, ("id",)),
        (record_party, ()),
        (package, ()),
        (part, ()),
        (page, ()),
        (signature, ("id",)),
        (field_value, ("id",)),
        (effect, ()),
        (hold, ()),
        (copy_register, ()),
        (copy_request, ("proof",)),
        (copy, ()),
        (event, ()),
        (stream_head, ()),
        (log_segment, ("stored_at",)),
        (checkpoint, ("id", "signed_at")),
        (log_node, ()),
    )
}


def export_rows(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield (table, row as RFC 8785 JSON), tables by name, rows in the order of their text."""
    for table in sorted(LEFT_OUT, key=lambda one: one.name):
        names = [column.name for column in table.columns if column.name not in LEFT_OUT[table]]
        query = select(*(table.c[name] for name in names)).where(*_settled(table))
        rows = connection.execute(query).mappings()
        for line in sorted(rfc8785.dumps({name: plain(row[name]) for name in names}).decode() for row in rows):
            yield table.name, line


def _settled(table: Table) -> list[ColumnElement[bool]]:
    return [table.c.state != "reserved"] if table in (record, package) else []


def differences(one: Connection, other: Connection) -> Iterator[str]:
    """Yield what two catalogues do not share: `- table row` is the first's own, `+ table row` the other's."""
    left, right = set(export_rows(one)), set(export_rows(other))
    yield from (f"- {table} {row}" for table, row in sorted(left - right))
    yield from (f"+ {table} {row}" for table, row in sorted(right - left))


def check_against_vault(catalogue: Connection, vault: Connection) -> Iterator[Finding]:
    """Name each row that differs from a catalogue rebuilt from the vault, by table and key, without its text."""
    ours, theirs = set(export_rows(catalogue)), set(export_rows(vault))
    for table, row in sorted(ours ^ theirs):
        side = "catalogue" if (table, row) in ours else "vault"
        told = f"the {side} alone has it like this"
        yield Finding("row-differs", f"{table}:{_key(table, row)}", told)


def _key(table: str, row: str) -> str:
    said = json.loads(row)
    keys = [column.name for column in metadata.tables[table].primary_key.columns]
    named = [name for name in keys if name in said] or ["record_id", "party_id"]
    return "/".join(str(said[name]) for name in named if name in said)
