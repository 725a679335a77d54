"""The outside of the jail: starts the zygote when first needed, sends it calls, raises what comes back.

Untrusted bytes are opened nowhere else. Where bubblewrap is missing or the system refuses user namespaces the
same zygote runs with plain limits only (no walls, and the network is reachable): `Jail.mode` says which.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from ocr.errors import JailUnavailable, PageCrashed, PageTimedOut, by_code
from ocr.jail import frames, sandbox
from ocr.jail.limits import CallUsage, JailLimits

Mode = Literal["bubblewrap", "rlimits"]
HELLO_SECONDS = 30.0
GRACE_SECONDS = 10.0  # beyond the call's own limit, which the zygote keeps
CLOSE_SECONDS = 5.0


class Jail:
    """Runs `module:function` in a child process with limits, without network, seeing only what is lent to it.

    scratch: a folder the jailed code may write. readable: folders it may read. packages: importable names
    whose code it may run. One call at a time: a second thread waits. The jailed processes die with close(),
    and with this process, even by SIGKILL.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        readable: Sequence[Path] = (),
        limits: JailLimits | None = None,
        packages: Sequence[str] = ("ocr", "archive"),
        isolation: Literal["best", "rlimits"] = "best",
    ) -> None:
        self.limits = limits or JailLimits()
        self.last_usage: CallUsage | None = None
        self._scratch = scratch.resolve()
        self._readable = [place.resolve() for place in readable]
        self._writable = [self._scratch]
        self._packages = tuple(packages)
        self._isolation = isolation
        self._warm: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.RLock()
        self._zygote: _Zygote | None = None
        # The kernel ties a zygote to the thread that started it, and callers' threads come and go.
        self._starter: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def mode(self) -> Mode:
        """Which walls stand; starts the jail to find out. Raises JailUnavailable."""
        with self._lock:
            return self._started().mode

    def lend(self, *, readable: Sequence[Path] = (), writable: Sequence[Path] = ()) -> None:
        """Let the jail see more folders or files; a running jail is started anew with its next call."""
        with self._lock:
            self._readable += [place.resolve() for place in readable]
            self._writable += [place.resolve() for place in writable]
            self.close()

    def warm(self, function: str, arguments: dict[str, Any]) -> None:
        """Call `module:function` once in every new zygote, so that each call finds its work done.

        It may start no thread: a process with threads can't be forked safely, and is refused.
        """
        with self._lock:
            self._warm.append((function, arguments))
            self.close()

    def call(
        self,
        function: str,
        arguments: Mapping[str, Any],
        *,
        seconds: float,
        files: Mapping[str, Path] | None = None,
    ) -> Any:
        """Return the JSON answer of `module:function(**arguments)` run in the jail.

        files: further arguments by name; each is opened here, read-only, and arrives as a path that the
        jailed code can open, though its folder is not visible there. seconds: wall time limit.
        Raises the ReadingError the function raised, PageTimedOut, PageOutOfMemory or PageCrashed when the
        call was ended, JailUnavailable, or OSError when one of `files` can't be opened.
        """
        with self._lock, ExitStack() as stack:
            files = files or {}
            opened = [stack.enter_context(_lendable(path, self._scratch)).fileno() for path in files.values()]
            zygote = self._started()
            started = time.monotonic()
            self.last_usage = None
            header = {"function": function, "seconds": seconds, "files": list(files)}
            try:
                frame = zygote.ask(header, json.dumps(dict(arguments)).encode(), opened, seconds=seconds)
            except BaseException:  # also an interrupt: the answer still to come would belong to no call
                self.close()
                raise
            self.last_usage = CallUsage(
                float(frame.header["cpu_seconds"]),
                int(frame.header["peak_rss_bytes"]),
                time.monotonic() - started,
            )
            return _answer(frame)

    def close(self) -> None:
        """End every jailed process. The next call starts a new one."""
        with self._lock:
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None
            if self._starter is not None:
                self._starter.shutdown(wait=False)
                self._starter = None

    def _started(self) -> "_Zygote":
        if self._zygote is not None and self._zygote.owner != os.getpid():
            self._zygote.forget()  # this process was forked from the one that started it
            self._zygote, self._starter = None, None
        if self._zygote is None:
            self._starter = self._starter or ThreadPoolExecutor(1, "jail-starter")
            self._zygote = self._starter.submit(self._start).result()
        return self._zygote

    def _start(self) -> "_Zygote":
        program = sandbox.bubblewrap() if self._isolation == "best" else None
        packages = sandbox.package_folders(self._packages)
        for walled in (program, None) if program else (None,):
            temporary = Path("/tmp") if walled else self._scratch  # noqa: S108 the jail's own /tmp
            settings = sandbox.environment(packages, temporary=temporary)
            walls: list[str] = []
            if walled:
                walls = [
                    *sandbox.walls(
                        walled,
                        packages=packages,
                        readable=self._readable,
                        writable=self._writable,
                        settings=settings,
                        limits=self.limits,
                    ),
                    "--",
                ]
            zygote = _Zygote(walls, settings, "bubblewrap" if walled else "rlimits", self.limits)
            try:
                if not zygote.said_hello():
                    continue  # the walls could not be raised: try without them
                zygote.prepare(self._warm)
            except BaseException:
                zygote.close()
                raise
            return zygote
        raise JailUnavailable("the reading process does not start; run the doctor to see what is missing")


