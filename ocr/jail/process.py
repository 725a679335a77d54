"""One running zygote as its parent sees it: the process, our end of its socket, and where it complains."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, Literal

from ocr.errors import JailUnavailable, PageCrashed, PageTimedOut, by_code
from ocr.jail import frames
from ocr.jail.limits import JailLimits

Mode = Literal["bubblewrap", "rlimits"]
HELLO_SECONDS = 30.0
GRACE_SECONDS = 10.0  # beyond the call's own limit, which the zygote keeps
CLOSE_SECONDS = 5.0


class Zygote:
    """A zygote behind walls, or with limits only. mode: which of the two."""

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

    def tell(self, header: dict[str, Any]) -> None:
        """Send what has no answer; a zygote that is lost is found out by the next call."""
        with suppress(OSError):
            frames.send(self._sock, header)

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
