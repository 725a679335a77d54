"""What `doctor` looks for in the index: is it up to date, does it hold the catalogue's records and no other."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, func, select

from archive.access.policy import CONDITIONAL_MODE, KEPT, OPEN_MODE, UNACCEPTED
from archive.database import reading
from archive.doctor import Finding
from archive.tables.holdings import record
from archive.tables.packages import package
from search_api.errors import IndexUnavailable
from search_api.index.port import RecordIndex
from search_api.index.projection import UNREAD
from search_api.index.projector import records_head


def check_index(engine: Engine, index: RecordIndex) -> Iterator[Finding]:
    """Compare the index with the catalogue; one that is behind is only said to be so, for it is not done yet."""
    try:
        damage = index.damage()
        position = index.position()
        found = {str(name): (state, sha256) for name, state, sha256 in index.records()}
    except IndexUnavailable as error:
        yield Finding("index-unavailable", "index", str(error))
        return
    if damage is not None:
        yield Finding("index-damaged", "index", damage)
        return
    with reading(engine) as connection:
        head = records_head(connection)
        expected = _expected(connection)
    if position.cursor != head:
        yield Finding("index-behind", "index", f"it is at event {position.cursor} of {head}")
        return
    for record_id in sorted(expected.keys() | found.keys()):
        yield from _compare(record_id, expected.get(record_id), found.get(record_id))


def _compare(record_id: str, expected: tuple[str, str] | None, found: tuple[str, str] | None) -> Iterator[Finding]:
    if expected is None:
        yield Finding("index-surplus", record_id, "the index finds a record that nobody may find")
    elif found is None:
        yield Finding("index-missing", record_id, "the index does not have the record")
    elif found[1] == UNREAD:
        yield Finding("index-without-texts", record_id, "its package could not be read: its texts find nothing")
    elif found != expected:
        yield Finding("index-differs", record_id, f"the catalogue says {expected}, the index {found}")


def _expected(connection: Connection) -> dict[str, tuple[str, str]]:
    """Return state and digest of the package with the texts in force of every record that anyone may find."""
    newest = (
        select(package.c.record_id, func.max(package.c.number).label("number"))
        .where(package.c.kind == "content", package.c.state == "deposited")
        .group_by(package.c.record_id)
        .subquery()
    )
    text = package.alias("text")
    rows = connection.execute(
        select(record.c.id, record.c.state, func.coalesce(text.c.sha256, package.c.sha256).label("sha256"))
        .join(newest, newest.c.record_id == record.c.id)
        .join(package, (package.c.record_id == record.c.id) & (package.c.number == newest.c.number))
        .outerjoin(text, (text.c.record_id == record.c.id) & (text.c.number == package.c.text_number))
        .where(record.c.state.in_(KEPT | UNACCEPTED), record.c.access_mode.in_((OPEN_MODE, CONDITIONAL_MODE)))
    )
    return {row.id: (row.state, row.sha256) for row in rows}
