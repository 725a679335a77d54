"""A log as a folder, and what the verifier says of it alone: whole, or where the first broken link is."""

import ast
import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import rfc8785
from logs import KEY, OTHER_KEY, START, Hashes, flip_somewhere, signed, some_entries, some_entry, write_log

from archive.errors import LogBroken, LogForked
from archive.log import verify_log
from archive.log.tiles import decode_bundle, encode_bundle, tile_path, write_tiles
from archive.log.verify_log import (
    Outside,
    canonical_json,
    check_log,
    leaf_hash,
    parse_checkpoint,
    parse_vkey,
    read_entry,
)

VERIFIER = parse_vkey(KEY.verifier("records"))
Files = dict[str, bytes]


def _outside(*notes: bytes) -> list[Outside]:
    return [Outside(f"note-{number}", note, parse_checkpoint(note)) for number, note in enumerate(notes)]


def _faults(folder: Path, *outside: bytes) -> list[str]:
    return check_log(folder, VERIFIER, _outside(*outside))[1]


def _files(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("level", "number", "width", "path"),
    [
        (0, 0, 256, "tile/0/000"),
        (3, 7, 1, "tile/3/007.p/1"),
        ("entries", 999, 256, "tile/entries/999"),
        ("entries", 1_000, 255, "tile/entries/x001/000.p/255"),
        (0, 1_234_067, 256, "tile/0/x001/x234/067"),
    ],
)
def test_a_tiles_path_is_groups_of_three_digits(level: int | str, number: int, width: int, path: str) -> None:
    assert tile_path(level, number, width) == path


def test_a_bundle_is_entries_behind_their_lengths() -> None:
    entries = [b"", b"a", b"\x00" * 65_535]
    assert encode_bundle(entries[:2]) == b"\0\0\0\1a"
    assert decode_bundle(encode_bundle(entries)) == entries
    for cut in (b"\0", b"\0\2a", b"\0\1a\0"):
        with pytest.raises(ValueError, match="ends inside"):
            decode_bundle(cut)
    with pytest.raises(OverflowError):
        encode_bundle([b"\x00" * 65_536])


def test_a_folder_has_the_tiles_of_its_size_and_no_others(tmp_path: Path) -> None:
    write_log(tmp_path, some_entries(600))
    assert _files(tmp_path).keys() == {
        "checkpoint",
        *(f"tile/{kind}/{rest}" for kind in ("0", "entries") for rest in ("000", "001", "002.p/88")),
        "tile/1/000.p/2",
    }


@pytest.mark.parametrize("sizes", [[1, 255, 256, 257], [100, 200, 300, 700], [0, 512], [300, 300, 301]])
def test_a_folder_grown_in_steps_is_whole_at_each_and_as_if_written_at_once(
    tmp_path: Path, sizes: list[int]
) -> None:
    entries = some_entries(sizes[-1])
    notes = []
    for size in sizes:
        notes.append(write_log(tmp_path / "grown", entries[:size]))
        assert _faults(tmp_path / "grown", *notes) == []
    write_log(tmp_path / "at-once", entries)
    grown, at_once = _files(tmp_path / "grown"), _files(tmp_path / "at-once")
    assert {name: grown[name] for name in at_once} == at_once
    # Besides, only partial tiles of which there is no full one yet.
    assert all(name.partition(".p/")[0] not in grown for name in grown.keys() - at_once.keys())


def test_a_write_that_is_interrupted_anywhere_leaves_a_whole_log_and_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = some_entries(700)
    old = write_log(tmp_path / "log", entries[:300])
    replace = Path.replace
    for survives in range(1, 20):
        folder = tmp_path / f"cut-{survives}"
        shutil.copytree(tmp_path / "log", folder)
        left = survives

        def dying(self: Path, target: Path) -> Path:
            nonlocal left
            left -= 1
            if left < 0:
                raise OSError(28, "No space left on device")
            return replace(self, target)

        monkeypatch.setattr(Path, "replace", dying)
        try:
            write_log(folder, entries)
            finished = True
        except OSError:
            finished = False
        monkeypatch.setattr(Path, "replace", replace)
        assert _faults(folder, old) == []
        assert not list(folder.rglob(".new-*"))
        new = write_log(folder, entries)
        assert _faults(folder, old, new) == []
        if finished:
            assert survives == 6  # two bundles, two tiles of level 0, one of level 1, the checkpoint: and done
            break
    else:
        pytest.fail("it never finished")


