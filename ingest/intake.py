"""Takes a folder in: each file hashed at the door, copied to staging, probed in the jail, put on the list.

Every item is one transaction with its declaration, its captures and what it differs by, so the batch's
equations hold whenever the process dies; the same command on the same folder goes on where it stopped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from archive import events, failpoints
from archive.codes import CodeBook, load_codes
from archive.database import insert_new, reading, writing
from archive.digest import sha256_of_file
from archive.errors import KeyTaken, NotFound
from archive.identifiers import new_id
from archive.keys import received_key
from archive.record import PrincipalId
from archive.sealing import Seal
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.holdings import fonds
from ingest.batch_state import open_batch, reason_of, refuse_unless_taking
from ingest.bell import Bell, Ring, SilentBell
from ingest.declarations import declare, declare_missing, note_difference
from ingest.desk import fetch
from ingest.disks import require_room, waiting_bytes
from ingest.errors import FileUnreadable, FolderUnreadable, StillBeingWritten
from ingest.lanes import lane_for
from ingest.manifest import Manifest, ManifestRow, read_manifest
from ingest.pickup import (
    FoundFile,
    WholeFile,
    comparison_key,
    files_of,
    looks_like_scan,
    settle,
)
from ingest.settings import IngestSettings
from ingest.tables import batch, capture, item
from ingest.waiting import written
from ingest.worklist import add_work
from ocr.errors import InputRejected
from ocr.page import FileProbe
from ocr.reader import Reader

VIETNAM = timezone(timedelta(hours=7))


@dataclass(frozen=True, slots=True)
class Door:
    """What intake needs: the catalogue, staging, a jailed reader, the sealing keys, and who is at the desk.

    bell: rung for each item once it is committed. waited_for: somebody waits until what is taken in is done.
    """

    engine: Engine
    staging: ObjectStore
    reader: Reader
    seal: Seal
    settings: IngestSettings
    principal: PrincipalId
    scratch: Path
    now: Callable[[], datetime]
    bell: Bell = field(default_factory=SilentBell)
    waited_for: bool = False


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What intake did. ignored: files that are neither declared nor scans, left where they are."""

    batch_id: str
    items: int
    missing_files: tuple[str, ...]
    ignored: tuple[str, ...]


def take_in(
    door: Door,
    folder: Path,
    *,
    manifest_path: Path | None,
    unit: str | None,
    operator: str | None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
    go_on: Callable[[], None] = lambda: None,
) -> TakenIn:
    """Take a folder of scans in as one batch and return what was found.

    While its batch is paused, by a person or because a place cannot be written, intake waits and then goes on.
    go_on: called with each look; what it raises ends the intake there.
    Raises FolderUnreadable, ManifestUnreadable, RoomShort (nothing is taken then), NotFound (no such unit) or
    BatchHalted when the batch is cancelled meanwhile.
    """
    if not folder.is_dir():
        raise FolderUnreadable(str(folder))
    chosen = manifest_path or folder / "manifest.csv"
    with reading(door.engine) as connection:
        codes = load_codes(connection)
    today = door.now().astimezone(VIETNAM).date()
    manifest = Manifest(()) if manifest_path is None and not chosen.exists() else _read(chosen, codes, door)
    digest = sha256_of_file(chosen)[0] if chosen.exists() else None
    fonds_code, unit_id = _fonds(door.engine, unit)
    found = [f for f in files_of(folder) if f.path.resolve() != chosen.resolve()]
    first_rows: dict[str, ManifestRow] = {}
    for row in manifest.rows:
        first_rows.setdefault(comparison_key(row.file), row)
    scans = [f for f in found if f.key in first_rows or looks_like_scan(f.path)]
    ignored = tuple(f.name for f in found if f not in scans)
    _require_room(door, folder, scans, digest)
    batch_id = _open_batch(
        door,
        folder=folder,
        manifest_sha256=digest,
        unit_id=unit_id,
        fonds_code=fonds_code,
        operator=operator,
        received_on=today,
    )
    failpoints.passing("batch-opened")
    repeats = _repeats(manifest, first_rows)
    taken: set[str] = set()
    for position, file in enumerate(scans, start=1):
        # Two names that differ only in their normal form: the first has the row, the other is surplus.
        declared = first_rows.get(file.key) if file.key not in taken else None
        taken.add(file.key)
        again = repeats.get(file.key, []) if declared else []
        take = partial(_take_item, door, batch_id, position, file, declared, again, operator)
        written(door.engine, door.settings, batch_id, take, length=_length(file), now=door.now, go_on=go_on)
        progress(position, len(scans))
    missing = [row for key, row in first_rows.items() if key not in taken]
    for row in missing:
        again = repeats.get(comparison_key(row.file), [])
        declare = partial(declare_missing, door.engine, door.seal, batch_id, row, again)
        written(door.engine, door.settings, batch_id, declare, now=door.now, go_on=go_on)
        failpoints.passing("missing-declared")
    written(door.engine, door.settings, batch_id, partial(_end, door, batch_id), now=door.now, go_on=go_on)
    failpoints.passing("batch-taken")
    return TakenIn(batch_id, len(scans), tuple(row.file for row in missing), ignored)


