"""The process inside the walls: loads libraries and models once, then forks a child for every call.

1. Say hello: the walls stand. 2. Receive what to warm, do it, say ready. 3. For every call: 3.1 fork a child
under limits in a session of its own, or let the one go on that was announced with the call before, 3.2 start the
one announced with this call, 3.3 watch their time and memory, 3.4 kill the call's whole tree, 3.5 answer.
4. Leave when the parent's end of the socket closes, even in the middle of a call.
"""

import ctypes
import os
import socket
import sys
import threading
from pathlib import Path
from typing import Any

from ocr.jail import frames
from ocr.jail.child import Child, attempt, start
from ocr.jail.limits import JailLimits
from ocr.jail.watch import ParentGone, collect, end_descendants

PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


def main() -> None:
    """Run the steps above on the socket whose number is the first argument."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    # Orphans of a call come back to this process, so that none can outlive it by double forking; and a
    # jailed call of the same user must not be able to trace the process that serves the next one.
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    frames.send(sock, {"hello": os.getpid()})
    try:
        wanted = frames.receive(sock, body_limit=1 << 20)
        if wanted is None or not _warm(sock, wanted):
            return
        limits, waiting = JailLimits(**wanted.header["limits"]), None
        while (call := frames.receive(sock, body_limit=1 << 40)) is not None:
            waiting = _serve(sock, call, limits, waiting)
    except (ParentGone, BrokenPipeError, ConnectionResetError):
        return
    finally:
        end_descendants()


def _warm(sock: socket.socket, wanted: frames.Frame) -> bool:
    for function, arguments in wanted.header["warm"]:
        failure = attempt(function, arguments)[1]
        if failure is not None:
            frames.send(sock, {"failure": failure})
            return False
    if threading.active_count() > 1 or len(list(Path("/proc/self/task").iterdir())) > 1:
        frames.send(sock, {"failure": ("jail-unavailable", "a library started threads: forking is unsafe")})
        return False
    frames.send(sock, {"ready": True})
    return True


def _serve(sock: socket.socket, call: frames.Frame, limits: JailLimits, waiting: Child | None) -> Child | None:
    """Run one call and send its outcome; return the child of the call announced with it. Raises ParentGone.

    waiting: of the call announced before, which is this one, or was announced in vain.
    """
    child = waiting if call.header["announced"] else None
    if waiting is not None and child is None:
        waiting.forget()
        end_descendants()
    if "function" not in call.header:
        return None
    own = call.files[: len(call.header["files"])]
    others = [number for number in call.files if number not in own]
    if child is None:
        asked = {**call.header, "arguments": call.body.decode()}
        child = start(asked, own, limits, private=(sock.fileno(), *others), ahead=False)
    child.let_go_on()
    following: Child | None = None
    if call.header["next"] is not None:
        private = (sock.fileno(), child.read_end, *own)
        following = start(call.header["next"], others, limits, private=private, ahead=True)
    for number in call.files:
        os.close(number)
    try:
        outcome = collect(sock, child, following, limits)
    finally:
        child.forget()
        end_descendants(spared=following.pid if following is not None else None)
    header: dict[str, Any] = {"cpu_seconds": outcome.cpu_seconds, "peak_rss_bytes": outcome.peak_rss_bytes}
    if outcome.failure is not None:
        header["failure"] = outcome.failure
    frames.send(sock, header, outcome.body)
    return following


if __name__ == "__main__":
    main()
