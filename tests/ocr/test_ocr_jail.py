"""The jail: untrusted work is bounded, sees nothing it was not lent, and leaves nothing behind, in both modes."""

import os
import re
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal

import pytest

from ocr.errors import JailUnavailable, PageCrashed, PageOutOfMemory, PageTimedOut, ReadingError, Truncated
from ocr.jail import frames
from ocr.jail.limits import MIB, JailLimits
from ocr.jail.parent import Call, Jail
from ocr.jail.sandbox import bubblewrap

ACTS = "jailed_acts"
PACKAGES = ("ocr", ACTS)
MODES: tuple[Literal["best", "rlimits"], ...] = ("best", "rlimits")
LIMITS = JailLimits(resident_bytes=256 * MIB, answer_bytes=MIB)


@pytest.fixture(scope="module", params=MODES)
def cell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jail]:
    """A jail of either mode, shared: whatever a call does, the next must find it well."""
    scratch = tmp_path_factory.mktemp("scratch")
    with Jail(scratch, limits=LIMITS, packages=PACKAGES, isolation=request.param) as made:
        yield made


@pytest.fixture(scope="module")
def walled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jail]:
    with Jail(tmp_path_factory.mktemp("scratch"), limits=LIMITS, packages=PACKAGES) as made:
        assert made.mode == "bubblewrap"
        yield made


def call(
    cell: Jail, act: str, *, seconds: float = 20.0, files: dict[str, Path] | None = None, **arguments: object
) -> object:
    return cell.call(f"{ACTS}:{act}", arguments, seconds=seconds, files=files)


def processes_with(marker: str) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if marker.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


def zygotes() -> set[int]:
    """This test's own jailed processes: other work on the machine may have some too."""
    found, waiting = set(), [os.getpid()]
    while waiting:
        pid = waiting.pop()
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            try:
                children = [int(child) for child in task.read_text().split()]
            except OSError:
                continue
            found |= set(children)
            waiting += children
    return found & set(processes_with("ocr.jail.zygote"))


def gone(pids: set[int]) -> bool:
    """Whether processes are gone, or go within the second in which a killed tree is reaped."""
    deadline = time.monotonic() + 5
    while pids & zygotes() and time.monotonic() < deadline:
        threading.Event().wait(0.02)
    return not pids & zygotes()


def well(cell: Jail) -> bool:
    return call(cell, "echo", a=1) == {"a": 1}


def test_arguments_and_answers_cross_as_json(cell: Jail) -> None:
    said = {"text": "Điều 1 \u2028 \x00", "numbers": [1, 2.5, None, True], "nested": {"a": []}}
    assert call(cell, "echo", **said) == said


def test_an_error_of_ours_comes_back_as_itself(cell: Jail) -> None:
    with pytest.raises(Truncated, match="cut off at page 3"):
        call(cell, "truncated")
    assert well(cell)


def test_any_other_error_is_a_crash_with_its_name(cell: Jail) -> None:
    with pytest.raises(PageCrashed, match="ValueError: odd"):
        call(cell, "stumble")


def test_a_function_that_does_not_exist_is_a_crash(cell: Jail) -> None:
    with pytest.raises(PageCrashed):
        call(cell, "no_such_act")


def test_a_call_over_its_time_is_ended(cell: Jail) -> None:
    started = time.monotonic()
    with pytest.raises(PageTimedOut):
        call(cell, "spin", seconds=0.3)
    assert time.monotonic() - started < 3
    assert well(cell)


def test_a_call_that_hoards_memory_is_ended(cell: Jail) -> None:
    with pytest.raises(PageOutOfMemory):
        call(cell, "hoard")
    assert well(cell)


def test_asking_for_more_than_there_may_be_is_out_of_memory(cell: Jail) -> None:
    with pytest.raises(PageOutOfMemory):
        call(cell, "ask_for_too_much")


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT, signal.SIGTERM, signal.SIGBUS])
def test_dying_of_a_signal_is_a_crash_that_names_it(cell: Jail, number: signal.Signals) -> None:
    with pytest.raises(PageCrashed, match=number.name):
        call(cell, "die_of", number=int(number))
    assert well(cell)


def test_being_killed_from_outside_counts_as_want_of_memory(cell: Jail) -> None:
    with pytest.raises(PageOutOfMemory):
        call(cell, "die_of", number=int(signal.SIGKILL))


def test_a_stopped_call_is_ended_by_its_time(cell: Jail) -> None:
    with pytest.raises(PageTimedOut):
        call(cell, "die_of", number=int(signal.SIGSTOP), seconds=0.3)
    assert well(cell)


def test_reading_address_zero_takes_nothing_else_down(cell: Jail) -> None:
    with pytest.raises(PageCrashed, match="SIGSEGV"):
        call(cell, "dereference_nothing")
    assert well(cell)


