"""The commands about the log and the vault: how far, whole or not, proofs; rebuild, backup, restore."""

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path

from archive.backup.form import fingerprint
from archive.backup.make import make_backup
from archive.backup.restore import restore_backup
from archive.database import migrate, open_engine, reading
from archive.doctor import Finding
from archive.errors import HomeNotReady
from archive.events import STREAMS
from archive.log.checks import check_log
from archive.log.custody import custody_of
from archive.log.keeper import newest_checkpoint, position
from archive.log.outside import OutsideFolder, open_outside
from archive.rebuild.export import check_against_vault
from archive.rebuild.vault import Rebuilt, rebuild_catalogue
from archive.retrieve import find_record
from console.beside import TROUBLES
from console.embedded import catch_up
from console.home import Home, utc_now
from console.settings import HomeSettings
from console.terminal import Terminal

log = logging.getLogger(__name__)

VERIFIER = "verify_log.py"
PUBLIC_KEYS = "log.vkeys"


def log_status(home: Home, terminal: Terminal) -> None:
    """Say how far each stream is, how much of it the vault has, and the newest checkpoints."""
    shown = []
    with reading(home.engine) as connection:
        for stream in STREAMS:
            now = position(connection, stream)
            note = newest_checkpoint(connection, stream)
            shown.append(
                {
                    "stream": stream,
                    "events": now.size,
                    "kept": now.kept,
                    "kept_at": now.kept_at.isoformat() if now.kept_at else None,
                    "checkpoint": note.decode() if note else None,
                }
            )
    columns = ["stream", "events", "kept", "kept_at"]
    terminal.table(columns, [[str(row[name] or "–") for name in columns] for row in shown])
    terminal.answer({"streams": shown})


def verify_log(home: Home, terminal: Terminal) -> bool:
    """Check the whole log against itself, its checkpoints, the vault and the outside place; say what is wrong."""
    outside = open_outside(home.settings.log_outside_url, home.engine)
    found = list(check_log(home.engine, home.store(), home.log_key().verifier, outside, deep=True))
    return _told(terminal, found, none="say.log-whole")


def export_log(home: Home, terminal: Terminal, folder: Path) -> None:
    """Write the log as static tlog-tiles, with the public keys and the verifier that needs nothing of ours."""
    with home.scratch() as scratch:
        home.log(scratch).publish()
    folder.mkdir(parents=True, exist_ok=True)
    out = OutsideFolder(folder, home.engine)
    sizes = {}
    with reading(home.engine) as connection:
        notes = {stream: newest_checkpoint(connection, stream) for stream in STREAMS}
        for stream in STREAMS:
            sizes[stream] = position(connection, stream).kept
    for stream, note in notes.items():
        if note is not None:
            out.tell(stream, note)
    key = home.log_key()
    (folder / PUBLIC_KEYS).write_text("".join(f"{key.verifier(stream)}\n" for stream in STREAMS))
    (folder / VERIFIER).write_bytes(files("archive.log").joinpath(VERIFIER).read_bytes())
    terminal.say("say.log-exported", folder=folder, verifier=VERIFIER)
    terminal.answer({"folder": str(folder), "events": sizes})


def show_custody(home: Home, terminal: Terminal, name: str, *, serial: str | None, out: Path | None) -> None:
    """Show where each page of a record came from and where it went, and write the proof out."""
    with home.scratch() as scratch:
        home.log(scratch).publish()
    with reading(home.engine) as connection:
        record_id = find_record(connection, name)
        bundle = custody_of(connection, record_id, home.log_key().verifier("records"), serial=serial)
    stored = bundle["object"]
    terminal.text(f"{stored['key']}@{stored['version']}  sha256 {stored['sha256']}")
    rows = [
        [
            str(page["sheet"] if page["sheet"] is not None else "–"),
            page["face"] or "–",
            page["image_sha256"],
            f"{page['part_number']}/{page['number']}",
            page["state"],
        ]
        for page in bundle["pages"]
    ]
    terminal.table(["sheet", "face", "capture", "part-page", "state"], rows)
    for one in bundle["copies"]:
        terminal.say("say.custody-copy", serial=one["serial"], sha256=one["sha256"])
    terminal.say("say.custody-proofs", count=len(bundle["events"]))
    if out is not None:
        out.write_text(json.dumps(bundle, ensure_ascii=False, indent=1), encoding="utf-8")
        terminal.say("say.custody-written", file=out, verifier=VERIFIER)
    terminal.answer(bundle)


