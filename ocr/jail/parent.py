"""The outside of the jail: starts the zygote when first needed, sends it calls, raises what comes back.

Untrusted bytes are opened nowhere else. Where bubblewrap is missing or the system refuses user namespaces the
same zygote runs with plain limits only (no walls, and the network is reachable): `Jail.mode` says which.
"""

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Literal, Self

from ocr.errors import JailUnavailable, PageCrashed, by_code
from ocr.jail import frames, sandbox
from ocr.jail.limits import CallUsage, JailLimits
from ocr.jail.process import Mode, Zygote


@dataclass(frozen=True, slots=True)
class Call:
    """A call to come: `module:function`, its arguments, its wall time limit, files lent to it by name."""

    function: str
    arguments: Mapping[str, Any]
    seconds: float
    files: Mapping[str, Path]

    def to_json(self) -> dict[str, Any]:
        """Return what the zygote is told of it; the files go beside."""
        return {
            "function": self.function,
            "arguments": json.dumps(dict(self.arguments)),
            "seconds": self.seconds,
            "files": list(self.files),
        }


class Jail:
    """Runs `module:function` in a child process with limits, without network, seeing only what is lent to it.

    scratch: a folder the jailed code may write. readable: folders it may read. packages: importable names
    whose code it may run. One call at a time: a second thread waits. With a call the next one may be announced: it
    starts at once and waits, as far as `ocr.jail.child.await_turn`, for its turn. The jailed processes die with
    close(), and with this process, even by SIGKILL.
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
        self._announced: Call | None = None
        self._warm: list[tuple[str, dict[str, Any]]] = []
        self._lock = threading.RLock()
        self._zygote: Zygote | None = None
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
        announced: "Call | None" = None,
    ) -> Any:
        """Return the JSON answer of `module:function(**arguments)` run in the jail.

        files: further arguments by name; each is opened here, read-only, and arrives as a path that the
        jailed code can open, though its folder is not visible there. seconds: wall time limit. announced: the call
        to come next; only of the same stranger's bytes, for two running calls can reach each other.
        Raises the ReadingError the function raised, PageTimedOut, PageOutOfMemory or PageCrashed when the
        call was ended, JailUnavailable, or OSError when one of `files` can't be opened.
        """
        with self._lock, ExitStack() as stack:
            call = Call(function, arguments, seconds, files or {})
            zygote = self._started()
            its_turn = call == self._announced
            lent = [*([] if its_turn else call.files.values()), *(announced.files.values() if announced else [])]
            opened = [stack.enter_context(_lendable(path, self._scratch)).fileno() for path in lent]
            started = time.monotonic()
            self.last_usage = None
            header = {
                "function": function,
                "seconds": seconds,
                "files": [] if its_turn else list(call.files),
                "announced": its_turn,
                "next": announced.to_json() if announced else None,
            }
            body = b"" if its_turn else json.dumps(dict(arguments)).encode()
            self._announced = announced
            try:
                frame = zygote.ask(header, body, opened, seconds=seconds)
            except BaseException:  # also an interrupt: the answer still to come would belong to no call
                self.close()
                raise
            self.last_usage = CallUsage(
                float(frame.header["cpu_seconds"]),
                int(frame.header["peak_rss_bytes"]),
                time.monotonic() - started,
            )
            return _answer(frame)

    def forget_announced(self) -> None:
        """End the call that was announced and is not going to be made."""
        with self._lock:
            if self._announced is not None and self._zygote is not None:
                self._zygote.tell({"announced": False})
            self._announced = None

    def close(self) -> None:
        """End every jailed process. The next call starts a new one."""
        with self._lock:
            self._announced = None
            if self._zygote is not None:
                self._zygote.close()
                self._zygote = None
            if self._starter is not None:
                self._starter.shutdown(wait=False)
                self._starter = None

    def _started(self) -> Zygote:
        if self._zygote is not None and self._zygote.owner != os.getpid():
            self._zygote.forget()  # this process was forked from the one that started it
            self._zygote, self._starter, self._announced = None, None, None
        if self._zygote is None:
            self._starter = self._starter or ThreadPoolExecutor(1, "jail-starter")
            self._zygote = self._starter.submit(self._start).result()
        return self._zygote

    def _start(self) -> Zygote:
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
            zygote = Zygote(walls, settings, "bubblewrap" if walled else "rlimits", self.limits)
            try:
                if not zygote.said_hello():
                    continue  # the walls could not be raised: try without them
                zygote.prepare(self._warm)
            except BaseException:
                zygote.close()
                raise
            return zygote
        raise JailUnavailable("the reading process does not start; run the doctor to see what is missing")


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