def test_an_orphan_with_a_session_of_its_own_is_killed_with_its_call(cell: Jail) -> None:
    marker = uuid.uuid4().hex
    call(cell, "leave_orphan", marker=marker)
    assert processes_with(marker) == []


def test_a_timed_out_call_takes_its_orphans_along(cell: Jail) -> None:
    marker = uuid.uuid4().hex
    with pytest.raises(PageTimedOut):
        call(cell, "orphan_and_spin", marker=marker, seconds=0.4)
    assert processes_with(marker) == []


def test_a_call_cannot_kill_the_process_that_serves_the_next(cell: Jail) -> None:
    with pytest.raises((PageCrashed, PageTimedOut, PageOutOfMemory)):
        call(cell, "kill_the_zygote", seconds=1.0)
    assert well(cell)


def test_an_answer_over_the_limit_is_a_crash(cell: Jail) -> None:
    with pytest.raises(PageCrashed, match="answer is longer"):
        call(cell, "long_answer", length=3 * MIB)
    assert call(cell, "long_answer", length=MIB // 2) == "x" * (MIB // 2)


def test_a_deep_answer_is_an_answer_or_a_crash_but_never_an_error_of_the_parents(cell: Jail) -> None:
    try:
        answer = call(cell, "deep_answer")
    except PageCrashed:
        answer = []
    assert isinstance(answer, list)
    assert well(cell)


def test_a_file_is_readable_under_its_lent_name_whatever_its_own(cell: Jail, tmp_path: Path) -> None:
    path = tmp_path / "tên có dấu; $(rm).txt"
    path.write_text("nội dung")
    assert call(cell, "read_text", files={"path": path}) == "nội dung"


def test_a_file_that_cannot_be_opened_is_the_callers_fault(cell: Jail, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        call(cell, "read_text", files={"path": tmp_path / "nowhere"})
    assert well(cell)


def test_what_a_call_cost_is_told(cell: Jail) -> None:
    with pytest.raises(PageTimedOut):
        call(cell, "spin", seconds=0.4)
    usage = cell.last_usage
    assert usage is not None
    assert 0.1 < usage.cpu_seconds < 2
    assert 0.3 < usage.wall_seconds < 5
    assert usage.peak_rss_bytes > MIB


def test_files_too_large_are_not_written(tmp_path: Path) -> None:
    with Jail(tmp_path, limits=JailLimits(file_bytes=1000), packages=PACKAGES) as small:
        with pytest.raises(ReadingError):
            call(small, "write_text", path=str(tmp_path / "a"), text="x" * 5000)
        assert (tmp_path / "a").stat().st_size <= 1000
        call(small, "write_text", path=str(tmp_path / "b"), text="x" * 900)
        assert (tmp_path / "b").stat().st_size == 900


def ahead(wait: float = 0.0, *, seconds: float = 20.0, **arguments: object) -> Call:
    return Call(f"{ACTS}:ahead", {"wait": wait, **arguments}, seconds, {})


def make(cell: Jail, one: Call, *, then: Call | None = None) -> list[float]:
    found: list[float] = cell.call(
        one.function, one.arguments, seconds=one.seconds, files=one.files, announced=then
    )
    return found


def test_an_announced_call_begins_at_once_and_goes_on_at_its_turn(cell: Jail) -> None:
    first, second, third = ahead(0.4), ahead(0.4, act="echo"), ahead(0.0, act="zygote")
    _, went = make(cell, first, then=second)
    answered = time.monotonic()
    began_second, went_second = make(cell, second, then=third)
    began_third, went_third = make(cell, third)
    assert began_second < went + 0.3
    assert went_second >= answered
    assert began_third < went_second + 0.3
    assert went_third >= went_second + 0.4


def test_an_announced_call_reads_the_files_lent_to_it(cell: Jail, tmp_path: Path) -> None:
    calls = []
    for name in ("một", "hai", "ba"):
        (tmp_path / name).write_text(name)
        calls.append(Call(f"{ACTS}:read_text", {}, 20.0, {"path": tmp_path / name}))
    told = [make(cell, one, then=then) for one, then in zip(calls, [*calls[1:], None], strict=True)]
    assert told == ["một", "hai", "ba"]


def test_a_call_announced_in_vain_is_ended(cell: Jail) -> None:
    make(cell, ahead())
    idle = zygotes()
    make(cell, ahead(), then=ahead(act="spin"))
    assert len(zygotes() - idle) == 1
    assert call(cell, "echo", a=1) == {"a": 1}
    assert gone(zygotes() - idle)
    make(cell, ahead(), then=ahead(act="spin"))
    cell.forget_announced()
    cell.forget_announced()
    assert gone(zygotes() - idle)
    assert make(cell, ahead())


def test_what_an_announced_call_raises_is_told_at_its_turn(cell: Jail) -> None:
    wrong = ahead(act="truncated")
    assert make(cell, ahead(0.2), then=wrong)
    with pytest.raises(Truncated):
        make(cell, wrong, then=ahead(act="echo"))
    assert make(cell, ahead(act="echo"))


@pytest.mark.parametrize(("act", "error"), [("hoard", PageOutOfMemory), ("dereference_nothing", PageCrashed)])
def test_an_announced_call_that_breaks_a_limit_harms_no_other(
    cell: Jail, act: str, error: type[ReadingError]
) -> None:
    wrong = ahead(act=act)
    assert make(cell, ahead(1.0), then=wrong)
    with pytest.raises(error):
        make(cell, wrong)
    assert call(cell, "echo", a=1) == {"a": 1}


def test_a_call_that_breaks_a_limit_does_not_end_the_announced_one(cell: Jail) -> None:
    after = ahead()
    with pytest.raises(PageTimedOut):
        make(cell, ahead(act="spin", seconds=0.3), then=after)
    began, went = make(cell, after)
    assert went - began > 0.1


def test_the_time_of_an_announced_call_counts_from_its_turn(cell: Jail) -> None:
    after = ahead(0.1, seconds=0.5)
    make(cell, ahead(1.0), then=after)
    assert make(cell, after)
    slow = ahead(act="spin", seconds=0.3)
    make(cell, ahead(), then=slow)
    with pytest.raises(PageTimedOut):
        make(cell, slow)


@pytest.mark.parametrize("isolation", MODES)
def test_a_call_that_died_with_its_zygote_is_made_anew(
    tmp_path: Path, isolation: Literal["best", "rlimits"]
) -> None:
    before, after = zygotes(), ahead(act="echo")
    with Jail(tmp_path, packages=PACKAGES, isolation=isolation) as made:
        make(made, ahead(), then=after)
        for pid in zygotes() - before:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert gone(zygotes() - before)
        with pytest.raises(PageCrashed):
            make(made, after)
        assert make(made, after)


def test_closing_leaves_no_process(tmp_path: Path) -> None:
    before = zygotes()
    for isolation in MODES:
        made = Jail(tmp_path, packages=PACKAGES, isolation=isolation)
        assert well(made)
        own = zygotes() - before
        assert own
        made.close()
        assert gone(own)


def test_a_closed_jail_starts_anew_with_the_next_call(tmp_path: Path) -> None:
    with Jail(tmp_path, packages=PACKAGES) as made:
        assert well(made)
        made.close()
        assert well(made)


@pytest.mark.parametrize("isolation", MODES)
def test_a_killed_zygote_fails_one_call_and_no_more(tmp_path: Path, isolation: Literal["best", "rlimits"]) -> None:
    before = zygotes()
    with Jail(tmp_path, packages=PACKAGES, isolation=isolation) as made:
        assert well(made)
        for pid in zygotes() - before:
            with suppress(ProcessLookupError):  # behind bubblewrap the first takes the others with it
                os.kill(pid, signal.SIGKILL)
        assert gone(zygotes() - before)
        with pytest.raises(PageCrashed):
            call(made, "echo")
        assert well(made)


def test_an_interrupted_call_does_not_leave_its_answer_to_the_next(cell: Jail) -> None:
    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.raises(KeyboardInterrupt):
            call(cell, "spin", seconds=10)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert well(cell)


def test_a_second_thread_waits_its_turn(cell: Jail) -> None:
    assert well(cell)
    answers: list[object] = []
    others = [threading.Thread(target=lambda n=n: answers.append(call(cell, "echo", n=n))) for n in range(4)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    assert sorted(str(answer) for answer in answers) == [f"{{'n': {n}}}" for n in range(4)]


def test_the_jail_outlives_the_thread_that_made_the_first_call(tmp_path: Path) -> None:
    with Jail(tmp_path, packages=PACKAGES, isolation="rlimits") as made:
        served: list[object] = []
        first = threading.Thread(target=lambda: served.append(call(made, "zygote")))
        first.start()
        first.join()
        served += [call(made, "zygote") for _ in range(3)]
    assert len(set(served)) == 1


def test_what_warming_raises_is_told_at_the_first_call(tmp_path: Path) -> None:
    with Jail(tmp_path, packages=PACKAGES) as made:
        made.warm(f"{ACTS}:truncated", {})
        with pytest.raises(Truncated):
            call(made, "echo")
        made.close()
    with Jail(tmp_path, packages=PACKAGES) as made:
        made.warm(f"{ACTS}:stumble", {})
        with pytest.raises(JailUnavailable, match="odd"):
            call(made, "echo")


class _LastPieceWatched(socket.socket):
    """A socket whose other end is gone once the header has been sent, as a process that fails at once is."""

    def sendall(self, data: bytes, flags: int = 0, /) -> None:  # type: ignore[override]  # bytes is all we send
        assert data, "an empty piece is sent to a process that may be gone"
        super().sendall(data, flags)


def test_nothing_is_sent_after_a_frame_that_has_no_body() -> None:
    ours, theirs = socket.socketpair()
    with theirs, _LastPieceWatched(fileno=ours.detach()) as sock:
        frames.send(sock, {"warm": []})
        theirs.settimeout(5)
        assert frames.receive(theirs, body_limit=0) == frames.Frame({"warm": []})


def test_no_package_to_run_is_an_installation_fault(tmp_path: Path) -> None:
    with pytest.raises(JailUnavailable), Jail(tmp_path, packages=("không_có",)) as made:
        made.call("a:b", {}, seconds=1)


def test_inside_there_is_no_network(walled: Jail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert call(walled, "connect", port=server.getsockname()[1]) != "connected"


def test_inside_there_is_no_privilege_and_little_to_see(walled: Jail) -> None:
    seen = call(walled, "look_around")
    assert isinstance(seen, dict)
    assert int(seen["capabilities"], 16) == 0
    assert seen["no_new_privileges"] == "1"
    assert seen["writable"] == ["/tmp"]
    assert len(seen["processes"]) <= 3


@pytest.mark.parametrize("isolation", MODES)
def test_no_secret_of_the_environment_comes_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, isolation: Literal["best", "rlimits"]
) -> None:
    monkeypatch.setenv("ARCHIVE_DATABASE_URL", "postgresql://u:q7Zx@h")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "q7Zx")
    with Jail(tmp_path, packages=PACKAGES, isolation=isolation) as made:
        seen = call(made, "look_around")
    assert isinstance(seen, dict)
    assert "q7Zx" not in str(seen["environment"])
    assert seen["environment"]["OMP_THREAD_LIMIT"] == "1"


def test_keys_and_database_beside_the_lent_folders_cannot_be_read(tmp_path: Path) -> None:
    scratch, lent = tmp_path / "scratch", tmp_path / "lent"
    scratch.mkdir()
    lent.mkdir()
    (tmp_path / "sealing.json").write_text("key")
    (lent / "model").write_text("model")
    with Jail(scratch, readable=[lent], packages=PACKAGES) as made:
        assert call(made, "read_text", path=str(lent / "model")) == "model"
        for hidden in (tmp_path / "sealing.json", Path("/etc/passwd"), Path("/etc/shadow")):
            with pytest.raises(PageCrashed, match="FileNotFoundError"):
                call(made, "read_text", path=str(hidden))


def test_only_scratch_and_what_is_lent_for_writing_can_be_written(tmp_path: Path) -> None:
    scratch, lent, log = tmp_path / "scratch", tmp_path / "lent", tmp_path / "log"
    scratch.mkdir()
    lent.mkdir()
    log.touch()
    with Jail(scratch, packages=PACKAGES) as made:
        made.lend(readable=[lent], writable=[log])
        call(made, "write_text", path=str(scratch / "a"), text="1")
        call(made, "write_text", path=str(log), text="2")
        assert ((scratch / "a").read_text(), log.read_text()) == ("1", "2")
        for place in (lent / "a", Path("/usr/a"), Path("/a"), Path(sys.prefix) / "a"):
            with pytest.raises(PageCrashed, match=r"OSError|PermissionError|FileNotFoundError"):
                call(made, "write_text", path=str(place), text="no")


def test_a_lent_file_cannot_be_written_through_its_descriptor(cell: Jail, tmp_path: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_text("original")
    path.chmod(0o444)
    if cell.mode == "bubblewrap":
        with pytest.raises(PageCrashed):
            call(cell, "write_text", text="changed", files={"path": path})
    assert path.read_text() == "original"


def test_where_there_are_no_walls_the_mode_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bubblewrap() is None
    with Jail(tmp_path, packages=PACKAGES) as made:
        assert made.mode == "rlimits"
        assert well(made)


def test_walls_that_cannot_be_raised_fall_back_to_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "bin" / "bwrap"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{broken.parent}{os.pathsep}{os.environ['PATH']}")
    with Jail(tmp_path, packages=PACKAGES) as made:
        assert made.mode == "rlimits"


def test_libraries_and_reading_leave_no_thread_behind_in_the_zygote(tmp_path: Path) -> None:
    with Jail(tmp_path, packages=("ocr",)) as made:
        made.warm("ocr.jailed:warm", {"engine_url": "tesseract:?lang=vie"})
        assert re.fullmatch("bubblewrap|rlimits", made.mode)
