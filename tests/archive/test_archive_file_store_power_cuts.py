"""Power fails between any two calls: what was acknowledged is whole, what was not is whole or not there."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from simulated_disk import SUBSETS_MAX, Change, SimulatedDisk, states_after_a_cut

from archive.digest import sha256_of_bytes
from archive.errors import DigestMismatch, KeyTaken, ObjectNotFound, StoreUnavailable
from archive.stores.file import FileStore
from archive.stores.filesystem import LocalFiles
from archive.stores.port import StoredObject

pytestmark = pytest.mark.embedded("store")  # about files

NOW = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
END = NOW + timedelta(days=90)
LATER = END + timedelta(days=365)
ROOT = Path("/kho/objects")
BEFORE, AFTER = "0123456789abcdef-41-1", "fedcba9876543210-42-2"  # a process of before the cut, and one after
FIRST, SECOND, OTHER = "packages/ab/abc/0001", "packages/ab/abc/0002", "packages/xy/xyz/0001"
RECEIVED, FROZEN = "staging/b/i/received", "staging/b/i/archived-1"
KEYS = (FIRST, SECOND, OTHER, RECEIVED, FROZEN)
BODIES = {key: f"{key}\n".encode() * size for key, size in zip(KEYS, (80, 1, 300, 60, 0), strict=True)}

Found = StoredObject | None


@dataclass(frozen=True)
class Act:
    """One act on a key: the changes made before it began and before it returned, and what it left."""

    key: str
    began: int
    returned: int
    left: Found


@dataclass
class Story:
    """Acts on a store, each written down when it has returned."""

    files: SimulatedDisk
    folder: Path
    acts: list[Act] = field(default_factory=list)
    seen_by: Any = None  # the file system as the acting process sees it; None: the disk itself

    @property
    def count(self) -> int:
        return len(self.files.changes)

    def store(self) -> FileStore:
        return FileStore(ROOT, files=self.seen_by or self.files, owner=lambda: BEFORE)

    def now(self, key: str) -> StoredObject:
        left = next(act.left for act in reversed(self.acts) if act.key == key)
        assert left is not None
        return left

    def put(self, key: str, *, retain_until: datetime | None = END, sha256: str | None = None) -> None:
        """Put, or be told that the key is taken: then what is there must stay, too."""
        began = self.count
        body = self.folder / sha256_of_bytes(key.encode())
        body.write_bytes(BODIES[key])
        sha256 = sha256 or sha256_of_bytes(BODIES[key])
        store = self.store()
        try:
            left = store.put(key, body, sha256=sha256, retain_until=retain_until, now=NOW)
        except KeyTaken:
            left = store.head(key)
        self.acts.append(Act(key, began, self.count, left))

    def extend(self, key: str, end: datetime) -> None:
        began = self.count
        left = self.store().extend(key, self.now(key).version_id, end)
        self.acts.append(Act(key, began, self.count, left))

    def hold(self, key: str, *, held: bool) -> None:
        began = self.count
        left = self.store().set_hold(key, self.now(key).version_id, held=held)
        self.acts.append(Act(key, began, self.count, left))

    def delete(self, key: str) -> None:
        began = self.count
        self.store().delete(key, self.now(key).version_id, now=NOW)
        self.acts.append(Act(key, began, self.count, None))

    def may_be(self, key: str, count: int) -> list[Found]:
        """Return what a key may hold after count changes: what the last act left, or one that was under way."""
        acts = [act for act in self.acts if act.key == key]
        finished = [act for act in acts if act.returned <= count]
        last = max(finished, key=lambda act: act.returned).left if finished else None
        return [last, *(act.left for act in acts if act.began < count < act.returned)]


def _live(story: Story) -> None:
    story.put(FIRST)
    story.put(SECOND)
    story.put(RECEIVED, retain_until=None)
    story.extend(FIRST, LATER)
    story.hold(FIRST, held=True)
    story.put(FROZEN, retain_until=None)
    story.delete(RECEIVED)
    with pytest.raises(DigestMismatch):
        story.put(RECEIVED, sha256=sha256_of_bytes(b"khac"))
    story.put(FIRST)
    story.put(OTHER)
    story.delete(FROZEN)
    story.put(RECEIVED, retain_until=None)
    story.hold(FIRST, held=False)
    story.extend(OTHER, LATER)
    story.extend(OTHER, LATER)
    story.delete(RECEIVED)
    story.put(RECEIVED)


def _found(store: FileStore, key: str) -> Found:
    try:
        stored = store.head(key)
        with store.read(key, stored.version_id) as stream:
            assert stream.read() == BODIES[key], f"{key} is torn"
    except ObjectNotFound:
        return None
    return stored


def _check(disk: SimulatedDisk, may_be: dict[str, list[Found]], folder: Path) -> None:
    """Start again after the cut and compare; then use the store as if nothing had been."""
    store = FileStore(ROOT, files=disk, owner=lambda: AFTER)
    store.sweep()
    found = {key: _found(store, key) for key in may_be}
    for key in may_be:
        assert found[key] in may_be[key], f"{key} is not as it was acknowledged"
    assert list(store.list_versions()) == [found[key] for key in sorted(found) if found[key] is not None]
    assert store.leftovers() == []
    assert store.sweep() == 0
    for key in may_be:
        if found[key] is None and len(may_be[key]) > 1:
            body = folder / "again"
            body.write_bytes(BODIES[key])
            store.put(key, body, sha256=sha256_of_bytes(BODIES[key]), retain_until=END, now=NOW)
            assert _found(store, key) is not None


def _cuts(story: Story, since: int, subsets_max: int) -> Iterator[tuple[SimulatedDisk, dict[str, list[Found]]]]:
    """Yield every state of every moment once, the last moment first, with what may be found in it."""
    seen = set()
    for count in reversed(range(since, story.count + 1)):
        may_be = {key: story.may_be(key, count) for key in {act.key for act in story.acts}}
        for disk in states_after_a_cut(story.files.changes[:count], subsets_max):
            state = (disk.fingerprint(), str(may_be))
            if state not in seen:
                seen.add(state)
                yield disk, may_be


def _check_all(story: Story, since: int = 0, subsets_max: int = SUBSETS_MAX) -> int:
    states = 0
    for disk, may_be in _cuts(story, since, subsets_max):
        _check(disk, may_be, story.folder)
        states += 1
    return states


def _survives(story: Story) -> bool:
    try:
        _check_all(story)
    except (AssertionError, StoreUnavailable):
        return False
    return True


def test_whatever_a_power_cut_leaves_nothing_acknowledged_is_lost_and_nothing_torn_is_readable(
    tmp_path: Path,
) -> None:
    story = Story(SimulatedDisk(), tmp_path)
    _live(story)

    assert _check_all(story) > 600


class _Killed(BaseException):
    """The process is gone: nothing it would still have done happens."""


def _die() -> None:
    raise _Killed


class _Seen:
    """The disk as one process sees it, to whom something happens before its n-th call and any later one."""

    def __init__(self, disk: SimulatedDisk, calls: int) -> None:
        self._disk = disk
        self.happening: Callable[[], None] = _die
        self.left = calls
        self.alone = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                self.happening()
            return getattr(self._disk, name)(*given, **named)

        return call

    @contextmanager
    def exclusive(self, path: Path) -> Iterator[None]:
        with self._disk.exclusive(path):
            self.alone = True
            yield
            self.alone = False


def _killed_then(folder: Path, act: Callable[[Story], None], *before: Callable[[Story], None]) -> int:
    """Kill one process before its n-th call, for all n; let another do the same act; then cut the power."""
    states = calls = 0
    while True:
        story = Story(SimulatedDisk(), folder)
        story.store()
        for earlier in before:
            earlier(story)
        story.seen_by = _Seen(story.files, calls)
        unfinished = list(story.acts)
        try:
            act(story)
        except _Killed:
            story.acts = unfinished
        if story.seen_by.left >= 0:
            return states
        story.seen_by = None
        act(story)
        states += _check_all(story, since=story.acts[-1].returned)
        calls += 1


def test_what_a_killed_process_left_unsynced_is_synced_by_the_next_that_relies_on_it(tmp_path: Path) -> None:
    states = _killed_then(tmp_path, lambda story: story.put(FIRST))
    states += _killed_then(tmp_path, lambda story: story.extend(FIRST, LATER), lambda story: story.put(FIRST))
    states += _killed_then(tmp_path, lambda story: story.hold(FIRST, held=True), lambda story: story.put(FIRST))

    assert states > 100


def _once_others_may(seen: _Seen, waiting: list[Callable[[], None]]) -> None:
    if waiting and not seen.alone:
        waiting.pop()()


def _in_the_middle_of_a_put(
    folder: Path, prepare: Callable[[Story], object], act: Callable[[Story], None], *, every: int
) -> int:
    """Put, and let another process act before its n-th call, `every` calls later each time; then cut the power."""
    states = calls = 0
    while True:
        story = Story(SimulatedDisk(), folder)
        prepare(story)
        earlier = len(story.acts)
        seen = _Seen(story.files, calls)
        other = Story(story.files, folder, story.acts)

        waiting = [partial(act, other)]
        seen.happening = partial(_once_others_may, seen, waiting)
        story.seen_by = seen
        story.put(FIRST)
        if waiting:
            return states
        states += _check_all(story, since=min(done.returned for done in story.acts[earlier:]))
        calls += every


def _put_later_deleted(story: Story) -> None:
    story.put(SECOND, retain_until=None)


def _live_beside(story: Story) -> None:
    story.put(SECOND, retain_until=None)
    story.put(OTHER)
    story.extend(OTHER, LATER)
    story.delete(SECOND)
    story.put(RECEIVED, retain_until=None)


BESIDE: dict[str, tuple[Callable[[Story], object], Callable[[Story], None]]] = {
    "put the same": (Story.store, lambda story: story.put(FIRST)),
    "put another": (Story.store, lambda story: story.put(SECOND)),
    "delete another": (_put_later_deleted, lambda story: story.delete(SECOND)),
    "live": (Story.store, _live_beside),
}


@pytest.mark.parametrize(
    ("beside", "every", "at_least"),
    [
        ("put the same", 1, 200),
        ("put another", 1, 300),
        ("delete another", 4, 800),
        pytest.param("delete another", 1, 3000, marks=pytest.mark.drill),
        pytest.param("live", 1, 3000, marks=pytest.mark.drill),
    ],
)
def test_a_put_and_another_process_in_the_middle_of_it_keep_what_each_acknowledged(
    tmp_path: Path, beside: str, every: int, at_least: int
) -> None:
    assert _in_the_middle_of_a_put(tmp_path, *BESIDE[beside], every=every) > at_least


class _Forgetful(SimulatedDisk):
    """A disk on which the n-th sync, or every sync from the n-th on, is left out."""

    def __init__(self, forgets: Callable[[int], bool]) -> None:
        super().__init__()
        self._forgets = forgets
        self.syncs = 0

    def do(self, change: Change) -> None:
        if change.act == "sync":
            self.syncs += 1
            if self._forgets(self.syncs):
                return
        super().do(change)


def _story_of_a_put(folder: Path, forgets: Callable[[int], bool]) -> tuple[Story, int]:
    disk = _Forgetful(forgets)
    story = Story(disk, folder)
    story.put(FIRST)
    return story, disk.syncs


def test_each_sync_of_a_put_is_needed(tmp_path: Path) -> None:
    whole, syncs = _story_of_a_put(tmp_path, lambda count: False)

    assert _survives(whole)
    needless = [
        forgotten
        for forgotten in range(1, syncs + 1)
        if _survives(_story_of_a_put(tmp_path, lambda count: count == forgotten)[0])  # noqa: B023 - called here
    ]
    assert needless == []
    assert syncs == 11


@pytest.mark.parametrize("act", ["extend", "hold", "delete"])
def test_an_act_that_is_not_synced_is_found_out(tmp_path: Path, act: str) -> None:
    late = False
    story = Story(_Forgetful(lambda count: late), tmp_path)
    story.put(FIRST, retain_until=None)
    late = True
    if act == "extend":
        story.extend(FIRST, END)
    elif act == "hold":
        story.hold(FIRST, held=True)
    else:
        story.delete(FIRST)

    assert not _survives(story)


def test_the_simulated_disk_ends_up_like_a_real_one(tmp_path: Path) -> None:
    story = Story(SimulatedDisk(), tmp_path)
    _live(story)
    real = Story(SimulatedDisk(), tmp_path)
    root = tmp_path / "kho" / "objects"
    real.store = lambda: FileStore(root, files=LocalFiles())  # type: ignore[method-assign]
    _live(real)

    simulated = {path.removeprefix(f"{ROOT}/") for path in story.files.tree() if path.startswith(f"{ROOT}/")}
    assert {str(path.relative_to(root)) for path in root.rglob("*")} == simulated
