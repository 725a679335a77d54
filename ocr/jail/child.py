"""The process of one call: forked from the zygote, under limits, with nothing open that is not its own."""

import ctypes
import importlib
import json
import math
import os
import resource
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from ocr.errors import PageCrashed, PageOutOfMemory
from ocr.jail.limits import JailLimits

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
_libc = ctypes.CDLL(None)
_gate: list[int] = []  # where this process waits for its turn, when it was started ahead of it


@dataclass(slots=True)
class Child:
    """A running call: its process and where its answer comes from.

    gate: at whose sign it goes on, None when it need not wait. failure: why it was ended before its turn.
    """

    pid: int
    read_end: int
    seconds: float
    gate: int | None = None
    failure: tuple[str, str] | None = None

    def let_go_on(self) -> None:
        """Let it go on when it was started ahead of its turn; one that is dead by now tells so by itself."""
        if self.gate is not None:
            with suppress(BrokenPipeError):
                os.write(self.gate, b"!")
            os.close(self.gate)
            self.gate = None

    def forget(self) -> None:
        """Let go of its descriptors."""
        os.close(self.read_end)
        if self.gate is not None:
            os.close(self.gate)


def start(
    call: dict[str, Any], files: Sequence[int], limits: JailLimits, *, private: Sequence[int], ahead: bool
) -> Child:
    """Fork the process of a call. call: function, arguments, seconds and names of files.

    private: descriptors that are not for it. ahead: it waits at `await_turn`.
    """
    read_end, write_end = os.pipe()
    gate, sign = os.pipe() if ahead else (None, None)
    pid = os.fork()
    if pid == 0:
        for number in (*private, read_end, *([sign] if sign is not None else [])):
            os.close(number)
        _gate[:] = [gate] if gate is not None else []
        _run(call, files, write_end, limits)
    os.close(write_end)
    if gate is not None:
        os.close(gate)
    return Child(pid, read_end, float(call["seconds"]), sign)


def await_turn() -> None:
    """Wait, in a call that was started ahead of its turn, until the calls before it have ended."""
    if _gate:
        went = os.read(_gate[0], 1)
        os.close(_gate.pop())
        if not went:
            os._exit(1)  # nobody waits for this call any more


def attempt(function: str, arguments: dict[str, Any]) -> tuple[Any, tuple[str, str] | None]:
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


def _run(call: dict[str, Any], files: Sequence[int], write_end: int, limits: JailLimits) -> NoReturn:
    """Run the call and write its answer; never return into the zygote's loop."""
    status = 1
    try:
        os.setsid()
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else it could not open its own /proc/self/fd
        subprocess.Popen = _ProgramOfCall  # type: ignore[misc]  # libraries start programs by this name
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        _limit(float(call["seconds"]), limits)
        arguments = json.loads(call["arguments"])
        for name, number in zip(call["files"], files, strict=True):
            arguments[name] = f"/proc/self/fd/{number}"
        answer, failure = attempt(call["function"], arguments)
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
