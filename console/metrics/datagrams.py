"""Measurements on their way from worker processes to the exporter of their tree, over a socket without a file.

The socket's name lies in Linux's abstract namespace: it is gone with the exporter, needs no folder that both can
write, and is seen within one machine (or container) only. What a process of another user sends is not heard.
"""

import contextlib
import hashlib
import json
import os
import socket
import struct
import threading
from collections.abc import Callable

from console.observing_settings import Listening

Hear = Callable[[str, str, float], None]

_BYTES_MAX = 512
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred


def socket_name(folder: str, listening: Listening) -> str:
    """Return the name that all processes of one tree come to by themselves, from their settings."""
    said = f"{folder}|{listening.host}|{listening.port}|{os.getuid()}"
    return f"\0sohoa-{hashlib.sha256(said.encode()).hexdigest()[:32]}"


class Sender:
    """Sends measurements; what cannot be sent at once is lost."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)

    def send(self, measure: str, label: str, amount: float) -> None:
        """Send one measurement, or drop it: no exporter listens, or it is busy."""
        with contextlib.suppress(OSError):
            self._socket.sendto(json.dumps([measure, label, round(amount, 6)]).encode(), self._name)

    def close(self) -> None:
        """Let go of the socket."""
        self._socket.close()


class Receiver:
    """Hears measurements in a thread of its own until closed. Raises OSError if another has the name already."""

    def __init__(self, name: str, hear: Hear) -> None:
        self._hear = hear
        self._closing = False
        self._name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        try:
            self._socket.bind(name)
        except OSError:
            self._socket.close()
            raise
        self._thread = threading.Thread(target=self._listen, name="measurements", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop hearing."""
        self._closing = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as waking, contextlib.suppress(OSError):
            waking.sendto(b"", self._name)
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while not self._closing:
            data, ancillary, _flags, _from = self._socket.recvmsg(_BYTES_MAX, socket.CMSG_SPACE(_CREDENTIALS.size))
            if not data or not _is_ours(ancillary):
                continue
            with contextlib.suppress(ValueError, TypeError):
                measure, label, amount = json.loads(data)
                self._hear(str(measure), str(label), float(amount))


def _is_ours(ancillary: list[tuple[int, int, bytes]]) -> bool:
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS and len(data) >= _CREDENTIALS.size:
            return bool(_CREDENTIALS.unpack(data[: _CREDENTIALS.size])[1] == os.getuid())
    return False
