"""Receives uploaded bodies onto disk, chunk by chunk, under names of our own."""

import hashlib
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from anyio.to_thread import run_sync
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from archive.digest import sha256_of_file
from archive.errors import StoreUnavailable
from search_api.errors import UploadInvalid

MAX_FILES = 5_000
MAX_FIELDS = 20
FIELD_BYTES = 4_000
CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """One file of a form. name: as the client calls it, to be judged before it is used; path: where it is."""

    field: str
    name: str
    path: Path
    sha256: str
    length: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A received form: its text fields (the first of each name) and its files in order."""

    fields: dict[str, str] = field(default_factory=dict)
    files: tuple[UploadedFile, ...] = ()


async def receive_form(request: Request, folder: Path) -> Upload:
    """Stream a multipart form's files into folder and return what it says. Raises UploadInvalid."""
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise UploadInvalid("the body is no multipart/form-data")
    try:
        form = _Form(folder, options[b"boundary"])
    except FormParserError as error:
        raise UploadInvalid("the form's boundary can't be one") from error
    try:
        async for chunk in _chunks(request):
            await run_sync(form.write, chunk)
        return form.finish()
    finally:
        form.close()


async def receive_file(request: Request, folder: Path, *, name: str) -> UploadedFile:
    """Stream a body as it is into folder. name: for messages only."""
    path = folder / secrets.token_hex(8)
    with path.open("wb") as out:
        async for chunk in _chunks(request):
            await run_sync(out.write, chunk)
    sha256, length = await run_sync(sha256_of_file, path)
    return UploadedFile("file", name, path, sha256, length)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if len(waiting) >= CHUNK:
            yield bytes(waiting)
            waiting.clear()
    if waiting:
        yield bytes(waiting)


class _Form:
    """A form being parsed by callbacks; a file's bytes go to disk as they come."""

    def __init__(self, folder: Path, boundary: bytes) -> None:
        self._folder = folder
        self._fields: dict[str, str] = {}
        self._files: list[UploadedFile] = []
        self._header: dict[bytes, bytes] = {}
        self._name, self._value = b"", b""
        self._part: _FieldPart | _FilePart | None = None
        self._ended = False
        callbacks = {
            "on_part_begin": self._begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }
        self._parser = MultipartParser(boundary, callbacks)  # type: ignore[arg-type]

    def write(self, chunk: bytes) -> None:
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise UploadInvalid("the form is not well-formed") from error
        except OSError as error:
            raise StoreUnavailable(f"an upload can't be written: {error.strerror}") from error

    def finish(self) -> Upload:
        if not self._ended:
            raise UploadInvalid("the form ends before its last boundary")
        return Upload(self._fields, tuple(self._files))

    def close(self) -> None:
        if isinstance(self._part, _FilePart):
            self._part.stream.close()

    def _begin(self) -> None:
        self._header = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._header[self._name.lower()] = self._value
        self._name, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._header.get(b"content-disposition"))
        encoding = self._header.get(b"content-transfer-encoding", b"binary").strip().lower()
        if b"name" not in options or encoding not in (b"7bit", b"8bit", b"binary"):
            raise UploadInvalid("a part of the form has no name, or is encoded")
        if len(self._files) >= MAX_FILES or len(self._fields) >= MAX_FIELDS:
            raise UploadInvalid(f"the form has more than {MAX_FILES} files or {MAX_FIELDS} fields")
        name = _text(options[b"name"])
        if b"filename" in options:
            self._part = _FilePart(name, _text(options[b"filename"]), self._folder / secrets.token_hex(8))
        else:
            self._part = _FieldPart(name)

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        assert self._part is not None
        self._part.write(data[start:end])

    def _on_part_end(self) -> None:
        if isinstance(self._part, _FilePart):
            self._files.append(self._part.finished())
        elif self._part is not None:
            self._fields.setdefault(self._part.name, _text(bytes(self._part.value)))
        self._part = None

    def _on_end(self) -> None:
        self._ended = True


class _FieldPart:
    """A text field; more than FIELD_BYTES refuse the form."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.value = bytearray()

    def write(self, data: bytes) -> None:
        self.value += data
        if len(self.value) > FIELD_BYTES:
            raise UploadInvalid(f"a field of the form has more than {FIELD_BYTES} bytes")


class _FilePart:
    """A file, hashed while it is written."""

    def __init__(self, field_name: str, name: str, path: Path) -> None:
        self.stream = path.open("wb")
        self._field, self._name, self._path = field_name, name, path
        self._digest, self._length = hashlib.sha256(), 0

    def write(self, data: bytes) -> None:
        self.stream.write(data)
        self._digest.update(data)
        self._length += len(data)

    def finished(self) -> UploadedFile:
        self.stream.close()
        return UploadedFile(self._field, self._name, self._path, self._digest.hexdigest(), self._length)


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UploadInvalid("the form's text is not UTF-8") from error