class _Zygote:
    """One running zygote: its process, our end of its socket, and where it complains."""

    def __init__(self, walls: list[str], settings: dict[str, str], mode: Mode, limits: JailLimits) -> None:
        self.mode: Mode = mode
        self.owner = os.getpid()
        self._limits = limits
        self._complaints: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 closed by close()
        self._sock, theirs = socket.socketpair()
        command = [*walls, sys.executable, "-P", "-s", "-m", "ocr.jail.zygote", str(theirs.fileno())]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
                env=settings,
                cwd="/",
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        except OSError as error:
            self._sock.close()
            self._complaints.close()
            raise JailUnavailable(f"the reading process does not start: {error}") from error
        finally:
            theirs.close()

    def said_hello(self) -> bool:
        """Whether the process came up; False when its walls could not be raised."""
        self._sock.settimeout(HELLO_SECONDS)
        try:
            frame = frames.receive(self._sock, body_limit=0)
        except (TimeoutError, ConnectionResetError, frames.BrokenFrame):
            frame = None
        if frame is None:
            self.close()
        return frame is not None

    def prepare(self, warm: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Have everything loaded. Raises what the warming raised, or JailUnavailable."""
        limits = {name: getattr(self._limits, name) for name in JailLimits.__dataclass_fields__}
        self._sock.settimeout(self._limits.start_seconds)
        try:
            frames.send(self._sock, {"warm": list(warm), "limits": limits})
            frame = frames.receive(self._sock, body_limit=0)
        except (TimeoutError, ConnectionError, frames.BrokenFrame) as error:
            raise JailUnavailable(f"the reading process did not get ready: {error}") from error
        if frame is None:
            raise JailUnavailable(f"the reading process ended while loading: {self._last_complaint()}")
        if "failure" in frame.header:
            code, message = frame.header["failure"]
            found = by_code(code, message)
            raise JailUnavailable(message) if isinstance(found, PageCrashed) else found

    def ask(self, header: dict[str, Any], body: bytes, files: Sequence[int], *, seconds: float) -> frames.Frame:
        """Send one call, wait for its outcome. Raises PageTimedOut or PageCrashed when the zygote is lost."""
        self._sock.settimeout(seconds + GRACE_SECONDS)
        try:
            frames.send(self._sock, header, body, files)
            frame = frames.receive(self._sock, body_limit=self._limits.answer_bytes + (2 << 20))
        except TimeoutError as error:
            raise PageTimedOut(f"the reading process gave no sign within {seconds:.0f} s") from error
        except (ConnectionError, frames.BrokenFrame) as error:
            raise PageCrashed(f"the reading process was lost: {error}") from error
        if frame is None:
            raise PageCrashed(f"the reading process died: {self._last_complaint()}")
        return frame

    def close(self) -> None:
        """Close the socket, at which the zygote ends all it started and itself; make sure of it."""
        if self._sock.fileno() < 0:
            return
        self._sock.close()
        try:
            self._process.wait(CLOSE_SECONDS)
        except subprocess.TimeoutExpired:
            # The session's group; behind bubblewrap the process id space goes down with its first process.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._complaints.close()

    def forget(self) -> None:
        """Let go of our copy of another process's zygote without touching it."""
        self._sock.close()
        self._complaints.close()
        self._process.returncode = 0  # not our child: nothing to wait for

    def _last_complaint(self) -> str:
        self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(0, self._complaints.tell() - 2000))
        said = self._complaints.read().decode(errors="replace").strip().splitlines()
        return said[-1] if said else "it said nothing"


def _lendable(path: Path, scratch: Path) -> IO[bytes]:
    """Open a file so that the jail may open it again; one that only root may read is copied to scratch."""
    stream = path.open("rb")
    status = os.fstat(stream.fileno())
    if status.st_uid == os.geteuid() or status.st_mode & 0o004:
        return stream
    with stream:
        copy = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 the caller closes it
        shutil.copyfileobj(stream, copy, 1 << 20)
        copy.flush()
        return copy


def _answer(frame: frames.Frame) -> Any:
    failure = frame.header.get("failure")
    body: Any = None
    if failure is None:
        try:
            body = json.loads(frame.body)
        except (ValueError, RecursionError) as error:
            raise PageCrashed("the reading process gave no readable answer") from error
        if not isinstance(body, dict) or not ("answer" in body or "failure" in body):
            raise PageCrashed("the reading process gave no readable answer")
        failure = body.get("failure")
    if failure is None:
        return body["answer"]
    code, message = (*failure, "", "")[:2] if isinstance(failure, list) else (PageCrashed.code, str(failure))
    raise by_code(str(code), str(message))
