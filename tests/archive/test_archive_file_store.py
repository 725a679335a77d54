"""Objects as plain files: what a stranger finds on the disk, full and failing disks, kills, races and damage."""

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from io import RawIOBase
from pathlib import Path
from typing import Any

import pytest

from archive.digest import sha256_of_bytes
from archive.errors import KeyTaken, ObjectDamaged, ObjectNotFound, StoreUnavailable, UnknownUrl
from archive.stores.about import about_bytes, read_about
from archive.stores.file import FileStore
from archive.stores.filesystem import LocalFiles
from archive.stores.memory import MemoryStore
from archive.stores.open import open_store
from archive.stores.port import StoredObject
from archive.stores.temporaries import is_abandoned, new_name, this_process

pytestmark = pytest.mark.embedded("store")  # about files

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
END = datetime(2027, 2, 22, 3, 4, 5, tzinfo=UTC)
LATER = END + timedelta(days=365)
KEY = "packages/ab/abc/0001"
BODY = b"noi dung\n" * 300
GONE = "0123456789abcdef-41-1"  # a process of another boot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "kho"


@pytest.fixture
def store(root: Path) -> FileStore:
    return FileStore(root)


@pytest.fixture
def body(tmp_path: Path) -> Path:
    path = tmp_path / "body"
    path.write_bytes(BODY)
    return path


def _put(store: FileStore, body: Path, key: str = KEY, retain_until: datetime | None = END) -> StoredObject:
    return store.put(key, body, sha256=sha256_of_bytes(body.read_bytes()), retain_until=retain_until, now=NOW)


def _read(store: FileStore, stored: StoredObject) -> bytes:
    with store.read(stored.key, stored.version_id) as stream:
        return stream.read()


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# What a stranger finds


def test_an_object_can_be_read_and_checked_without_our_code(root: Path, store: FileStore, body: Path) -> None:
    stored = _put(store, body)

    assert _files(root) == [".lock", "LAYOUT.txt", f"{KEY}/about.json", f"{KEY}/object"]
    assert (root / KEY / "object").read_bytes() == BODY
    text = (root / KEY / "about.json").read_text()
    lines = (
        "{\n"
        f'  "key": "{KEY}",\n'
        f'  "version_id": "{stored.version_id}",\n'
        f'  "sha256": "{hashlib.sha256(BODY).hexdigest()}",\n'
        '  "length": 2700,\n'
        '  "stored_at": "2026-11-24T03:04:05Z",\n'
        '  "retain_until": "2027-02-22T03:04:05Z",\n'
        '  "held": false,\n'
    )
    assert text == lines + f'  "about_sha256": "{hashlib.sha256(lines.encode()).hexdigest()}"\n}}\n'
    assert json.loads(text)["retain_until"] == "2027-02-22T03:04:05Z"


def test_nobody_may_write_what_is_stored_and_only_its_owner_may_enter(
    root: Path, store: FileStore, body: Path
) -> None:
    stored = _put(store, body)
    store.extend(KEY, stored.version_id, LATER)

    assert [(root / KEY / name).stat().st_mode & 0o777 for name in ("object", "about.json")] == [0o444, 0o444]
    assert root.stat().st_mode & 0o777 == 0o700


def test_a_deleted_object_leaves_no_empty_folders(root: Path, store: FileStore, body: Path) -> None:
    kept = _put(store, body, "packages/ab/other/0001")
    stored = _put(store, body, retain_until=None)

    store.delete(KEY, stored.version_id, now=NOW)

    assert not (root / "packages/ab/abc").exists()
    assert _read(store, kept) == BODY
    assert _names(root / ".tmp") == []


def test_an_about_file_tells_of_every_changed_byte() -> None:
    stored = StoredObject(KEY, "v", "0" * 64, 7, END, True, NOW)
    data = about_bytes(stored)

    assert read_about(data, KEY) == stored
    assert read_about(data, "packages/ab/abc/0002") is None
    for position in range(len(data)):
        for other in (data[position] ^ 1, data[position] ^ 0x20):
            assert read_about(data[:position] + bytes([other]) + data[position + 1 :], KEY) is None
        assert read_about(data[:position], KEY) is None
        assert read_about(data[:position] + data[position + 1 :], KEY) is None
    assert read_about(data + b"\n", KEY) is None