def _length(file: FoundFile) -> int:
    try:
        return file.path.stat().st_size
    except OSError:
        return 0  # gone by now: taking it says so


def _require_room(door: Door, folder: Path, scans: list[FoundFile], digest: str | None) -> None:
    """Refuse what there is no room for; of an intake that goes on, what it has not taken yet. Raises RoomShort."""
    with reading(door.engine) as connection:
        unfinished = _unfinished(connection, folder, digest)
        named = select(item.c.file).where(item.c.batch_id == unfinished)
        taken = set(connection.execute(named).scalars()) if unfinished is not None else set()
        promised = waiting_bytes(connection)
    lengths = [_length(file) for file in scans if file.name not in taken]
    require_room(door.settings.places, lengths, promised=promised, floor=door.settings.free_floor_bytes)


def _end(door: Door, batch_id: str) -> None:
    _drop_unowned(door, batch_id)
    with writing(door.engine) as connection:
        open_batch(connection, batch_id, at=door.now())


def _drop_unowned(door: Door, batch_id: str) -> None:
    """Remove staged copies of an intake that died between the copy and the item's row."""
    with reading(door.engine) as connection:
        owned = set(connection.execute(select(item.c.staging_key).where(item.c.batch_id == batch_id)).scalars())
    for stored in list(door.staging.list_versions(f"staging/{batch_id}/")):
        if stored.key.endswith("/received") and stored.key not in owned:
            door.staging.delete(stored.key, stored.version_id, now=door.now())


def _read(path: Path, codes: CodeBook, door: Door) -> Manifest:
    def resolve(system: str, name: str) -> str | None:
        entry = codes.find(system, name, door.now().astimezone(VIETNAM).date())
        return entry.value if entry else None

    return read_manifest(path, resolve)


def _repeats(manifest: Manifest, first_rows: Mapping[str, ManifestRow]) -> dict[str, list[ManifestRow]]:
    repeats: dict[str, list[ManifestRow]] = {}
    for row in manifest.rows:
        key = comparison_key(row.file)
        if first_rows[key] is not row:
            repeats.setdefault(key, []).append(row)
    return repeats


def _fonds(engine: Engine, unit: str | None) -> tuple[str, str]:
    query = select(fonds.c.code, fonds.c.unit_id)
    if unit is not None:
        query = query.where((fonds.c.unit_id == unit) | (fonds.c.code == unit))
    with reading(engine) as connection:
        rows = connection.execute(query).all()
    if len(rows) != 1:
        raise NotFound("unit with exactly one fonds", unit or "(give --unit)")
    return rows[0].code, rows[0].unit_id


def _open_batch(
    door: Door,
    *,
    folder: Path,
    manifest_sha256: str | None,
    unit_id: str,
    fonds_code: str,
    operator: str | None,
    received_on: Any,
) -> str:
    with writing(door.engine) as connection:
        # One batch of a fonds is opened at a time: two hands on one folder are to find the same batch.
        connection.execute(select(fonds.c.code).where(fonds.c.code == fonds_code).with_for_update(key_share=True))
        unfinished = _unfinished(connection, folder, manifest_sha256)
        if unfinished is not None:
            return unfinished
        batch_id = new_id()
        at = door.now()
        connection.execute(
            insert(batch).values(
                id=batch_id,
                label=folder.resolve().name,
                folder=str(folder.resolve()),
                unit_id=unit_id,
                fonds_code=fonds_code,
                principal_id=door.principal,
                operator=operator,
                state="taking",
                manifest_sha256=manifest_sha256,
                received_on=received_on,
                received_at=at,
            )
        )
        events.append(
            connection,
            "records",
            "batch.received",
            principal=door.principal,
            at=at,
            payload={
                "batch": batch_id,
                "unit": unit_id,
                "fonds": fonds_code,
                "manifest_sha256": manifest_sha256,
                "received_on": received_on.isoformat(),
            },
        )
        return batch_id


def _unfinished(connection: Connection, folder: Path, manifest_sha256: str | None) -> str | None:
    """Return the batch of a folder that is not wholly taken in, paused or not."""
    digest = batch.c.manifest_sha256
    rows = connection.execute(
        select(batch).where(
            batch.c.folder == str(folder.resolve()),
            batch.c.state.in_(("taking", "paused")),
            digest == manifest_sha256 if manifest_sha256 else digest.is_(None),
        )
    )
    return next((row.id for row in rows if row.state == "taking" or reason_of(row).was == "taking"), None)


def _already_taken(engine: Engine, batch_id: str, name: str) -> bool:
    with reading(engine) as connection:
        return (
            connection.execute(select(item.c.id).where(item.c.batch_id == batch_id, item.c.file == name)).first()
            is not None
        )


def _stage(door: Door, batch_id: str, item_id: str, path: Path, whole: WholeFile) -> StoredObject:
    key = received_key(batch_id, item_id)
    try:
        return door.staging.put(key, path, sha256=whole.sha256, retain_until=None, now=door.now())
    except KeyTaken:
        return door.staging.head(key)


