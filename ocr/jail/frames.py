"""Messages on the socket between the parent and the zygote: a small JSON header, a body, open files.

A frame is 4 bytes header length, 8 bytes body length (big endian), the header, the body. The body is JSON too
but is passed on unread by the zygote. Nothing is ever unpickled.
"""

import json
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LENGTHS = struct.Struct(">IQ")
HEADER_LIMIT = 1 << 20
FILES_LIMIT = 16


class BrokenFrame(Exception):
    """The other side sent something that is no frame, or more than the limit."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message; files are descriptors the receiver now owns."""

    header: dict[str, Any]
    body: bytes = b""
    files: list[int] = field(default_factory=list)


def send(sock: socket.socket, header: dict[str, Any], body: bytes = b"", files: Sequence[int] = ()) -> None:
    """Send one frame; the descriptors stay open here."""
    packed = json.dumps(header).encode()
    start = LENGTHS.pack(len(packed), len(body))
    sent = socket.send_fds(sock, [start], list(files)) if files else sock.send(start)
    sock.sendall(start[sent:] + packed)
    if body:
        # Even an empty piece would fail here when the receiver, having all it needs, has answered and gone.
        sock.sendall(body)


def receive(sock: socket.socket, *, body_limit: int) -> Frame | None:
    """Return the next frame, or None when the other side has closed.

    Raises BrokenFrame, or TimeoutError when the socket's own timeout runs out between two pieces.
    """
    start, files = b"", []
    while len(start) < LENGTHS.size:
        piece, more, _, _ = socket.recv_fds(sock, LENGTHS.size - len(start), FILES_LIMIT)
        files += more
        if not piece:
            _close(files)
            return None
        start += piece
    header_length, body_length = LENGTHS.unpack(start)
    if header_length > HEADER_LIMIT or body_length > body_limit:
        _close(files)
        raise BrokenFrame(f"frame of {header_length} + {body_length} bytes is over the limit")
    packed, body = _exactly(sock, header_length), _exactly(sock, body_length)
    if packed is None or body is None:
        _close(files)
        return None
    try:
        header = json.loads(packed)
    except (ValueError, RecursionError) as error:
        _close(files)
        raise BrokenFrame("the header is not JSON") from error
    if not isinstance(header, dict):
        _close(files)
        raise BrokenFrame("the header is not an object")
    return Frame(header, body, files)


def _exactly(sock: socket.socket, length: int) -> bytes | None:
    pieces = bytearray()
    while len(pieces) < length:
        piece = sock.recv(min(1 << 20, length - len(pieces)))
        if not piece:
            return None
        pieces += piece
    return bytes(pieces)


def _close(files: Sequence[int]) -> None:
    for number in files:
        os.close(number)