# Full and failing disks


class _Failing:
    """The disk of this host, but its n-th call fails: before or after it did its work."""

    def __init__(self, fault: int, *, after: bool) -> None:
        self._files = LocalFiles()
        self._fault, self._after = fault, after
        self.left = sys.maxsize

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left != 0:
                return getattr(self._files, name)(*given, **named)
            if self._after or name == "close":  # a handle is gone even when closing it fails
                done = getattr(self._files, name)(*given, **named)
                if hasattr(done, "close"):
                    done.close()
                elif name == "create":
                    os.close(done)
            raise OSError(self._fault, os.strerror(self._fault))

        return call


def _acts(store: FileStore, body: Path) -> dict[str, Callable[[], object]]:
    version_id = store.head("kept").version_id
    return {
        "put": lambda: _put(store, body),
        "extend": lambda: store.extend("kept", version_id, LATER),
        "hold": lambda: store.set_hold("kept", version_id, held=True),
        "delete": lambda: store.delete("kept", version_id, now=END),
    }


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EIO])
@pytest.mark.parametrize("act", ["put", "extend", "hold", "delete"])
def test_a_disk_that_fails_at_any_call_shows_nothing_half_done_and_serves_again(
    tmp_path: Path, body: Path, act: str, fault: int, after: bool
) -> None:
    failures = 0
    for calls in range(1, 100):
        root = tmp_path / f"kho-{calls}"
        files = _Failing(fault, after=after)
        store = FileStore(root, files=files)
        before = _put(store, body, "kept")
        files.left = calls
        try:
            _acts(store, body)[act]()
        except StoreUnavailable:
            failures += 1
        else:
            if files.left > 0:
                break
        files.left = sys.maxsize
        _check_after_failure(store, body, act, before)
        assert act == "delete" or _names(root / ".tmp") == []
    assert failures >= 6
    assert calls < 99


def _check_after_failure(store: FileStore, body: Path, act: str, before: StoredObject) -> None:
    assert store.leftovers() == []
    found = list(store.list_versions())
    assert all(_read(store, stored) == BODY for stored in found)
    kept = [stored for stored in found if stored.key == "kept"]
    if act == "put":
        assert kept == [before]
        with suppress(KeyTaken):
            _put(store, body)
        assert _read(store, store.head(KEY)) == BODY
    elif act == "delete":
        assert kept in ([], [before])
    else:
        assert len(kept) == 1
        assert (kept[0].held, kept[0].retain_until) in [
            (False, END),
            (act == "hold", LATER if act == "extend" else END),
        ]
        _acts(store, body)[act]()
        assert store.head("kept") != before


CHANGING = re.compile("make_folder|create|write|make_read_only|rename_folder|replace_file|remove_.*|exclusive")


class _ReadOnly(LocalFiles):
    """A disk mounted read-only."""

    def __getattribute__(self, name: str) -> Any:
        if CHANGING.fullmatch(name):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS))
        return super().__getattribute__(name)


def test_a_store_that_cannot_be_written_is_still_read(root: Path, store: FileStore, body: Path) -> None:
    stored = _put(store, body, "kept")

    read_only = FileStore(root, files=_ReadOnly())

    assert (read_only.head("kept"), _read(read_only, stored)) == (stored, BODY)
    assert (list(read_only.list_versions()), read_only.leftovers(), read_only.sweep()) == ([stored], [], 0)
    for act in _acts(read_only, body).values():
        with pytest.raises(StoreUnavailable):
            act()


def test_a_folder_that_cannot_become_a_store_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for root in (tmp_path / "file", tmp_path / "file" / "kho"):
        with pytest.raises(StoreUnavailable):
            FileStore(root)


class _BadSector(LocalFiles):
    """A disk on which the bytes of objects cannot be read."""

    def open(self, path: Path) -> Any:
        stream = super().open(path)
        return _Unreadable(stream) if path.name == "object" else stream


class _Unreadable(RawIOBase):
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._stream.seek(offset, whence))

    def read(self, size: int = -1) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def readinto(self, buffer: Any) -> int:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    def close(self) -> None:
        self._stream.close()
        super().close()


