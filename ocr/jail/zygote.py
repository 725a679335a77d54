"""The process inside the walls: loads libraries and models once, then forks a child for every call.

1. Say hello: the walls stand. 2. Receive what to warm, do it, say ready. 3. For every call: 3.1 fork a child
in a session of its own, 3.2 under limits, 3.3 watch its time and memory, 3.4 kill its whole tree, 3.5 answer.
4. Leave when the parent's end of the socket closes, even in the middle of a call.
"""

import ctypes
import importlib
import json
import math
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ocr.errors import PageCrashed, PageOutOfMemory, PageTimedOut
from ocr.jail import frames
from ocr.jail.limits import JailLimits

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
WATCH_SECONDS = 0.05
LINGER_SECONDS = 2.0  # a child that has answered may take this long to exit
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_libc = ctypes.CDLL(None)


class ParentGone(Exception):
    """The parent has closed its end: nobody waits for an answer any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: the child's own answer, or why there is none."""

    body: bytes
    failure: tuple[str, str] | None
    cpu_seconds: float
    peak_rss_bytes: int


def main() -> None:
    """Run the steps above on the socket whose number is the first argument."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    # Orphans of a call come back to this process, so that none can outlive it by double forking; and a
    # jailed call of the same user must not be able to trace the process that serves the next one.
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    frames.send(sock, {"hello": os.getpid()})
    try:
        start = frames.receive(sock, body_limit=1 << 20)
        if start is None or not _warm(sock, start):
            return
        limits = JailLimits(**start.header["limits"])
        while (call := frames.receive(sock, body_limit=1 << 40)) is not None:
            serve(sock, call, limits)
    except (ParentGone, BrokenPipeError, ConnectionResetError):
        return
    finally:
        end_descendants()


def _warm(sock: socket.socket, start: frames.Frame) -> bool:
    for function, arguments in start.header["warm"]:
        failure = _attempt(function, arguments)[1]
        if failure is not None:
            frames.send(sock, {"failure": failure})
            return False
    if threading.active_count() > 1 or len(list(Path("/proc/self/task").iterdir())) > 1:
        frames.send(sock, {"failure": ("jail-unavailable", "a library started threads: forking is unsafe")})
        return False
    frames.send(sock, {"ready": True})
    return True


def _attempt(function: str, arguments: dict[str, Any]) -> tuple[Any, tuple[str, str] | None]:
    """Call `module:function`; return its answer, or the slug and message of what it raised."""
    try:
        module, _, name = function.partition(":")
        return getattr(importlib.import_module(module), name)(**arguments), None
    except MemoryError:
        return None, (PageOutOfMemory.code, "reading needed more memory than the jail allows")
    except Exception as error:  # noqa: BLE001 the outermost door of this process: the slug crosses the pipe
        code = getattr(error, "code", None)
        if isinstance(code, str):
            return None, (code, str(error))
        return None, (PageCrashed.code, f"{type(error).__name__}: {error}"[:2000])


def serve(sock: socket.socket, call: frames.Frame, limits: JailLimits) -> None:
    """Run one call in a forked child and send its outcome. Raises ParentGone."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        sock.close()
        os.close(read_end)
        _child(call, write_end, limits)
    os.close(write_end)
    for number in call.files:
        os.close(number)
    try:
        outcome = _watch(sock, pid, read_end, float(call.header["seconds"]), limits)
    finally:
        os.close(read_end)
        end_descendants()
    header: dict[str, Any] = {"cpu_seconds": outcome.cpu_seconds, "peak_rss_bytes": outcome.peak_rss_bytes}
    if outcome.failure is not None:
        header["failure"] = outcome.failure
    frames.send(sock, header, outcome.body)


def _child(call: frames.Frame, write_end: int, limits: JailLimits) -> NoReturn:
    """Steps 3.1 and 3.2: run the call and write its answer; never returns into the zygote's loop."""
    status = 1
    try:
        os.setsid()
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else it could not open its own /proc/self/fd
        subprocess.Popen = _ProgramOfCall  # type: ignore[misc]  # libraries start programs by this name
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        _limit(float(call.header["seconds"]), limits)
        arguments = json.loads(call.body)
        for name, number in zip(call.header["files"], call.files, strict=True):
            arguments[name] = f"/proc/self/fd/{number}"
        answer, failure = _attempt(call.header["function"], arguments)
        body = json.dumps({"failure": failure} if failure else {"answer": answer}).encode()
        while body:
            body = body[os.write(write_end, body) :]
        status = 0
    finally:
        # Without the interpreter's own ending: nothing of the zygote's may be flushed or closed twice.
        os._exit(status)


