"""Legal effect of records: append-only effects, and what they come to on a day.

`issued` begins or, after a suspension or a revocation, begins again; `suspended`, `revoked`, `annulled` and
`replaced` end from the day they are effective on; `extended` moves the end of the term to its own day;
`amended` and `corrected` leave the record in force. "Expired" is derived and never stored [RET-3]. An effect on
a part leaves the whole in force and is told beside it. A record of which nothing is known is in force.
"""

import hashlib
from base64 import b32encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Engine, Row, insert, select

from archive import failpoints, ledger
from archive.database import writing
from archive.errors import NotFound, Refused
from archive.record import PrincipalId, RecordId, SupplementPackage
from archive.stores.port import ObjectStore, StoredObject
from archive.supplements import (
    SupplementPlan,
    deposit_supplement,
    hold_with_record,
    plan_supplement,
    supplement_of,
)
from archive.tables.holdings import effect, record

EffectKind = Literal["issued", "extended", "amended", "corrected", "suspended", "revoked", "annulled", "replaced"]
State = Literal["in-force", "not-yet", "expired", "suspended", "revoked", "annulled", "replaced"]
BASIS_CHARACTERS = 1000
PART_CHARACTERS = 200
_ENDED: frozenset[State] = frozenset(("revoked", "annulled", "replaced"))
_SETTLED = ("reserved", "void", "destroyed", "withdrawn")  # nothing more is said of such a record


@dataclass(frozen=True, slots=True)
class EffectState:
    """What a record's effects come to on one day.

    since: the day the state began; None where it is not known or, not-yet, has not begun. basis: of the effect
    that made the state. parts: what of the record an effect on a part has ended or suspended.
    """

    in_force: bool
    state: State
    since: date | None = None
    basis: str | None = None
    replaced_by: RecordId | None = None
    parts: tuple[str, ...] = ()


def effect_on(connection: Connection, record_id: RecordId, on: date) -> EffectState:
    """Return a record's effect on a (legal, +07:00) day. Raises NotFound."""
    term = connection.execute(
        select(record.c.valid_from, record.c.valid_until).where(record.c.id == record_id)
    ).one_or_none()
    if term is None:
        raise NotFound("record", record_id)
    rows = connection.execute(
        select(effect).where(effect.c.record_id == record_id).order_by(effect.c.recorded_at, effect.c.id)
    ).all()
    return state_of(term.valid_from, term.valid_until, rows, on)


def state_of(
    valid_from: date | None, valid_until: date | None, effects: Iterable[Row[Any]], on: date
) -> EffectState:
    """Return what a term and effects (rows of the table, in the order recorded) come to on a day; pure.

    1. effects take hold in the order of their days; on one day what ends counts after what begins;
    2. what was revoked or replaced is not suspended any more, and only an annulment or a later `issued` changes
       it; 3. the term counts for what is in force or suspended: past its end the record is expired.
    """
    whole = sorted((e for e in effects if e.part is None), key=lambda e: (e.effective_on, e.kind != "issued"))
    state: State = "in-force"
    since, basis, replaced_by = valid_from, None, None
    for one in whole:  # 1
        if one.kind == "extended" or one.effective_on > on:
            continue
        if not _changes(state, one.kind):  # 2
            continue
        state = "in-force" if one.kind == "issued" else one.kind
        since, basis = one.effective_on, one.basis
        replaced_by = RecordId(one.linked_record_id) if one.kind == "replaced" and one.linked_record_id else None
    parts = tuple(dict.fromkeys(e.part for e in effects if _ends_part(e, on)))
    if state not in _ENDED:  # 3
        begins, ends = _term(valid_from, valid_until, whole)
        if begins is not None and on < begins:
            return EffectState(False, "not-yet", parts=parts)
        if ends is not None and on > ends:
            return EffectState(False, "expired", ends + timedelta(days=1), parts=parts)
    return EffectState(state == "in-force", state, since, basis, replaced_by, parts)


def _changes(state: State, kind: str) -> bool:
    if kind in ("issued", "annulled"):
        return True
    if kind in ("revoked", "replaced"):
        return state not in _ENDED
    return kind == "suspended" and state == "in-force"


def _ends_part(one: Row[Any], on: date) -> bool:
    return one.part is not None and one.effective_on <= on and one.kind in (*_ENDED, "suspended")


def _term(
    valid_from: date | None, valid_until: date | None, whole: list[Row[Any]]
) -> tuple[date | None, date | None]:
    """Return first and last day of the term: a first effect `issued` begins one that has no first day."""
    if valid_from is None and whole and whole[0].kind == "issued":
        valid_from = whole[0].effective_on
    ends = [one.effective_on for one in whole if one.kind == "extended"]
    return valid_from, max([*ends, *([valid_until] if valid_until else [])], default=None)