def test_a_bad_sector_is_told_as_such(root: Path, store: FileStore, body: Path) -> None:
    stored = _put(store, body)
    failing = FileStore(root, files=_BadSector())

    with pytest.raises(ObjectDamaged):
        _read(failing, stored)
    with pytest.raises(ObjectDamaged):
        failing.read_range(KEY, stored.version_id, 0, 10)


# Damage is named, never passed over in silence


def _damage_about(folder: Path) -> str:
    (folder / "about.json").unlink()
    (folder / "about.json").write_text('{"retain_until": null}')
    return f"{KEY}/about.json"


def _remove_about(folder: Path) -> str:
    (folder / "about.json").unlink()
    return f"{KEY}/about.json"


def _exchange_about(folder: Path) -> str:
    shutil.copy(folder.parent.parent / "other" / "0001" / "about.json", folder / "x")
    (folder / "x").replace(folder / "about.json")
    return f"{KEY}/about.json"


def _cut_object(folder: Path) -> str:
    (folder / "object").chmod(0o600)
    os.truncate(folder / "object", 100)
    return f"{KEY}/object"


def _lengthen_object(folder: Path) -> str:
    os.truncate(folder / "object", len(BODY) + 1)
    return f"{KEY}/object"


def _remove_object(folder: Path) -> str:
    (folder / "object").unlink()
    return f"{KEY}/object"


def _link_object(folder: Path) -> str:
    (folder / "object").rename(folder.parent.parent.parent / "elsewhere")
    (folder / "object").symlink_to(folder.parent.parent.parent / "elsewhere")
    return f"{KEY}/object"


def _pipe_about(folder: Path) -> str:
    (folder / "about.json").unlink()
    os.mkfifo(folder / "about.json")
    return f"{KEY}/about.json"