class _ProgramOfCall(subprocess.Popen[Any]):
    """A program that a call starts, which dies with the call: what the kernel was asked is not inherited.

    Without it a program goes on when the zygote, which would kill it, is killed itself; behind bubblewrap all end
    with their process id space.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        call, given = os.getpid(), named.pop("preexec_fn", None)

        def tie() -> None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            if os.getppid() != call:
                os._exit(1)  # the call died before the kernel was asked
            if given is not None:
                given()

        super().__init__(*arguments, preexec_fn=tie, **named)  # type: ignore[call-overload]  # as the caller says


def _limit(seconds: float, limits: JailLimits) -> None:
    for what, most in (
        (resource.RLIMIT_CPU, math.ceil(seconds) + 1),
        (resource.RLIMIT_AS, limits.address_space_bytes),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.open_files),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))


def _watch(sock: socket.socket, pid: int, read_end: int, seconds: float, limits: JailLimits) -> Outcome:
    """Step 3.3: collect the answer until the child ends or breaks a limit."""
    deadline = time.monotonic() + seconds
    body, failure, peak = bytearray(), None, 0
    waiting_for_answer = True
    ended: tuple[int, resource.struct_rusage] | None = None
    while failure is None and ended is None:
        watched: list[Any] = [sock, read_end] if waiting_for_answer else [sock]
        readable, _, _ = select.select(watched, [], [], WATCH_SECONDS if waiting_for_answer else 0.002)
        if sock in readable and not sock.recv(1, socket.MSG_PEEK):
            raise ParentGone
        if read_end in readable:
            piece = os.read(read_end, 1 << 20)
            body += piece
            if not piece:
                waiting_for_answer = False
                deadline = min(deadline, time.monotonic() + LINGER_SECONDS)
        rss = _resident(pid)
        peak = max(peak, rss)
        if rss > limits.resident_bytes:
            failure = _too_large(limits)
        elif len(body) > limits.answer_bytes:
            failure = (PageCrashed.code, f"the answer is longer than {limits.answer_bytes} bytes")
        elif time.monotonic() > deadline:
            failure = (PageTimedOut.code, f"reading took longer than {seconds:.0f} s")
        ended = _ended(pid)
    if ended is None:
        _kill_group(pid)
        _, status, usage = os.wait4(pid, 0)
    else:
        status, usage = ended
        body += _drain(read_end, limits.answer_bytes)
    cpu, peak = usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss * 1024)
    failure = failure or _death(status)
    if failure is None and peak > limits.resident_bytes:  # it ended between two looks
        failure = _too_large(limits)
    return Outcome(bytes(body), failure, cpu, peak)


def _too_large(limits: JailLimits) -> tuple[str, str]:
    return PageOutOfMemory.code, f"reading needed more than {limits.resident_bytes} bytes of memory"


def _ended(pid: int) -> tuple[int, resource.struct_rusage] | None:
    found, status, usage = os.wait4(pid, os.WNOHANG)
    return (status, usage) if found else None


def _drain(read_end: int, most: int) -> bytes:
    """Return what the ended child left in the pipe; a grandchild that still holds it is not waited for."""
    os.set_blocking(read_end, False)
    rest = bytearray()
    while len(rest) <= most:
        try:
            piece = os.read(read_end, 1 << 20)
        except BlockingIOError:
            break
        if not piece:
            break
        rest += piece
    return bytes(rest)


def _death(status: int) -> tuple[str, str] | None:
    """Say why the child has no answer: a signal names the limit it stands for."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return PageTimedOut.code, "reading used more CPU time than its limit"
        if number == signal.SIGKILL:  # not ours: the kernel's memory killer
            return PageOutOfMemory.code, "the system ended the reading process for want of memory"
        return PageCrashed.code, f"the reading process died of {signal.Signals(number).name}"
    if os.WEXITSTATUS(status):
        return PageCrashed.code, f"the reading process ended with status {os.WEXITSTATUS(status)}"
    return None


def _kill_group(pid: int) -> None:
    for kill in (os.killpg, os.kill):  # the group may not exist yet: setsid is the child's first act
        try:
            kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _children(pid: int) -> list[int]:
    try:
        return [int(n) for n in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _resident(pid: int) -> int:
    """Return the resident bytes of a process and its descendants; 0 when it is gone."""
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0
    return own + sum(_resident(child) for child in _children(pid))


def end_descendants() -> None:
    """Step 3.4: kill and reap every descendant; orphans come here, for this process is their subreaper."""
    while children := _children(os.getpid()):
        for child in children:
            _kill_group(child)
        os.waitpid(-1, 0)
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            continue
    except ChildProcessError:
        return


if __name__ == "__main__":
    main()
