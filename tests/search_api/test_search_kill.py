"""The index under SIGKILL: whatever it was doing, cursor and contents agree afterwards, and a rebuild goes on."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from archive.access.policy import Scope
from archive.sealing import Seal
from search_api.index.query import parse
from search_api.index.sqlite import SqliteIndex

pytestmark = pytest.mark.embedded("index")  # about the file

SCOPE = Scope(frozenset("a"), frozenset(), frozenset(("01",)), None, frozenset())
# One record an event, without end; every third event takes out the record before. Says each cursor that stands.
WRITER = """
import sys
from pathlib import Path
from archive.record import RecordId
from archive.sealing import Seal
from search_api.index.document import indexed_page
from search_api.index.port import RecordDocument, RecordGone
from search_api.index.sqlite import SqliteIndex

folder, building = Path(sys.argv[1]), sys.argv[2] == "building"
seal = Seal.load(folder / "keys.json")
index = SqliteIndex(folder / "index.db")
if building:
    index.start_rebuild()
page = indexed_page(1, [(word, (1, 1, 1, 1)) for word in ("giấy phép khai thác nước " * 40).split()], seal)
cursor = index.position(building=building).cursor
while True:
    name = RecordId(f"r{cursor:06}")
    facts = (name, "accepted", frozenset("a"), "01", frozenset(), 1, "ab" * 32, name, None, None)
    document = RecordDocument(*facts, (page,))
    changes = [document] if cursor % 3 else [document, RecordGone(RecordId(f"r{cursor - 1:06}"))]
    cursor += 1
    index.apply(changes, cursor=cursor, building=building)
    print(cursor, flush=True)
"""


@dataclass
class Writing:
    """A process that writes until it is killed."""

    folder: Path
    way: str

    def until(self, events: int) -> int:
        """Let it write so many events, kill it, and return the last cursor it said."""
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(self.folder), self.way], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            said = [int(child.stdout.readline()) for _ in range(events)]
            child.kill()
            said += [int(line) for line in child.stdout.read().split("\n")[:-1]]
        return said[-1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Seal.create(tmp_path / "keys.json")
    return tmp_path


def expected(cursor: int) -> list[str]:
    """Return the records there are after so many events: one is gone for every third, from the fourth on."""
    gone = {number - 1 for number in range(0, cursor, 3)}
    return [f"r{number:06}" for number in range(cursor) if number not in gone]


@pytest.mark.parametrize("way", ["answering", "building"])
def test_what_was_said_to_stand_stands_after_a_kill_and_nothing_by_halves(folder: Path, way: str) -> None:
    writing = Writing(folder, way)
    last = 0
    for events in (1, 7, 30):
        said = writing.until(events)
        index = SqliteIndex(folder / "index.db")
        cursor = index.position(building=way == "building").cursor
        # The last event may stand without having been said.
        assert said <= cursor <= said + 1
        assert cursor > last
        last = cursor
        if way == "answering":
            assert [name for name, _, _ in index.records()] == expected(cursor)
            found = index.search(parse("khai thac", lookups=lambda _: ()), scope=SCOPE, after=None, limit=100)
            assert found.total == len(expected(cursor))
        assert index.damage() is None
        index.close()
    index = SqliteIndex(folder / "index.db")
    if way == "building":
        assert list(index.records()) == []
        index.finish_rebuild()
    assert [name for name, _, _ in index.records()] == expected(last)
    index.close()