DAMAGES = [
    _damage_about,
    _remove_about,
    _exchange_about,
    _cut_object,
    _lengthen_object,
    _remove_object,
    _link_object,
    _pipe_about,
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_object_is_named_refused_and_hides_no_other(
    root: Path, store: FileStore, body: Path, damage: Callable[[Path], str]
) -> None:
    stored, other = _put(store, body), _put(store, body, "packages/ab/other/0001")

    named = damage(root / KEY)

    assert named in store.leftovers()
    with pytest.raises(StoreUnavailable):
        _read(store, stored)
    with pytest.raises(StoreUnavailable):
        store.read_range(KEY, stored.version_id, 0, 10)
    assert other in store.list_versions()
    assert _read(store, other) == BODY
    with pytest.raises(KeyTaken):
        _put(store, body)
    if named.endswith("about.json"):
        acts: list[Callable[[], object]] = [
            lambda: store.head(KEY),
            lambda: store.extend(KEY, stored.version_id, LATER),
            lambda: store.delete(KEY, stored.version_id, now=LATER),
        ]
        for act in acts:
            with pytest.raises(StoreUnavailable):
                act()
        assert stored not in store.list_versions()


@pytest.mark.parametrize(
    "strange",
    [
        "stray",
        "packages/stray",
        "packages/ab/Thumbs.db",
        f"{KEY}/stray",
        "packages/Ab/stray",
        ".tmp/stray",
        ".hidden",
        "LAYOUT.txt~",
    ],
)
def test_a_strange_file_is_named_and_left_alone(root: Path, store: FileStore, body: Path, strange: str) -> None:
    stored = _put(store, body)
    (root / strange).parent.mkdir(exist_ok=True)
    (root / strange).write_bytes(b"x")

    assert [strange.removesuffix("/stray") if "Ab" in strange else strange] == store.leftovers()
    assert store.sweep() == 0
    assert (root / strange).read_bytes() == b"x"
    assert [stored] == list(store.list_versions())


def test_a_link_in_place_of_a_folder_is_named_not_followed(root: Path, store: FileStore, body: Path) -> None:
    _put(store, body)
    (root / "packages" / "zz").symlink_to(root / "packages" / "ab")

    assert store.leftovers() == ["packages/zz"]


def test_a_store_that_is_not_mounted_is_unavailable_not_empty(root: Path, store: FileStore, body: Path) -> None:
    stored = _put(store, body)
    root.rename(root.with_name("elsewhere"))

    acts: list[Callable[[], object]] = [
        lambda: store.head(KEY),
        lambda: _read(store, stored),
        lambda: list(store.list_versions()),
        lambda: list(store.list_versions("packages/")),
        store.leftovers,
        store.sweep,
        lambda: _put(store, body),
    ]
    for act in acts:
        with pytest.raises(StoreUnavailable):
            act()
    assert not root.exists()


def test_a_folder_with_other_things_in_it_is_not_made_a_store(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_bytes(b"x")

    with pytest.raises(StoreUnavailable):
        FileStore(tmp_path)
    assert _names(tmp_path) == ["letter.txt"]


def test_a_store_of_another_layout_is_refused(root: Path, store: FileStore) -> None:
    (root / "LAYOUT.txt").unlink()
    (root / "LAYOUT.txt").write_text("sohoa object store, layout 2\n")

    with pytest.raises(StoreUnavailable):
        FileStore(root)


def test_a_store_restored_without_its_empty_folders_works(root: Path, store: FileStore, body: Path) -> None:
    (root / ".tmp").rmdir()

    restored = FileStore(root)

    assert _read(restored, _put(restored, body)) == BODY


# Unfinished work


def test_only_unfinished_work_of_processes_that_are_gone_is_swept(root: Path, store: FileStore) -> None:
    mine, dead = root / ".tmp" / new_name(this_process()), root / ".tmp" / new_name(GONE)
    lone = root / ".tmp" / new_name(GONE)
    for folder in (mine, dead):
        folder.mkdir()
        (folder / "object").write_bytes(b"half")
    lone.write_bytes(b"half")

    assert store.leftovers() == sorted(f".tmp/{path.name}" for path in (dead, lone))
    assert store.sweep() == 2
    assert (store.leftovers(), store.sweep()) == ([], 0)
    assert (mine / "object").read_bytes() == b"half"


def test_a_put_whose_unfinished_work_was_taken_away_fails_and_leaves_nothing(root: Path, body: Path) -> None:
    class Swept(LocalFiles):
        def sync_folder(self, folder: Path) -> None:
            if folder.parent.name == ".tmp" and other.sweep() != 1:
                raise AssertionError("the other process saw nothing to sweep")
            super().sync_folder(folder)

    store, other = FileStore(root, files=Swept(), owner=lambda: GONE), FileStore(root)

    with pytest.raises(StoreUnavailable):
        _put(store, body)
    assert _files(root) == ["LAYOUT.txt"]


def test_a_process_is_told_apart_from_a_later_one_with_its_number() -> None:
    boot, pid, started = this_process().split("-")
    done = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, done.pid, os.WEXITED | os.WNOWAIT)  # it has ended, nobody has asked how

    assert is_abandoned(new_name(this_process())) is False
    assert is_abandoned(new_name(f"{boot}-{pid}-{int(started) - 1}")) is True
    assert is_abandoned(new_name(f"{'0' * 16}-{pid}-{started}")) is True
    assert is_abandoned(new_name(f"{boot}-{done.pid}-{started}")) is True
    done.wait()
    assert is_abandoned(new_name(f"{boot}-{done.pid}-{started}")) is True
    assert [is_abandoned(name) for name in ("", "core", "a-b-c-d", f"{new_name(GONE)}x")] == [None] * 4


# Other processes

WORKER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from archive.digest import sha256_of_file
from archive.errors import KeyTaken, RetentionShortened
from archive.stores.file import FileStore
now = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
store, body, me, what = FileStore(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3], sys.argv[4]
sha256, _ = sha256_of_file(body)
def put(key, end):
    return store.put(key, body, sha256=sha256, retain_until=end, now=now)
sys.stdin.readline()
if what == "fill":
    for number in range(100000):
        stored = put(f"packages/{number % 7}/{me}/{number:06d}", now)
        print("put", stored.key, stored.version_id, flush=True)
        store.extend(stored.key, stored.version_id, now + timedelta(days=number))
        print("extended", stored.key, number, flush=True)
        if number % 3 == 2:
            gone = put(f"staging/{me}/{number}/received", None)
            store.delete(gone.key, gone.version_id, now=now)
            print("deleted", gone.key, 0, flush=True)
for number in range(60):
    try:
        put(f"race/{number:02d}", now)
        print("won", f"{number:02d}", flush=True)
    except KeyTaken:
        pass
for day in range(int(me), 120, 2):
    try:
        store.extend("shared", store.head("shared").version_id, now + timedelta(days=day))
    except RetentionShortened:
        pass
    if day == 60:
        store.set_hold("shared", store.head("shared").version_id, held=True)
"""


@contextmanager
def _workers(root: Path, body: Path, what: str) -> Iterator[list["subprocess.Popen[str]"]]:
    """Start two processes and let them go at the same moment."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, str(root), str(body), str(me), what],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for me in range(2)
    ]
    try:
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        yield workers
    finally:
        for worker in workers:
            worker.kill()
            worker.communicate()


