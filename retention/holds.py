"""Holds (phong tỏa, PL VI IV.1g NĐ 30/2020): a record may not be destroyed while one stands, whatever its lock.

Placing goes to the store first and lifting to the catalogue first, so that a crash between leaves an object
held too long, never one unheld too early. Both look once more when they are done: at what was stored, and at holds
that were placed, meanwhile.
"""

from datetime import datetime

from sqlalchemy import Connection, Engine, insert, select, update

from archive import events, failpoints, ledger
from archive.database import reading, writing
from archive.errors import NotFound
from archive.identifiers import new_id
from archive.log.keeper import LogKeeper
from archive.record import PrincipalId, RecordId
from archive.stores.port import ObjectStore
from archive.tables.holdings import hold, record
from archive.tables.packages import package
from retention.errors import HoldRefused


def deposited_objects(connection: Connection, record_id: RecordId) -> list[tuple[int, str, str]]:
    """Return (package number, key, version id) of every stored package of a record."""
    rows = connection.execute(
        select(package.c.number, package.c.object_key, package.c.version_id)
        .where(package.c.record_id == record_id, package.c.state == "deposited")
        .order_by(package.c.number)
    )
    return [(row.number, row.object_key, row.version_id) for row in rows]


def active_holds(connection: Connection, record_id: RecordId) -> int:
    """Count the holds of a record that stand."""
    ids = connection.execute(
        select(hold.c.id).where(hold.c.record_id == record_id, hold.c.lifted_at.is_(None))
    ).all()
    return len(ids)


def _known(connection: Connection, record_id: RecordId) -> None:
    found = connection.execute(
        select(record.c.id).where(record.c.id == record_id, record.c.state.not_in(("reserved", "void")))
    ).first()
    if found is None:
        raise NotFound("record", record_id)


def place_hold(
    engine: Engine,
    store: ObjectStore,
    log: LogKeeper,
    record_id: RecordId,
    *,
    basis: str,
    principal: PrincipalId,
    at: datetime,
) -> str:
    """Hold every stored version of a record; return the hold's id once the vault knows of it.

    Raises NotFound, HoldRefused; LogNotSecured for a hold that stands but is not in the vault yet.
    """
    if not basis.strip():
        raise HoldRefused("a hold needs its basis: the order or decision it rests on")
    with reading(engine) as connection:
        _known(connection, record_id)
        objects = deposited_objects(connection, record_id)
    for _, key, version_id in objects:
        store.set_hold(key, version_id, held=True)
        failpoints.passing("hold-flagged")
    hold_id = new_id()
    with writing(engine) as connection:
        connection.execute(
            insert(hold).values(id=hold_id, record_id=record_id, placed_at=at, placed_by=principal, basis=basis)
        )
        placed = events.append(
            connection,
            "records",
            "hold.placed",
            principal=principal,
            at=at,
            payload={"record": record_id, "hold": hold_id, "basis": basis},
        )
    failpoints.passing("hold-placed")
    _hold_if_one_stands(engine, store, record_id)
    log.secure(placed)
    return hold_id


def _hold_if_one_stands(engine: Engine, store: ObjectStore, record_id: RecordId) -> None:
    """Hold every stored version of a record while a hold stands on it, those that are held left as they are."""
    with reading(engine) as connection:
        objects = deposited_objects(connection, record_id) if active_holds(connection, record_id) else []
    for _, key, version_id in objects:
        if not store.head(key, version_id).held:
            store.set_hold(key, version_id, held=True)


def lift_hold(
    engine: Engine,
    store: ObjectStore,
    log: LogKeeper,
    record_id: RecordId,
    *,
    basis: str,
    principal: PrincipalId,
    at: datetime,
) -> int:
    """Lift the holds of a record and return how many stood.

    The store's flags fall after the vault knows of it. Raises NotFound, HoldRefused; LogNotSecured for holds that
    are lifted while their objects stay held: `retention.reconcile` names them, and a hold placed and lifted again
    lets them go.
    """
    if not basis.strip():
        raise HoldRefused("lifting a hold needs its basis")
    with writing(engine) as connection:
        ledger.hold_record(connection, record_id)
        _known(connection, record_id)
        standing = (
            connection.execute(select(hold.c.id).where(hold.c.record_id == record_id, hold.c.lifted_at.is_(None)))
            .scalars()
            .all()
        )
        if not standing:
            raise HoldRefused("no hold stands on this record")
        connection.execute(
            update(hold).where(hold.c.id.in_(standing)).values(lifted_at=at, lifted_by=principal, lift_basis=basis)
        )
        for hold_id in standing:
            lifted = events.append(
                connection,
                "records",
                "hold.lifted",
                principal=principal,
                at=at,
                payload={"record": record_id, "hold": hold_id, "basis": basis},
            )
        objects = deposited_objects(connection, record_id)
    failpoints.passing("hold-lifted")
    log.secure(lifted)
    for _, key, version_id in objects:
        store.set_hold(key, version_id, held=False)
        failpoints.passing("hold-unflagged")
    _hold_if_one_stands(engine, store, record_id)
    return len(standing)