def rebuild(settings: HomeSettings, terminal: Terminal) -> bool:
    """Rebuild the catalogue of a home from its vault, then its index; say what is not as it was."""
    home = Home.empty(settings)
    done = rebuild_catalogue(
        home.engine, home.store(), home.log_key().verifier, at=utc_now(), progress=_progress(terminal)
    )
    return _finish(settings, terminal, done)


def compare(home: Home, terminal: Terminal) -> bool:
    """Rebuild the catalogue beside the one at work and name every row that differs; nothing is changed."""
    with home.scratch() as scratch:
        home.log(scratch).publish()
        beside = open_engine(f"sqlite:///{scratch}/beside.db")
        migrate(beside)
        done = rebuild_catalogue(
            beside, home.store(), home.log_key().verifier, at=utc_now(), progress=_progress(terminal)
        )
        with reading(home.engine) as ours, reading(beside) as theirs:
            found = [*done.problems, *check_against_vault(ours, theirs)]
        beside.dispose()
    return _told(terminal, found, none="say.vault-agrees")


def _told(terminal: Terminal, found: Sequence[Finding], *, none: str) -> bool:
    terminal.findings(found, none=none)
    terminal.answer({"ok": not found, "findings": [asdict(one) for one in found]})
    return not found


def backup(home: Home, terminal: Terminal, folder: Path, *, keys: Path | None) -> None:
    """Write a backup; keys: where the key files go, apart from it."""
    with home.scratch() as scratch:
        manifest = make_backup(
            home.engine,
            home.store(),
            home.log(scratch),
            home.log_key(),
            folder,
            seal=_seal(home),
            at=utc_now(),
        )
    if keys is not None:
        shutil.copytree(home.keys_folder, keys)
        keys.chmod(0o700)
    rows = sum(manifest.rows.values())
    terminal.say("say.backup-made", folder=folder, rows=rows, objects=manifest.objects)
    terminal.say("say.backup-keys" if keys is not None else "say.backup-no-keys", folder=keys)
    made = {"rows": rows, "objects": manifest.objects, "made_at": manifest.made_at}
    terminal.answer({"folder": str(folder), **made})


def restore(settings: HomeSettings, terminal: Terminal, folder: Path) -> bool:
    """Restore a backup into a home whose keys lie in their place, and bring it up to the vault."""
    home = Home.empty(settings)
    manifest, done = restore_backup(
        home.engine,
        home.store(),
        home.log_key(),
        folder,
        seal=_seal(home),
        at=utc_now(),
        progress=_progress(terminal),
    )
    terminal.say("say.restored", made_at=manifest.made_at)
    return _finish(settings, terminal, done)


def _seal(home: Home) -> str:
    path = home.keys_folder / "sealing.json"
    try:
        return fingerprint(path.read_bytes())
    except OSError as error:
        raise HomeNotReady(f"the sealing keys are missing: lay {path} back from where they are kept") from error


def _progress(terminal: Terminal) -> Callable[[int], None]:
    def tell(done: int) -> None:
        if terminal.err.is_terminal:
            terminal.err.print(f"{done}", end="\r")

    return tell


def _finish(settings: HomeSettings, terminal: Terminal, done: Rebuilt) -> bool:
    home = Home.create(settings, units=None, now=utc_now())
    try:
        catch_up(home, seconds=None)
    except TROUBLES as error:
        log.warning("the index is brought up when it can be used: %s", error)
    terminal.say("say.rebuilt", events=done.events, adopted=done.adopted)
    terminal.findings(done.problems)
    shown = [asdict(one) for one in done.problems]
    terminal.answer({"events": done.events, "adopted": done.adopted, "problems": shown})
    return not done.problems