def test_a_folder_with_another_log_or_more_of_it_is_not_written_to(tmp_path: Path) -> None:
    entries = some_entries(300)
    write_log(tmp_path, entries)
    before = _files(tmp_path)
    with pytest.raises(LogForked, match="more than the 200"):
        write_log(tmp_path, entries[:200])
    with pytest.raises(LogForked, match="not those of this log"):
        write_log(tmp_path, [some_entry(0, title="another"), *some_entries(400)[1:]])
    assert _files(tmp_path) == before
    (tmp_path / "checkpoint").write_bytes(b"no note")
    with pytest.raises(LogBroken):
        write_log(tmp_path, entries)
    with pytest.raises(ValueError, match="not of a tree"):
        write_tiles(tmp_path, 3, lambda first, count: [], Hashes([]).read, signed(entries, 2))


# What is found


def _bundle_of(position: int, size: int) -> str:
    number = position // 256
    return tile_path("entries", number, min(256, size - number * 256))


class _Log:
    """A log of the drill: its files at several sizes, and edits by chance that say what should be found."""

    SIZES = (250, 512, 600)

    def __init__(self, folder: Path) -> None:
        self.size = self.SIZES[-1]
        self.entries = some_entries(self.size)
        self.states: list[Files] = []
        for size in self.SIZES:
            self.outside = write_log(folder, self.entries[:size])
            self.states.append(_files(folder))
        self.whole = self.states[-1]
        self.edits: list[Callable[[random.Random], tuple[Files, str]]] = [
            self.changed_entry,
            self.changed_bit_of_a_bundle,
            self.deleted_entry,
            self.swapped_entries,
            self.back_dated_entry,
            self.doubled_entry,
            self.cut_bundle,
            self.appended_bytes,
            self.changed_bit_of_a_tile,
            self.changed_entry_and_its_tile,
            self.changed_bit_of_the_checkpoint,
            self.edited_checkpoint,
            self.another_keys_checkpoint,
            self.deleted_file,
            self.older_state,
            self.written_anew_with_the_key,
        ]

    def _with_bundle(self, position: int, entries: list[bytes]) -> Files:
        return {**self.whole, _bundle_of(position, self.size): encode_bundle(entries)}

    def _bundle(self, chance: random.Random) -> tuple[int, int, list[bytes]]:
        """Return a position, its bundle's first position and the entries in it."""
        position = chance.randrange(self.size)
        first = position // 256 * 256
        return position, first, self.entries[first : first + 256]

    def changed_entry(self, chance: random.Random) -> tuple[Files, str]:
        position, first, entries = self._bundle(chance)
        entries[position - first] = some_entry(position, title=f"changed {chance.random()}")
        return self._with_bundle(position, entries), f"entry {position}: "

    def back_dated_entry(self, chance: random.Random) -> tuple[Files, str]:
        position, first, entries = self._bundle(chance)
        at = START + timedelta(seconds=position) - timedelta(microseconds=chance.randrange(1, 10**12))
        entries[position - first] = some_entry(position, at=at)
        return self._with_bundle(position, entries), f"entry {position}: "

    def changed_bit_of_a_bundle(self, chance: random.Random) -> tuple[Files, str]:
        position, first, entries = self._bundle(chance)
        before = encode_bundle(entries[: position - first])
        own = flip_somewhere(encode_bundle(entries[position - first : position - first + 1]), chance)
        bundle = before + own + encode_bundle(entries[position - first + 1 :])
        return {**self.whole, _bundle_of(position, self.size): bundle}, f"entry {position}: "

    def deleted_entry(self, chance: random.Random) -> tuple[Files, str]:
        position, first, entries = self._bundle(chance)
        del entries[position - first]
        return self._with_bundle(position, entries), f"entry {position}: "

    def doubled_entry(self, chance: random.Random) -> tuple[Files, str]:
        position, first, entries = self._bundle(chance)
        entries.insert(position - first, entries[position - first])
        return self._with_bundle(position, entries), f"entry {position + 1}: "

    def swapped_entries(self, chance: random.Random) -> tuple[Files, str]:
        position, first, entries = self._bundle(chance)
        other = chance.choice([one for one in range(first, first + len(entries)) if one != position])
        a, b = position - first, other - first
        entries[a], entries[b] = entries[b], entries[a]
        return self._with_bundle(position, entries), f"entry {min(position, other)}: "

    def cut_bundle(self, chance: random.Random) -> tuple[Files, str]:
        position, first, entries = self._bundle(chance)
        kept = encode_bundle(entries[: position - first])
        part = encode_bundle(entries[position - first :])[: chance.randrange(len(entries[position - first]) + 2)]
        return {**self.whole, _bundle_of(position, self.size): kept + part}, f"entry {position}: "

    def appended_bytes(self, chance: random.Random) -> tuple[Files, str]:
        """Append to a file: an entry too many, a part of one, hashes too many, up to what nobody would read."""
        name = chance.choice([one for one in sorted(self.whole) if self._counts(one)])
        data = chance.choice([b"\0", encode_bundle([some_entry(600)]), bytes(32), bytes(9_000), bytes(20 << 20)])
        files = {**self.whole, name: self.whole[name] + data}
        if name.startswith("tile/entries/"):
            return files, f"entry {min(self.size, int(name[13:16]) * 256 + 256)}: "
        return files, f"{name.replace('tile/', 'tile ')}: "

    def _tiles(self) -> list[str]:
        return sorted(name for name in self.whole if name.startswith(("tile/0", "tile/1")) and self._counts(name))

    def _counts(self, name: str) -> bool:
        return name in (
            "checkpoint",
            *(tile_path(kind, n) for kind in (0, "entries") for n in (0, 1)),
        ) or name in (
            tile_path(0, 2, 88),
            tile_path("entries", 2, 88),
            tile_path(1, 0, 2),
        )

    def changed_bit_of_a_tile(self, chance: random.Random) -> tuple[Files, str]:
        name = chance.choice(self._tiles())
        return {
            **self.whole,
            name: flip_somewhere(self.whole[name], chance),
        }, f"{name.replace('tile/', 'tile ')}: "

    def changed_entry_and_its_tile(self, chance: random.Random) -> tuple[Files, str]:
        position, first, entries = self._bundle(chance)
        entries[position - first] = some_entry(position, title="changed, and its hash too")
        name = tile_path(0, first // 256, len(entries))
        hashes = b"".join(leaf_hash(entry) for entry in entries)
        found = "checkpoint: " if len(entries) < 256 else f"tile 1/000.p/2: its hash {first // 256} "
        return {**self._with_bundle(position, entries), name: hashes}, found

    def changed_bit_of_the_checkpoint(self, chance: random.Random) -> tuple[Files, str]:
        return {**self.whole, "checkpoint": flip_somewhere(self.outside, chance)}, "checkpoint: "

    def edited_checkpoint(self, chance: random.Random) -> tuple[Files, str]:
        lines = self.outside.split(b"\n")
        older = self.states[chance.randrange(2)]["checkpoint"].split(b"\n")
        at = chance.choice([1, 2, 4])
        lines[at] = older[at]
        return {**self.whole, "checkpoint": b"\n".join(lines)}, "checkpoint: "

    def another_keys_checkpoint(self, chance: random.Random) -> tuple[Files, str]:
        size = chance.choice([self.size, self.size, 512])
        note = signed(self.entries, size, key=OTHER_KEY)
        return {**self.whole, "checkpoint": note}, "checkpoint: no signature of "

    def deleted_file(self, chance: random.Random) -> tuple[Files, str]:
        name = chance.choice([one for one in sorted(self.whole) if self._counts(one)])
        files = {key: value for key, value in self.whole.items() if key != name}
        if name.startswith("tile/entries/"):
            return files, f"entry {int(name[13:16]) * 256}: "
        return files, f"{name.replace('tile/', 'tile ')}: "

    def older_state(self, chance: random.Random) -> tuple[Files, str]:
        which = chance.randrange(2)
        size = self.SIZES[which]
        return self.states[which], f"cut: the log has {size} entries, the outside checkpoint says {self.size}"

    def written_anew_with_the_key(self, chance: random.Random) -> tuple[Files, str]:
        """Write history anew as only who has the key can; sometimes with more entries than before."""
        entries = [*self.entries, *([some_entry(self.size)] if chance.random() < 0.5 else [])]
        position = chance.randrange(self.size)
        entries[position] = some_entry(position, title=f"as if it had always been so, {chance.random()}")
        hashes = Hashes(entries)
        files = dict(self.whole)
        for first in range(0, len(entries), 256):
            width = min(256, len(entries) - first)
            files[tile_path("entries", first // 256, width)] = encode_bundle(entries[first : first + width])
            files[tile_path(0, first // 256, width)] = b"".join(hashes.read(0, first, width))
        files[tile_path(1, 0, 2)] = b"".join(hashes.read(1, 0, 2))
        files["checkpoint"] = signed(entries, len(entries), hashes.read)
        return files, f"entries before {self.size}: "


class _Folder:
    """A folder whose files are put as an edit says; only what differs is written."""

    def __init__(self, folder: Path, files: Files) -> None:
        self.folder = folder
        self.files = dict(files)

    def put(self, files: Files) -> None:
        for name in self.files.keys() - files.keys():
            (self.folder / name).unlink()
        for name, data in files.items():
            if self.files.get(name) != data:
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name).write_bytes(data)
        self.files = dict(files)


def _tamper(folder: Path, edits: int, first: int = 0) -> None:
    """Make seeded edits by turns, each on the whole log, and see each found and named."""
    log = _Log(folder)
    place = _Folder(folder, log.whole)
    found: dict[str, int] = {}
    for number in range(first, first + edits):
        chance = random.Random(number)
        edit = log.edits[number % len(log.edits)]
        files, named = edit(chance)
        assert files != log.whole
        place.put(files)
        faults = _faults(folder, log.outside)
        assert faults, (number, edit.__name__)
        assert faults[0].startswith(named), (number, edit.__name__, named, faults)
        found[edit.__name__] = found.get(edit.__name__, 0) + 1
    place.put(log.whole)
    assert _faults(folder, log.outside) == []
    print(f"{edits} edits, all found and the first broken link named: {found}")


def _clean_runs(folder: Path, runs: int) -> None:
    """Grow logs in steps of any size and check each against all checkpoints before: nothing may be found."""
    chance = random.Random(3)
    entries = some_entries(1_500)
    hashes = Hashes(entries)
    size, number = 0, 0
    notes: list[bytes] = []
    for _ in range(runs):
        size += chance.choice([0, 1, 2, 17, 100, 255, 256, 257])
        if size > len(entries):
            size, number, notes = chance.randrange(3), number + 1, []
        notes.append(write_log(folder / str(number), entries[:size], hashes.read))
        assert _faults(folder / str(number), *notes) == []
    print(f"{runs} runs over whole logs, no false alarm")


def test_every_edit_is_found_and_the_first_broken_link_named(tmp_path: Path) -> None:
    _tamper(tmp_path, 64)


def test_whole_logs_raise_no_alarm(tmp_path: Path) -> None:
    _clean_runs(tmp_path, 30)


@pytest.mark.drill
@pytest.mark.parametrize("part", range(4))
def test_every_one_of_ten_thousand_edits_is_found(tmp_path: Path, part: int) -> None:
    _tamper(tmp_path, 2_500, first=part * 2_500)


@pytest.mark.drill
def test_a_thousand_whole_logs_raise_no_alarm(tmp_path: Path) -> None:
    _clean_runs(tmp_path, 1_000)


def test_an_outside_checkpoint_of_another_key_is_no_witness(tmp_path: Path) -> None:
    entries = some_entries(20)
    write_log(tmp_path, entries)
    faults = _faults(tmp_path, signed(entries, 10, key=OTHER_KEY))
    assert [one.partition(": no sig")[0] for one in faults] == ["outside checkpoint note-0"]
    assert _faults(tmp_path, signed(entries, 10, key=OTHER_KEY), signed(entries, 12)) == []
    longer = signed(some_entries(30), 30, key=OTHER_KEY)
    assert [one.partition(":")[0] for one in _faults(tmp_path, longer)] == ["outside checkpoint note-0"]


def test_entries_must_be_events_in_their_place_and_stream(tmp_path: Path) -> None:
    good = some_entries(5)
    for number, (entry, why) in enumerate(
        [
            (b'{"sequence":2, "stream":"records"}', "not a canonical"),
            (b'{"sequence":2,"sequence":2,"stream":"records"}', "not a canonical"),
            (b'{"stream":"records","sequence":2}', "not a canonical"),
            (b'{"sequence":2,"stream":"records"} ', "not"),
            (b'{"sequence":2.0,"stream":"records"}', "not a canonical"),
            (b'{"sequence":NaN,"stream":"records"}', "not JSON"),
            (b'{"a":9007199254740993,"sequence":2,"stream":"records"}', "not a canonical"),
            (b'{"a":1' + b"0" * 400 + b',"sequence":2,"stream":"records"}', "not JSON"),
            (b'{"a":1e999,"sequence":2,"stream":"records"}', "not JSON"),
            (b"[2]", "not a canonical JSON object"),
            (b"\xff", "not JSON"),
            (b"[" * 60_000, "not JSON"),
            (b'{"sequence":true,"stream":"records"}', "number True"),
            (b'{"sequence":"2","stream":"records"}', "number '2'"),
            (some_entry(2, stream="access"), "stream 'access'"),
        ]
    ):
        folder = tmp_path / str(number)
        write_log(folder, [*good[:2], entry, *good[3:]])
        (fault,) = _faults(folder)
        assert fault.startswith("entry 2: "), fault
        assert why in fault


def _some_json(chance: random.Random, depth: int = 0) -> object:
    """Return JSON by chance, rich in what is written in more than one way."""
    text = "".join(
        chance.choice('ab"\\/\n\x01\x7féạ\u2028\ue000\uffff\U0001f4dc') for _ in range(chance.randrange(4))
    )
    double = chance.choice([chance.gauss(0, 1), 1.0, -0.0]) * 10.0 ** chance.randint(-30, 30)
    plain = [None, True, False, text, chance.randint(-(2**53) + 1, 2**53 - 1), chance.randrange(100), double]
    if depth == 3 or chance.random() < 0.3:
        return chance.choice(plain)
    inner = [_some_json(chance, depth + 1) for _ in range(chance.randrange(5))]
    return inner if chance.random() < 0.3 else {f"{_some_json(chance, 3)}": one for one in inner}


def test_canonical_json_is_that_of_the_library_that_writes_events() -> None:
    chance = random.Random(8785)
    for _ in range(1_500):
        value = {"event": _some_json(chance)}
        written = rfc8785.dumps(value)  # type: ignore[arg-type]  # JSON it is
        assert canonical_json(value) == written
        assert canonical_json(read_entry(written)) == written


@pytest.mark.parametrize(
    "number",
    [0.1, 1e21, 1e20, 123456789.125, 1e-6, 1e-7, 5e-324, 1.7976931348623157e308, -2.5, 4.0, 1e15, 0.000123],
)
def test_numbers_are_written_as_the_standard_writes_them(number: float) -> None:
    assert canonical_json([number]) == rfc8785.dumps([number])


# The file that runs alone


@pytest.fixture
def alone(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Return a runner of the verifier, copied away from this program, by a Python with its own library only."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    shutil.copy(verify_log.__file__, place / "verify_log.py")

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-I", "-S", "verify_log.py", *map(str, arguments)],
            cwd=place,
            env={},
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_the_file_alone_says_whole_or_names_what_is_not(
    tmp_path: Path, alone: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    folder = tmp_path / "records"
    entries = some_entries(300)
    old = write_log(folder, entries[:100])
    (tmp_path / "old").write_bytes(old)
    new = write_log(folder, entries)
    lines = [{"stream": "records", "size": 0, "note": note.decode()} for note in (old, new)]
    lines.insert(
        1, {"stream": "access", "note": KEY.sign("access", f"{KEY.origin('access')}\n1\n{'A' * 43}=\n").decode()}
    )
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"cut sho')
    key = KEY.verifier("records")
    (tmp_path / "key").write_text(key + "\n")

    good = alone(folder, "--key", key, "--since", tmp_path / "old", "--since", tmp_path / "log.jsonl")
    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout == "whole: 300 entries of sohoa-test.example/records, 3 outside checkpoints agree\n"

    (tmp_path / "log.vkeys").write_text(f"{KEY.verifier('access')}\n{key}\n")
    beside = alone(folder)
    assert (beside.returncode, len(beside.stdout.splitlines())) == (0, 2)
    assert "the key was not given" in beside.stdout

    shutil.rmtree(folder)
    write_log(folder, entries[:90])
    cut = alone(folder, "--vkey", tmp_path / "key", "--since", tmp_path / "old")
    assert cut.returncode == 1
    assert cut.stdout == "cut: the log has 90 entries, the outside checkpoint says 100\n"

    bundle = folder / tile_path("entries", 0, 90)
    bundle.write_bytes(bundle.read_bytes().replace(some_entry(17), some_entry(17, title="Giấy phèp")))
    changed = alone(folder, "--key", key)
    assert (changed.returncode, changed.stderr) == (1, "")
    assert changed.stdout == "entry 17: its hash is not number 17 of tile 0/000.p/90\n"


def test_the_file_alone_tells_wrong_use_from_a_wrong_log(
    tmp_path: Path, alone: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    write_log(tmp_path / "log", some_entries(3))
    key = KEY.verifier("records")
    (tmp_path / "words").write_text("no note")
    for arguments in (
        (),
        (tmp_path / "log",),
        (tmp_path / "log", "--key", "no key"),
        (tmp_path / "log", "--key", tmp_path / "words"),
        (tmp_path / "log", "--key", key, "--since", tmp_path / "words"),
        (tmp_path / "log", "--key", key, "--since", tmp_path / "nothing"),
        (tmp_path / "log", "--key", key, "--copy", tmp_path / "words"),
        (tmp_path / "log", "--custody", tmp_path / "words"),
        ("--custody", tmp_path / "words", "--key", key),
        (tmp_path / "nothing", "--key", key),
        ("--custody", tmp_path / "words", "--since", tmp_path / "words"),
    ):
        done = alone(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert "Traceback" not in done.stderr
    (tmp_path / "empty").mkdir()
    nothing = alone(tmp_path / "empty", "--key", key)
    assert (nothing.returncode, nothing.stdout) == (1, "checkpoint: it is missing\n")


def test_the_file_alone_is_python_3_9_and_its_own_library() -> None:
    source = Path(verify_log.__file__).read_text()
    tree = ast.parse(source, feature_version=(3, 9))
    assert "from __future__ import annotations" in source
    imported = {
        name.partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([one.name for one in node.names] if isinstance(node, ast.Import) else [str(node.module)])
    }
    assert imported <= sys.stdlib_module_names
    assert not any(isinstance(node, ast.Match) for node in ast.walk(tree))