def test_two_processes_race_for_keys_and_locks_and_lose_nothing(root: Path, store: FileStore, body: Path) -> None:
    shared = _put(store, body, "shared")

    with _workers(root, body, "race") as workers:
        said = [worker.communicate()[0].split() for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0]
    assert sorted(said[0][1::2] + said[1][1::2]) == [f"{number:02d}" for number in range(60)]
    assert len(list(store.list_versions("race/"))) == 60
    now = store.head("shared")
    assert (now.version_id, now.retain_until, now.held) == (shared.version_id, NOW + timedelta(days=119), True)
    assert store.leftovers() == []


def test_killed_processes_leave_nothing_torn_and_lose_nothing_acknowledged(
    root: Path, store: FileStore, tmp_path: Path
) -> None:
    body = tmp_path / "large"
    body.write_bytes(BODY * 400)
    versions: dict[str, str] = {}
    days: dict[str, int] = {}
    for lines in (1, 8, 21):
        with _workers(root, body, "fill") as workers:
            for line in range(lines):
                assert workers[line % 2].stdout.readline()  # type: ignore[union-attr]
            for worker in workers:
                worker.send_signal(signal.SIGKILL)
            for act, key, value in (line.split() for w in workers for line in w.communicate()[0].splitlines()):
                if act == "put":
                    versions[key] = value
                elif act == "extended":
                    days[key] = int(value)
        _check_after_kill(store, versions, days)
        shutil.rmtree(root)
        store = FileStore(root)
        versions, days = {}, {}


def _check_after_kill(store: FileStore, versions: dict[str, str], days: dict[str, int]) -> None:
    assert all(name.startswith(".tmp/") for name in store.leftovers())
    store.sweep()
    assert store.leftovers() == []
    found = {stored.key: stored for stored in store.list_versions("packages/")}
    for stored in found.values():
        assert sha256_of_bytes(_read(store, stored)) == stored.sha256 == sha256_of_bytes(BODY * 400)
    for key, version_id in versions.items():
        assert found[key].version_id == version_id
    for key, day in days.items():
        until = found[key].retain_until
        assert until is not None
        assert until >= NOW + timedelta(days=day)
    assert len(list(store.list_versions("staging/"))) <= 2


# The URL


def test_a_file_url_makes_its_folder_and_finds_it_again(tmp_path: Path, body: Path) -> None:
    url = f"file://{tmp_path}/kho%20luu/goc"

    made = open_store(url)
    assert isinstance(made, FileStore)
    stored = _put(made, body)

    assert (tmp_path / "kho luu" / "goc" / "LAYOUT.txt").is_file()
    assert open_store(url).head(KEY) == stored


def test_a_memory_store_is_shared_by_its_name(body: Path) -> None:
    first = open_store("memory:chung")
    assert isinstance(first, MemoryStore)
    stored = first.put("a", body, sha256=sha256_of_bytes(BODY), retain_until=None, now=NOW)

    assert open_store("memory:chung").head("a") == stored
    with pytest.raises(ObjectNotFound):
        open_store("memory:rieng").head("a")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/var/objects",
        "file:",
        "file://",
        "file:///",
        "file:objects",
        "file:/objects",
        "file://host/objects",
        "file:///objects?sync=no",
        "file:///objects?",
        "file:///objects#a",
        "file:///a%00b",
        "memory:a?b",
        "memory:A",
        "memory://a",
        "s3://bucket",
        "ftp:///objects",
    ],
)
def test_a_url_of_no_adapter_is_refused(url: str) -> None:
    with pytest.raises(UnknownUrl) as refusal:
        open_store(url)
    assert (refusal.value.setting, refusal.value.url) == ("ARCHIVE_STORE_URL", url)
