"""Power fails between any two calls: what was acknowledged is whole, what was not is whole or not there."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cut_states import LONG, SECTOR, SHORT, Thoroughness, states_after_a_cut, tears_of
from simulated_disk import Change, SimulatedDisk
from store_stories import (
    END,
    FIRST,
    FROZEN,
    IDS,
    LATER,
    OTHER,
    RECEIVED,
    ROOT,
    SECOND,
    Story,
    Tally,
    survives,
)
from turns import Doomed, Killed, Turns

from archive.digest import sha256_of_bytes
from archive.errors import DigestMismatch, ObjectLocked, ObjectNotFound, StoreUnavailable
from archive.stores.file import FileStore
from archive.stores.filesystem import LocalFiles

pytestmark = pytest.mark.embedded("store")  # about files

REFUSALS = (ObjectLocked, ObjectNotFound, StoreUnavailable)
IMAGES_MIN = 10_000  # of the long form
Deed = Callable[[Story], object]


@pytest.fixture(autouse=True)
def _ids_come_out_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("archive.stores.file.new_id", IDS)
    monkeypatch.setattr("archive.stores.temporaries.new_id", IDS)


def _live(story: Story) -> None:
    story.put(FIRST)
    story.put(SECOND)
    story.put(RECEIVED, retain_until=None)
    story.extend(FIRST, LATER)
    story.hold(FIRST, held=True)
    story.put(FROZEN, retain_until=None)
    story.delete(RECEIVED)
    with pytest.raises(DigestMismatch):
        story.put(RECEIVED, digest=sha256_of_bytes(b"khac"))
    story.put(FIRST)
    story.put(OTHER)
    story.delete(FROZEN)
    story.put(RECEIVED, retain_until=None)
    story.hold(FIRST, held=False)
    story.extend(OTHER, LATER)
    story.extend(OTHER, LATER)
    story.delete(RECEIVED)
    story.put(RECEIVED)


def _put_without_lock(story: Story) -> None:
    story.put(FIRST, retain_until=None)


def _put_and_held(story: Story) -> None:
    story.put(FIRST)
    story.hold(FIRST, held=True)


def _left_unfinished(story: Story) -> None:
    """Two puts that were killed in the middle, one before and one after its bytes were synced."""
    story.store()
    for calls in (16, 24):
        story.views["MainThread"] = Doomed(story.files, calls)
        with suppress(Killed):
            story.put(FIRST)
        del story.views["MainThread"]
    story.put(SECOND)


ALONE: dict[str, tuple[Deed, Deed]] = {
    "prepare": (lambda story: None, Story.store),
    "put": (Story.store, lambda story: story.put(OTHER)),
    "extend": (lambda story: story.put(FIRST), lambda story: story.extend(FIRST, LATER)),
    "hold": (lambda story: story.put(FIRST), lambda story: story.hold(FIRST, held=True)),
    "lift": (_put_and_held, lambda story: story.hold(FIRST, held=False)),
    "delete": (_put_without_lock, lambda story: story.delete(FIRST)),
    "sweep": (_left_unfinished, Story.sweep),
    "live": (Story.store, _live),
}
AT_ONCE: dict[str, tuple[Deed, Deed, Deed]] = {
    "prepare + prepare": (lambda story: None, Story.store, Story.store),
    "put + put, same key": (Story.store, lambda story: story.put(FIRST), lambda story: story.put(FIRST)),
    "put + put, beside": (Story.store, lambda story: story.put(FIRST), lambda story: story.put(SECOND)),
    "put + put, elsewhere": (Story.store, lambda story: story.put(FIRST), lambda story: story.put(OTHER)),
    "put + delete, same key": (Story.store, _put_without_lock, lambda story: story.delete(FIRST)),
    "put + delete, beside": (
        lambda story: story.put(SECOND, retain_until=None),
        lambda story: story.put(FIRST),
        lambda story: story.delete(SECOND),
    ),
    "delete + put, same key": (_put_without_lock, lambda story: story.delete(FIRST), _put_without_lock),
    "delete + hold, same key": (
        _put_without_lock,
        lambda story: story.delete(FIRST),
        lambda story: story.hold(FIRST, held=True),
    ),
    "extend + hold, same key": (
        lambda story: story.put(FIRST),
        lambda story: story.extend(FIRST, LATER),
        lambda story: story.hold(FIRST, held=True),
    ),
    "put + extend, beside": (
        lambda story: story.put(SECOND),
        lambda story: story.put(FIRST),
        lambda story: story.extend(SECOND, LATER),
    ),
    "put + hold, beside": (
        lambda story: story.put(SECOND),
        lambda story: story.put(FIRST),
        lambda story: story.hold(SECOND, held=True),
    ),
    "put + sweep": (Story.store, lambda story: story.put(FIRST), Story.sweep),
    "sweep + sweep": (_left_unfinished, Story.sweep, Story.sweep),
}


def _alone(tally: Tally, folder: Path, name: str, thorough: Thoroughness) -> int:
    before, act = ALONE[name]
    story = Story(SimulatedDisk(), folder)
    before(story)
    since = story.count
    act(story)
    return tally.check(story, since=since, thorough=thorough)


def _at_once(
    tally: Tally, folder: Path, name: str, thorough: Thoroughness, *, seconds: list[int], every: int
) -> int:
    """Let `one` make each number of calls, then `two` each of `seconds`, then `one` go on; count new images."""
    before, one, two = AT_ONCE[name]
    found = calls = 0
    while True:
        for second in seconds:
            story = Story(SimulatedDisk(), folder)
            before(story)
            since = story.count
            turns = Turns(story.files, [calls, second])
            story.views = {who: turns.view(who) for who in ("one", "two")}
            raised = turns.run(lambda: one(story), lambda: two(story))  # noqa: B023 - called here
            assert all(isinstance(error, REFUSALS) for error in raised), raised
            if turns.unused:
                return found
            found += tally.check(story, since=since, thorough=thorough)
        calls += every


@pytest.mark.parametrize("name", ALONE)
def test_whatever_a_power_cut_leaves_nothing_acknowledged_is_lost_and_nothing_torn_is_readable(
    tmp_path: Path, name: str
) -> None:
    assert _alone(Tally(), tmp_path, name, Thoroughness(32, 8)) >= {"live": 400}.get(name, 5)


WHOLLY = [1 << 20]


@pytest.mark.parametrize("name", AT_ONCE)
def test_two_processes_at_once_keep_what_each_acknowledged(tmp_path: Path, name: str) -> None:
    assert _at_once(Tally(), tmp_path, name, Thoroughness(8, 3), seconds=WHOLLY, every=4) > 5


@pytest.mark.drill
@pytest.mark.timeout(3600)
def test_ten_thousand_disk_images_lose_nothing_and_recover_once(tmp_path: Path) -> None:
    tally = Tally()
    for name in ALONE:
        print(f"{name}: {_alone(tally, tmp_path, name, LONG)} images")
    for name in AT_ONCE:
        grid = [*range(1, 40, 4), *WHOLLY]
        found = _at_once(tally, tmp_path, name, SHORT, seconds=grid, every=1)
        print(f"{name}: {found} images")
    story = Story(SimulatedDisk(), tmp_path)
    _live(story)
    print(f"cut again while recovering: {tally.check_recovery(story)} images")
    print(
        f"{len(tally.images)} distinct disk images in {len(tally.moments)} moments: "
        "0 acknowledged lost, 0 torn readable, recovered twice = once"
    )
    assert len(tally.images) >= IMAGES_MIN


def _killed_then(folder: Path, act: Deed, *before: Deed) -> int:
    """Kill one process before its n-th call, for all n; let another do the same act; then cut the power."""
    tally, calls = Tally(), 0
    while True:
        story = Story(SimulatedDisk(), folder)
        story.store()
        for earlier in before:
            earlier(story)
        unfinished = list(story.acts)
        doomed = Doomed(story.files, calls)
        story.views["MainThread"] = doomed
        with suppress(Killed):
            act(story)
        if doomed.left >= 0:
            return len(tally.images)
        story.acts = unfinished
        del story.views["MainThread"]
        act(story)
        tally.check(story, since=story.acts[-1].ended)
        calls += 1


def test_what_a_killed_process_left_unsynced_is_synced_by_the_next_that_relies_on_it(tmp_path: Path) -> None:
    assert _killed_then(tmp_path, lambda story: story.put(FIRST)) > 15
    assert _killed_then(tmp_path, lambda story: story.extend(FIRST, LATER), lambda story: story.put(FIRST)) > 3
    assert _killed_then(tmp_path, lambda story: story.hold(FIRST, held=True), lambda story: story.put(FIRST)) > 3


def test_a_cut_while_recovering_from_a_cut_leaves_nothing_else(tmp_path: Path) -> None:
    story = Story(SimulatedDisk(), tmp_path)
    story.store()
    story.put(FIRST)

    assert Tally().check_recovery(story, thorough=Thoroughness(8, 3)) > 20


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

    assert survives(whole)
    needless = [
        forgotten
        for forgotten in range(1, syncs + 1)
        if survives(_story_of_a_put(tmp_path, lambda count: count == forgotten)[0])  # noqa: B023 - called here
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

    assert not survives(story)


def test_the_simulated_disk_ends_up_like_a_real_one(tmp_path: Path) -> None:
    story = Story(SimulatedDisk(), tmp_path)
    _live(story)
    real = Story(SimulatedDisk(), tmp_path)
    root = tmp_path / "kho" / "objects"
    real.store = lambda: FileStore(root, files=LocalFiles())  # type: ignore[method-assign]
    _live(real)

    simulated = {path.removeprefix(f"{ROOT}/") for path in story.files.tree() if path.startswith(f"{ROOT}/")}
    assert {str(path.relative_to(root)) for path in root.rglob("*")} == simulated


def test_unsynced_bytes_are_cut_at_any_sector_and_lose_any_of_them() -> None:
    data = b"".join(bytes([letter]) * SECTOR for letter in b"abc")
    lost = bytes(SECTOR)
    a, b, c = (data[at : at + SECTOR] for at in range(0, len(data), SECTOR))

    whole = [a + b + c, lost + b + c, a + lost + c, a + b + lost, a + lost * 2, lost + b + lost, lost * 2 + c]
    cut = [lost * 3, a + b, lost + b, a + lost, lost * 2, a, lost, b""]
    assert sorted(tears_of(data, 64)) == sorted(whole + cut)


def test_changes_of_names_that_nothing_synced_are_lost_one_by_one() -> None:
    disk = SimulatedDisk()
    disk.make_folder(Path("/a"))
    disk.sync_folder(Path("/"))
    disk.make_folder(Path("/b"))
    disk.make_folder(Path("/a/c"))
    disk.rename_folder(Path("/a/c"), Path("/d"))

    found = {frozenset(state.tree()) for _, state in states_after_a_cut(disk.changes)}
    assert found == {
        frozenset(names)
        for names in (["/a"], ["/a", "/b"], ["/a", "/a/c"], ["/a", "/a/c", "/b"], ["/a", "/d"], ["/a", "/b", "/d"])
    }