def record_effect(
    engine: Engine,
    store: ObjectStore,
    record_id: RecordId,
    kind: EffectKind,
    *,
    on: date,
    basis: str,
    principal: PrincipalId,
    at: datetime,
    scratch: Path,
    part: str | None = None,
    linked: RecordId | None = None,
) -> str:
    """Write an effect as a supplement, then its row and event in one transaction; return the effect's id.

    on: the day it is effective on; of `extended` the last day of the new term. basis: the decision it rests on.
    part: which part of the record; None: the whole. linked: the record that extends, changes or replaces it.
    The supplement is locked at least as long as any package of the record. The same effect again is the same
    effect: an interrupted attempt is finished, a finished one changes nothing. Raises NotFound, Refused.
    """
    _check(record_id, kind, basis=basis, part=part, linked=linked)
    body = {
        "kind": kind,
        "effective_on": on.isoformat(),
        "basis": basis,
        "part": part,
        "linked_record": linked,
    }
    effect_id = _effect_id(record_id, body)
    with writing(engine) as connection:
        if connection.execute(select(effect.c.id).where(effect.c.id == effect_id)).first() is not None:
            return effect_id
        _require_known(connection, record_id)
        if linked is not None:
            _require_known(connection, linked)
        plan = plan_supplement(
            connection, record_id, "effect", principal=principal, at=at, store=store, act=effect_id
        )
    failpoints.passing("supplement-planned")
    written = supplement_of(
        plan, {"effect": effect_id, **body}, event="metadata modification", detail=f"effect: {kind} from {on}"
    )
    stored, supplement = deposit_supplement(
        store, written, plan.key, retain_until=plan.locked_until or at, scratch=scratch, now=at
    )
    failpoints.passing("supplement-stored")
    hold_with_record(engine, store, record_id, stored)
    _write_down(engine, effect_id, plan, supplement, stored, at)
    failpoints.passing("effect-recorded")
    hold_with_record(engine, store, record_id, stored)
    return effect_id


def _check(
    record_id: RecordId, kind: EffectKind, *, basis: str, part: str | None, linked: RecordId | None
) -> None:
    if kind not in get_args(EffectKind):
        raise Refused("effect-kind", f"an effect is one of {', '.join(get_args(EffectKind))}, not {kind!r}")
    if not basis.strip():
        raise Refused("effect-basis", "an effect needs its basis: the decision it rests on")
    for text, longest in ((basis, BASIS_CHARACTERS), (part or "-", PART_CHARACTERS)):
        if len(text) > longest or not text.strip() or not all(c.isprintable() for c in text):
            raise Refused("effect-text", f"basis and part are one line of at most {longest} characters")
    if linked == record_id:
        raise Refused("effect-linked", "a record cannot be linked to itself")


def _effect_id(record_id: RecordId, body: dict[str, Any]) -> str:
    """Return an id drawn from what the effect says, so that an attempt repeated is known again."""
    said = "\0".join([record_id, *(str(body[name]) for name in sorted(body))])
    return b32encode(hashlib.sha256(said.encode()).digest()[:16]).decode().rstrip("=").lower()


def _require_known(connection: Connection, record_id: RecordId) -> None:
    state = connection.execute(select(record.c.state).where(record.c.id == record_id)).scalar_one_or_none()
    if state is None or state in _SETTLED:
        raise NotFound("record", record_id)


def _write_down(
    engine: Engine,
    effect_id: str,
    plan: SupplementPlan,
    supplement: SupplementPackage,
    stored: StoredObject,
    at: datetime,
) -> None:
    said = supplement.body
    with writing(engine) as connection:
        # One effect of a record at a time, where the database has parallel writers.
        ledger.hold_record(connection, plan.record_id)
        if connection.execute(select(effect.c.id).where(effect.c.id == effect_id)).first() is not None:
            return  # another hand, with the same reserved number, was faster
        connection.execute(
            insert(effect).values(
                id=effect_id,
                record_id=plan.record_id,
                kind=said["kind"],
                part=said["part"],
                effective_on=date.fromisoformat(said["effective_on"]),
                recorded_at=supplement.created_at,
                basis=said["basis"],
                linked_record_id=said["linked_record"],
                package_number=supplement.package_number,
                principal_id=supplement.principal_id,
            )
        )
        ledger.record_supplement(connection, supplement, stored, at=at, payload=dict(said))