def _probe(door: Door, staged: StoredObject) -> FileProbe:
    """Look at the staged copy, for that is what will be read, in the jail's scratch."""
    target = door.scratch / "probed"
    try:
        fetch(door.staging, staged.key, staged.version_id, target, sha256=staged.sha256)
        return door.reader.probe(target)
    finally:
        target.unlink(missing_ok=True)


def _take_item(
    door: Door,
    batch_id: str,
    position: int,
    file: FoundFile,
    declared: ManifestRow | None,
    repeats: list[ManifestRow],
    operator: str | None,
) -> None:
    if _already_taken(door.engine, batch_id, file.name):
        return
    item_id = new_id()
    row: dict[str, Any] = {
        "id": item_id,
        "batch_id": batch_id,
        "position": position,
        "arrival": f"{door.now().strftime('%Y%m%dT%H%M%S%f')}-{position:08d}",
        "file": file.name,
        "row_number": declared.row_number if declared else None,
        "state": "waiting",
        "review": _review_of(declared, repeats),
    }
    probe: FileProbe | None = None
    try:
        whole = settle(
            file.path,
            settle_seconds=door.settings.settle_seconds,
            patience_seconds=door.settings.settle_patience_seconds,
        )
        row |= {"sha256": whole.sha256, "length": whole.length, "modified_at": whole.modified_at}
        staged = _stage(door, batch_id, item_id, file.path, whole)
        failpoints.passing("staged")
        row |= {"staging_key": staged.key, "staging_version": staged.version_id}
        probe = _probe(door, staged)
        row["media_type"] = probe.media_type
    except (InputRejected, FileUnreadable, StillBeingWritten) as error:
        row |= {"state": "rejected", "reason": error.code, "reason_detail": str(error)[:500]}
    if probe is not None:
        row["review"] += ["owner-password"] if probe.owner_locked else []
        row["review"] += ["signed-input"] if probe.signature_fields else []
        if declared is not None and declared.secrecy is not None:
            row |= {"state": "stopped", "reason": f"declared-{declared.secrecy}"}
    _write_item(door, row, probe, declared, repeats, operator)


def _review_of(declared: ManifestRow | None, repeats: list[ManifestRow]) -> list[str]:
    if declared is None:
        return ["no-row"]
    problems = {f.problem for f in declared.fields if f.problem}
    return sorted(problems) + (["repeated-row"] if repeats else [])


def _capture_rows(
    row: dict[str, Any], probe: FileProbe | None, declared: ManifestRow | None, operator: str | None
) -> list[dict[str, Any]]:
    if probe is None:
        count = (declared.captures if declared else None) or 1
        return [{"item_id": row["id"], "file_index": i, "state": "rejected"} for i in range(count)]
    stated = datetime.fromisoformat(probe.scanned_at) if probe.scanned_at else None
    if stated is not None and stated.tzinfo is None:
        stated = stated.replace(tzinfo=VIETNAM)
    return [
        {
            "item_id": row["id"],
            "file_index": c.index,
            "image_sha256": c.sha256,
            "state": "waiting",
            "width_px": c.width_px,
            "height_px": c.height_px,
            "dpi": c.dpi,
            "colour": c.colour,
            "operator": operator,
            "device": probe.device,
            "scanned_at": stated or row["modified_at"],
            "scanned_at_source": "file" if stated else "modified",
        }
        for c in probe.captures
    ]


def _write_item(
    door: Door,
    row: dict[str, Any],
    probe: FileProbe | None,
    declared: ManifestRow | None,
    repeats: list[ManifestRow],
    operator: str | None,
) -> None:
    captures = _capture_rows(row, probe, declared, operator)
    at = door.now()
    rings: list[Ring] = []
    with writing(door.engine) as connection:
        refuse_unless_taking(connection, row["batch_id"])
        if not insert_new(connection, item, row, by=("batch_id", "file")):
            return  # another hand on the same folder was faster; its copy is the one that is kept
        connection.execute(insert(capture), captures)
        expected = len(captures)
        if declared is None:
            expected = 0
        else:
            expected = declare(connection, door.seal, row["batch_id"], declared, None, received=len(captures))
            for repeat in repeats:
                declare(connection, door.seal, row["batch_id"], repeat, declared.row_number, received=0)
        note_difference(connection, row, expected, len(captures))
        if row["state"] == "waiting":
            lane = lane_for(pages=len(captures), length=row["length"], waited_for=door.waited_for)
            work_item_id = add_work(connection, row["id"], batch_id=row["batch_id"], lane=lane, now=at)
            rings.append(Ring(work_item_id, lane))
        events.append(
            connection,
            "records",
            "item.received",
            principal=door.principal,
            at=at,
            payload={
                "batch": row["batch_id"],
                "item": row["id"],
                "sha256": row.get("sha256"),
                "length": row.get("length"),
                "media_type": row.get("media_type"),
                "captures": len(captures),
                "declared": expected,
                "state": row["state"],
                "reason": row.get("reason"),
                "review": row["review"],
            },
        )
    failpoints.passing("item-listed")
    door.bell.ring(rings)
