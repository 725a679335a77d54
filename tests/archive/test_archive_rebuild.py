"""The catalogue made again from the vault alone is the catalogue it was; a backup knows what it belongs to."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from io import BytesIO
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import stack
from full_home import AT, make_full_home
from home_of_tests import TestHome
from sqlalchemy import Engine, func, select

from archive.checks import check_events
from archive.database import reading
from archive.log import verify_log
from archive.log.notes import LogKey
from archive.log.segments import read_segment, segments_of
from archive.rebuild.acts import ACTS
from archive.rebuild.export import differences
from archive.rebuild.vault import Rebuilt, rebuild_catalogue
from archive.stores.port import ObjectStore, StoredObject
from archive.tables.copies import copy
from archive.tables.holdings import effect, record
from archive.tables.packages import package, page

ROOT = Path(__file__).parents[2]
PACKAGES = ("archive", "ingest", "retention", "search_api", "console")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> TestHome:
    """A home in which every kind of act happened."""
    return make_full_home(tmp_path_factory.mktemp("rebuild"))


def _kinds() -> Iterator[str]:
    """Yield every kind of event of the records stream that the program's sources append."""
    for path in chain.from_iterable((ROOT / name).rglob("*.py") for name in PACKAGES):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call):
                said = [
                    one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
                name = getattr(call.func, "attr", None) or getattr(call.func, "id", None)
                if (name == "append" and "records" in said) or name == "_tell":
                    yield from (one for one in said if re.fullmatch(r"[a-z-]+\.[a-z-]+", one))


def test_every_kind_of_event_can_be_done_again() -> None:
    kinds = set(_kinds())
    assert {"record.deposited", "batch.paused", "hold.placed", "fixity.checked"} <= kinds
    assert kinds - ACTS.keys() == set()


def _rebuilt(home: TestHome, folder: Path) -> tuple[Engine, Rebuilt]:
    folder.mkdir()
    engine = stack.new_engine(folder)
    key = LogKey.load(home.folder / "keys" / "log.key")
    return engine, rebuild_catalogue(engine, home.store(), key.verifier, at=AT)


def _same(home: TestHome, engine: Engine) -> None:
    with reading(home.engine()) as one, reading(engine) as other:
        assert list(differences(one, other)) == []


def test_a_rebuilt_catalogue_is_the_same(full: TestHome, tmp_path: Path) -> None:
    engine, done = _rebuilt(full, tmp_path / "again")
    assert done.problems == ()
    assert done.adopted == 0
    _same(full, engine)


def test_interrupted_at_every_segment_it_goes_on_where_it_was(full: TestHome, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    folder.mkdir()
    engine = stack.new_engine(folder)
    key = LogKey.load(full.folder / "keys" / "log.key")

    def stop(_done: int) -> None:
        raise KeyboardInterrupt

    interrupted = 0
    while True:
        try:
            done = rebuild_catalogue(engine, full.store(), key.verifier, at=AT, progress=stop)
        except KeyboardInterrupt:
            interrupted += 1
            continue
        break
    assert interrupted >= 5
    assert done.problems == ()
    _same(full, engine)
    again = rebuild_catalogue(engine, full.store(), key.verifier, at=AT)
    assert (again.events, again.adopted, again.problems) == (0, 0, ())


class _Forgetful:
    """A vault that has lost the end of its log; all else is there."""

    def __init__(self, store: ObjectStore, *, segments: int) -> None:
        self._store = store
        self._segments = segments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def list_versions(self, prefix: str = "") -> Iterator[StoredObject]:
        found = self._store.list_versions(prefix)
        return islice(found, self._segments) if prefix.startswith("log/") else found


def test_packages_the_log_does_not_tell_of_are_adopted(full: TestHome, tmp_path: Path) -> None:
    folder = tmp_path / "again"
    folder.mkdir()
    engine = stack.new_engine(folder)
    key = LogKey.load(full.folder / "keys" / "log.key")
    store: Any = _Forgetful(full.store(), segments=0)
    none = rebuild_catalogue(engine, store, key.verifier, at=AT)
    assert (none.events, none.adopted) == (0, 0)
    assert {one.fault for one in none.problems} == {"package-invalid", "copy-without-event"}
    engine, other = stack.new_engine(_made(tmp_path / "other")), stack.known_engine(full.folder)
    # The first segment ends somewhere in the work or behind it: all that is in no event before is adopted.
    done = rebuild_catalogue(engine, _Forgetful(full.store(), segments=1), key.verifier, at=AT)  # type: ignore[arg-type]
    with reading(other) as one, reading(engine) as two:
        first = min(s.next for s in map(partial(read_segment, full.store()), segments_of(full.store(), "records")))
        later = select(func.count()).select_from(package).where(package.c.deposit_event >= first)
        assert done.adopted == one.execute(later).scalar_one() >= 6
        lost = {line.split()[1] for line in differences(one, two)}
        states = [c.execute(select(record.c.id, record.c.state).order_by(record.c.id)).all() for c in (one, two)]
        effects = [c.execute(select(effect.c.id, effect.c.kind)).all() for c in (one, two)]
    assert states[0] == states[1]
    assert effects[0] == effects[1]
    assert not lost & {"page", "part", "signature", "effect"}  # elsewhere the time of adoption stands
    with reading(engine) as connection:
        assert list(check_events(engine)) == []
        assert connection.execute(select(package.c.deposit_event).where(package.c.state == "deposited")).all()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_package_that_is_damaged_or_gone_is_named_and_the_rest_restored(full: TestHome, tmp_path: Path) -> None:
    with reading(full.engine()) as connection:
        rows = connection.execute(
            select(package.c.object_key, package.c.version_id).where(package.c.kind == "content")
        ).all()
    store: Any = _Damaged(full.store(), rows[0].object_key)
    engine = stack.new_engine(_made(tmp_path / "again"))
    key = LogKey.load(full.folder / "keys" / "log.key")
    done = rebuild_catalogue(engine, store, key.verifier, at=AT)
    assert [(one.fault, one.subject) for one in done.problems] == [("digest-mismatch", rows[0].object_key)]
    with reading(engine) as connection:
        assert len(connection.execute(select(record.c.id)).all()) == 5
        assert len(connection.execute(select(page.c.record_id)).all()) == 4


class _Damaged:
    """A vault in which one object is not what it was."""

    def __init__(self, store: ObjectStore, key: str) -> None:
        self._store = store
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def read(self, key: str, version_id: str) -> Iterator[BinaryIO]:
        with self._store.read(key, version_id) as stream:
            yield BytesIO(b"rot" + stream.read()) if key == self._key else stream


def test_the_proof_of_custody_is_verified_without_the_program(full: TestHome, tmp_path: Path) -> None:
    with reading(full.engine()) as connection:
        row = connection.execute(select(copy.c.record_id, copy.c.serial).where(copy.c.status == "issued")).one()
    bundle, zipped, pdf = tmp_path / "custody.json", tmp_path / "package.zip", tmp_path / "copy.pdf"
    shown = full.ask("record", "custody", row.record_id, "-o", str(bundle))
    assert [page["image_sha256"] for page in shown["pages"]]
    full.ask("record", "export", row.record_id, "-o", str(zipped))
    full.ask("copy", "fetch", row.serial, "--purpose", "hồ sơ", "-o", str(pdf))
    files = ["--package", str(zipped), "--copy", str(pdf)]
    proven = _verify(tmp_path, str(bundle), *files)
    assert proven.returncode == 0, proven.stdout + proven.stderr
    bundle.write_text(bundle.read_text().replace(shown["pages"][0]["image_sha256"], "0" * 64))
    changed = _verify(tmp_path, str(bundle), *files)
    assert changed.returncode == 1
    assert "pages" in changed.stdout


def test_the_exported_log_is_verified_without_the_program(full: TestHome, tmp_path: Path) -> None:
    out = tmp_path / "log"
    full.ask("log", "export", str(out))
    key = next(line for line in (out / "log.vkeys").read_text().splitlines() if "/records+" in line)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(out / "verify_log.py"), str(out / "records"), "--key", key],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _verify(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = folder / "verify_log.py"
    shutil.copy(verify_log.__file__, program)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(program), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
