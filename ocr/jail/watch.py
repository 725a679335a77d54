"""Watches the processes of calls: their time, their memory, their answers, and that none outlives its call."""

import os
import resource
import select
import signal
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocr.errors import PageCrashed, PageOutOfMemory, PageTimedOut
from ocr.jail.child import Child
from ocr.jail.limits import JailLimits

WATCH_SECONDS = 0.05
LINGER_SECONDS = 2.0  # a child that has answered may take this long to exit
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ParentGone(Exception):
    """The parent has closed its end: nobody waits for an answer any more."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a call ended: the child's own answer, or why there is none."""

    body: bytes
    failure: tuple[str, str] | None
    cpu_seconds: float
    peak_rss_bytes: int


def collect(sock: socket.socket, child: Child, waiting: Child | None, limits: JailLimits) -> Outcome:
    """Return the answer of a child, once it has ended or broken a limit. Raises ParentGone.

    sock: of the parent. waiting: the child of the next call, whose memory is watched too.
    """
    pid, read_end, seconds = child.pid, child.read_end, child.seconds
    deadline = time.monotonic() + seconds
    body, failure, peak = bytearray(), child.failure, 0
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
        if waiting is not None and waiting.failure is None and _resident(waiting.pid) > limits.resident_bytes:
            waiting.failure = _too_large(limits)
            _kill_group(waiting.pid)
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


def end_descendants(spared: int | None = None) -> None:
    """Kill and reap every descendant but one child; orphans come here, for this process is their subreaper."""
    while children := [child for child in _children(os.getpid()) if child != spared]:
        for child in children:
            _kill_group(child)
        os.waitpid(children[0], 0)
