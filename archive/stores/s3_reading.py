"""Bytes of one stored version, by ranges, and as a stream that fetches them piece by piece."""

from io import SEEK_CUR, SEEK_END, RawIOBase
from typing import Any

from archive.errors import ObjectDamaged, ObjectNotFound
from archive.stores.s3_answers import NO_SUCH_VERSION, trouble
from archive.stores.s3_requests import Answer, BodyBroken, Line, one_act

PIECE = 1024 * 1024  # bytes fetched at a time


def fetch(line: Line, key: str, version_id: str, start: int, length: int) -> tuple[bytes, int]:
    """Return at most length (> 0) bytes from offset start, and the length of all; 0 where start is past it.

    Raises ObjectNotFound, StoreUnavailable; ObjectDamaged where one byte alone cannot be had either, though the
    server answers: it reads them from its own disk and finds that they are not what was stored.
    """
    with one_act():
        try:
            answer = _asked(line, key, version_id, start, length)
        except BodyBroken:
            for place in (*range(start, start + length, PIECE), start + length - 1):
                try:
                    _asked(line, key, version_id, place, 1)
                except BodyBroken:
                    raise ObjectDamaged(key, "the server cannot read its bytes") from None
            raise
    if answer.status == 206:
        whole = answer.headers.get("content-range", "").rpartition("/")[2]
        return answer.body, int(whole) if whole.isdigit() else 0
    if answer.status == 200:  # a server may send all of it
        return answer.body[start : start + length], len(answer.body)
    if answer.status == 416:
        return b"", 0
    if answer.error in NO_SUCH_VERSION:
        raise ObjectNotFound(key, version_id)
    raise trouble(line.bucket, f"reading {key}", answer)


def _asked(line: Line, key: str, version_id: str, start: int, length: int) -> Answer:
    span = {"Range": f"bytes={start}-{start + length - 1}"}
    return line.ask("GET", key, {"versionId": version_id}, headers=span)


class Pieces(RawIOBase):
    """A stored version as a raw stream. The first piece is fetched at once, the others when they are asked for.

    Reading raises ObjectDamaged if the store sends fewer bytes than it has, ObjectNotFound once it is deleted.
    """

    def __init__(self, line: Line, key: str, version_id: str) -> None:
        self._line, self._key, self._version_id = line, key, version_id
        self._at = self._piece_at = 0
        self._piece, self._length = fetch(line, key, version_id, 0, PIECE)
        self._require(self._piece, min(self._length, PIECE))

    def _require(self, data: bytes, length: int) -> None:
        if len(data) != length:
            raise ObjectDamaged(self._key, "it is cut short in the store")

    def _fetched(self, start: int, length: int) -> bytes:
        data, _ = fetch(self._line, self._key, self._version_id, start, length)
        self._require(data, length)
        return data

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """Any place can be gone to."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place; fetches nothing."""
        base = {SEEK_CUR: self._at, SEEK_END: self._length}.get(whence, 0)
        if base + offset < 0:
            raise ValueError("before the first byte")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Say the place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer from the piece at hand, or fetch the next."""
        wanted = min(len(buffer), self._length - self._at)
        if wanted <= 0:
            return 0
        offset = self._at - self._piece_at
        if not 0 <= offset < len(self._piece):
            self._piece_at, offset = self._at, 0
            self._piece = self._fetched(self._at, min(max(wanted, PIECE), self._length - self._at))
        data = self._piece[offset : offset + wanted]
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
