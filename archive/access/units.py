"""Which units a right over one unit covers: its sub-tree, its successors, and what they took over."""

from datetime import date

from sqlalchemy import Connection, select

from archive.tables.units import unit, unit_parent, unit_succession


def covered_units(connection: Connection, unit_id: str, on: date) -> frozenset[str]:
    """Return the units a grant on unit_id reaches on a day.

    1. the unit and its successors, theirs too; 2. everything below them; 3. the predecessors of all these and what
    was left below them, for records keep the name of the body that had them. A unit that moved is reached from
    where it stands, and a predecessor's other successors are not reached.
    """
    successions = connection.execute(
        select(unit_succession.c.predecessor_id, unit_succession.c.successor_id).where(
            unit_succession.c.effective_on <= on
        )
    ).all()
    after = [(row.predecessor_id, row.successor_id) for row in successions]
    before = [(row.successor_id, row.predecessor_id) for row in successions]
    return frozenset(_closure(_closure({unit_id}, after), _below(connection, on) + before))


def _below(connection: Connection, on: date) -> list[tuple[str, str]]:
    """Return (parent, child) of every unit where it stands on a day, or last stood."""
    standing: dict[str, list[tuple[str, str]]] = {}
    last: dict[str, tuple[str, str]] = {}
    rows = connection.execute(
        select(unit_parent).where(unit_parent.c.valid_from <= on).order_by(unit_parent.c.valid_from)
    )
    for row in rows:
        last[row.unit_id] = (row.parent_id, row.unit_id)
        if row.valid_until is None or row.valid_until >= on:
            standing.setdefault(row.unit_id, []).append(last[row.unit_id])
    return [link for child in last for link in standing.get(child, [last[child]])]


def root_units(connection: Connection, on: date) -> list[str]:
    """Return the units that stand below no other on a day."""
    from_above = select(unit_parent.c.unit_id).where(
        unit_parent.c.valid_from <= on,
        (unit_parent.c.valid_until.is_(None)) | (unit_parent.c.valid_until >= on),
    )
    return sorted(connection.execute(select(unit.c.id).where(unit.c.id.not_in(from_above))).scalars())


def _closure(start: set[str], steps: list[tuple[str, str]]) -> set[str]:
    reached, left = set(start), list(start)
    while left:
        here = left.pop()
        for source, target in steps:
            if source == here and target not in reached:
                reached.add(target)
                left.append(target)
    return reached
