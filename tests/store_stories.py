"""Acts on a file store over a simulated disk, and what may be found after a power cut in the middle of them."""

import threading
from base64 import b32encode
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cut_states import SHORT, Thoroughness, states_after_a_cut
from simulated_disk import Image, SimulatedDisk

from archive.digest import sha256_of_bytes
from archive.errors import KeyTaken, ObjectLocked, ObjectNotFound, StoreUnavailable
from archive.stores.file import FileStore
from archive.stores.port import StoredObject

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


class KnownIds:
    """Ids that come out alike each time a story is told, each thread's apart from the others'."""

    def __init__(self) -> None:
        self._given: Counter[str] = Counter()

    def __call__(self) -> str:
        who = threading.current_thread().name
        self._given[who] += 1
        return b32encode(sha256(f"{who} {self._given[who]}".encode()).digest()[:16]).decode()[:26].lower()

    def again(self) -> None:
        """Begin anew."""
        self._given.clear()


IDS = KnownIds()  # a test has the store draw from it


@dataclass
class Act:
    """One act on a key: the changes made before it began and before it ended, and what it left.

    acknowledged: it returned, and did not raise. again: does the same once more on some store; done: says whether
    what a key holds is as the act is to leave it.
    """

    key: str
    began: int
    ended: int
    left: Found
    again: Callable[[FileStore], Found]
    done: Callable[[Found], bool]
    acknowledged: bool = True
    deletes: str | None = None  # the version that is gone when it is acknowledged


@dataclass
class Story:
    """Acts on a store, each written down when it has ended, by one process or several, each a named thread.

    views: the file system as a process sees it, by its thread's name; of others, the disk itself.
    """

    files: SimulatedDisk
    folder: Path
    acts: list[Act] = field(default_factory=list)
    views: dict[str, Any] = field(default_factory=dict)
    glimpsed: dict[str, StoredObject] = field(default_factory=dict)

    def __post_init__(self) -> None:
        IDS.again()

    @property
    def count(self) -> int:
        return len(self.files.changes)

    def store(self) -> FileStore:
        files = self.views.get(threading.current_thread().name, self.files)
        return FileStore(ROOT, files=files, owner=lambda: BEFORE)

    def _version(self, key: str) -> str:
        found = self.store().head(key)
        self.glimpsed[key] = found
        return found.version_id

    def put(self, key: str, *, retain_until: datetime | None = END, digest: str | None = None) -> None:
        """Put, or be told that the key is taken: then what is there must stay, too."""
        body = self.folder / sha256_of_bytes(key.encode())
        if not body.exists():
            body.write_bytes(BODIES[key])
        sha256 = digest or sha256_of_bytes(BODIES[key])

        def once(store: FileStore) -> StoredObject:
            try:
                return store.put(key, body, sha256=sha256, retain_until=retain_until, now=NOW)
            except KeyTaken:
                return store.head(key)

        self._do(key, once, lambda found: found is not None)

    def extend(self, key: str, end: datetime) -> None:
        """Move the end of the lock of what a key holds."""
        version = self._version(key)

        def done(found: Found) -> bool:
            return found is None or (found.retain_until is not None and found.retain_until >= end)

        self._do(key, lambda store: store.extend(key, version, end), done)

    def hold(self, key: str, *, held: bool) -> None:
        """Hold what a key holds, or lift that."""
        version = self._version(key)

        def done(found: Found) -> bool:
            return found is None or found.held == held

        self._do(key, lambda store: store.set_hold(key, version, held=held), done)

    def delete(self, key: str) -> None:
        """Delete what a key holds."""
        version = self._version(key)

        def done(found: Found) -> bool:
            return found is None or found.held or found.version_id != version

        self._do(key, lambda store: store.delete(key, version, now=NOW), done, deletes=version)

    def sweep(self) -> None:
        """Sweep the store; of no object anything may change."""
        self.store().sweep()

    def _do(
        self,
        key: str,
        once: Callable[[FileStore], Found],
        done: Callable[[Found], bool],
        *,
        deletes: str | None = None,
    ) -> None:
        began = self.count
        try:
            left = once(self.store())
        except (ObjectNotFound, ObjectLocked, StoreUnavailable):
            seen = self.glimpsed.get(key)
            self.acts.append(Act(key, began, self.count, seen, once, done, acknowledged=False))
            raise
        self.acts.append(Act(key, began, self.count, left, once, done, deletes=deletes))

    def may_be(self, key: str, count: int) -> list[Found]:
        """Return what a key may hold after count changes: what the last act left, or one that was under way."""
        finished = [act for act in self.acts if act.key == key and act.acknowledged and act.ended <= count]
        gone = {act.deletes for act in finished}
        there = [act for act in finished if act.left is not None and act.left.version_id not in gone]
        last = max(there, key=lambda act: act.ended).left if there else None
        # What was put and not acknowledged may be there until somebody's delete of it is.
        refused = [
            act.left
            for act in self.acts
            if act.key == key and not act.acknowledged and act.began < count
            if act.left is not None and act.left.version_id not in gone
        ]
        under_way = [act.left for act in self.under_way(count) if act.key == key and act.acknowledged]
        return [last, *under_way, *refused]

    def under_way(self, count: int) -> list[Act]:
        """Return the acts that had begun and not ended after count changes."""
        return [act for act in self.acts if act.began < count < act.ended]


