"""The log's signing key, and checkpoints as notes it signs: C2SP signed-note and tlog-checkpoint, Ed25519.

One key signs the logs of all streams. Each has its own origin, `<name>/<stream>`, and its key is named alike (the
custom of C2SP), so key ids differ and a note of one stream is none of another.
"""

import base64
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from archive.errors import LogBroken, LogKeyRefused
from archive.events import Stream
from archive.log import verify_log
from archive.log.verify_log import ED25519, Checkpoint, NoteInvalid, is_key_name, key_id

_PREFIX = "PRIVATE+KEY+"  # how Go's note package begins a signer's key
_OF_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class LogKey:
    """An Ed25519 key under the name of its archive. The file has the text form of Go's note package."""

    def __init__(self, name: str, seed: bytes) -> None:
        """Take a key. seed: its 32 bytes. Raises ValueError for a name with a space or a plus sign."""
        if not is_key_name(name):
            raise ValueError(f"no name for a log: {name!r}")
        self.name = name
        self._seed = seed
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls, name: str) -> "LogKey":
        """Make a new key. name: this archive's alone, by which outsiders know its logs."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def load(cls, path: Path) -> "LogKey":
        """Read a key file. Raises LogKeyRefused if it is missing, damaged, or open to others than its owner."""
        try:
            with path.open("rb") as stream:
                mode = os.fstat(stream.fileno()).st_mode
                text = stream.read(4096).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LogKeyRefused(path, "it cannot be read") from error
        if mode & _OF_OTHERS:
            raise LogKeyRefused(path, f"others than its owner may use it: chmod 600 {path.name}")
        try:
            name, given_id, encoded = text.removeprefix(_PREFIX).split("+", 2)
            raw = base64.b64decode(encoded, validate=True)
            if not text.startswith(_PREFIX) or raw[:1] != ED25519:
                raise ValueError("not an Ed25519 key of a log")
            key = cls(name, raw[1:])
        except ValueError as error:
            raise LogKeyRefused(path, "it is not a log's key, or damaged") from error
        if given_id != key_id(name, key._public).hex():
            raise LogKeyRefused(path, "its hash is not that of its name and key: it is damaged")
        return key

    def write(self, path: Path) -> None:
        """Write the key to a new file, mode 0600, synced. Raises FileExistsError."""
        encoded = base64.b64encode(ED25519 + self._seed).decode()
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(f"{_PREFIX}{self.name}+{key_id(self.name, self._public).hex()}+{encoded}\n")
            stream.flush()
            os.fsync(stream.fileno())

    def origin(self, stream: Stream) -> str:
        """Return the first line of a stream's checkpoints, which is its key's name too."""
        return f"{self.name}/{stream}"

    def verifier(self, stream: Stream) -> str:
        """Return the public key of a stream's log as text, `name+hash+base64`: what outsiders are given."""
        name = self.origin(stream)
        return f"{name}+{key_id(name, self._public).hex()}+{base64.b64encode(ED25519 + self._public).decode()}"

    def sign(self, stream: Stream, text: str) -> bytes:
        """Return text, which ends with a newline, as a note signed by a stream's key. Same text, same note."""
        name = self.origin(stream)
        signature = base64.b64encode(key_id(name, self._public) + self._key.sign(text.encode())).decode()
        return f"{text}\n\N{EM DASH} {name} {signature}\n".encode()


def checkpoint_text(origin: str, size: int, root: bytes, extensions: Sequence[str] = ()) -> str:
    """Return a checkpoint's lines: origin, tree size, root as base64, and extensions, none of them empty."""
    lines = [origin, str(size), base64.b64encode(root).decode(), *extensions]
    return "".join(f"{line}\n" for line in lines)


def sign_checkpoint(key: LogKey, stream: Stream, size: int, root: bytes, extensions: Sequence[str] = ()) -> bytes:
    """Return the signed checkpoint of a stream's first size events. Made again, it is the same bytes."""
    return key.sign(stream, checkpoint_text(key.origin(stream), size, root, extensions))


def open_checkpoint(note: bytes, verifier: str, *, name: str = "checkpoint") -> Checkpoint:
    """Return what a checkpoint says, signed by verifier (`name+hash+base64`) for the log of that name.

    name: what the note is called in LogBroken, which is raised for anything else.
    """
    try:
        return verify_log.open_checkpoint(note, verify_log.parse_vkey(verifier))
    except NoteInvalid as error:
        raise LogBroken(name, str(error)) from error