def found_in(store: FileStore, key: str) -> Found:
    """Return what a key holds, its bytes read whole and compared."""
    try:
        stored = store.head(key)
        with store.read(key, stored.version_id) as stream:
            assert stream.read() == BODIES[key], f"{key} is torn"
    except ObjectNotFound:
        return None
    return stored


def _recovered(disk: SimulatedDisk) -> FileStore:
    store = FileStore(ROOT, files=disk, owner=lambda: AFTER)
    store.sweep()
    return store


def _recover(disk: SimulatedDisk) -> dict[str, Found]:
    """Start again after the cut; return what every key holds. Started once more, nothing changes."""
    store = _recovered(disk)
    found = {key: found_in(store, key) for key in KEYS}
    assert list(store.list_versions()) == [found[key] for key in sorted(found) if found[key] is not None]
    assert store.leftovers() == []
    once = disk.image()
    assert _recovered(disk).sweep() == 0
    assert disk.image() == once, "recovered twice is not recovered once"
    return found


def _end(disk: SimulatedDisk, act: Act) -> None:
    """Do again what was under way, and once more: then nothing changes."""
    left = _again(act, _recovered(disk))
    assert act.done(left), f"{act.key}: done again, it is not done"
    ended = disk.image()
    assert _again(act, _recovered(disk)) == left
    assert disk.image() == ended, "done twice is not done once"


def _again(act: Act, store: FileStore) -> Found:
    """Do an act again and return what its key holds then."""
    with suppress(ObjectNotFound, ObjectLocked):
        act.again(store)
    return found_in(store, act.key)


@dataclass
class Tally:
    """The distinct images looked at so far with what each holds, and the moments at which they may be met."""

    images: dict[Image, dict[str, Found]] = field(default_factory=dict)
    moments: set[tuple[Image, str]] = field(default_factory=set)
    recovered_from: set[Image] = field(default_factory=set)

    def check(self, story: Story, *, since: int = 0, thorough: Thoroughness = SHORT) -> int:
        """Look at every state of every moment, the last first; return how many images were new."""
        before = len(self.images)
        for count in reversed(range(since, story.count + 1)):
            for image, disk in states_after_a_cut(story.files.changes[:count], thorough):
                self._look(story, count, image, disk)
        return len(self.images) - before

    def check_recovery(self, story: Story, *, since: int = 0, thorough: Thoroughness = SHORT) -> int:
        """Cut the power again while each state is recovered from; return how many images were new."""
        before = len(self.images)
        for count in range(since, story.count + 1):
            for image, disk in states_after_a_cut(story.files.changes[:count], thorough):
                if image in self.recovered_from:
                    continue
                self.recovered_from.add(image)
                started = disk.copy()
                _recovered(disk)
                for at in range(1, len(disk.changes) + 1):
                    for second, again in states_after_a_cut(disk.changes[:at], thorough, before=started):
                        self._look(story, count, second, again)
        return len(self.images) - before

    def _look(self, story: Story, count: int, image: Image, disk: SimulatedDisk) -> None:
        """Start an image again once, and see that what it holds may be there at this moment."""
        may_be = {key: story.may_be(key, count) for key in KEYS}
        moment = (image, str(may_be))
        if moment in self.moments:
            return
        self.moments.add(moment)
        if image not in self.images:
            self.images[image] = _recover(disk.copy())
        for key, found in self.images[image].items():
            assert found in may_be[key], f"{key} is not as it was acknowledged"
        for act in story.under_way(count):
            _end(disk, act)


def survives(story: Story) -> bool:
    """Say whether whatever a cut leaves of a story is as it must be."""
    try:
        Tally().check(story)
    except (AssertionError, StoreUnavailable):
        return False
    return True
