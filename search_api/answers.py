"""Answers that are not plain JSON: entity tags, and files that are streamed."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from starlette.background import BackgroundTask

CHUNK = 1 << 18


def tag_of(value: Any) -> str:
    """Return the entity tag of a JSON value."""
    said = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def is_known(request: Request, tag: str) -> bool:
    """Say whether the client has what this tag stands for (If-None-Match)."""
    given = ",".join(request.headers.getlist("if-none-match"))
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in given.split(","))


def not_modified(tag: str) -> Response:
    """Return 304: the client has it."""
    return Response(status_code=304, headers={"ETag": tag})


def file_answer(stream: BinaryIO, length: int, media_type: str, *, name: str, tag: str) -> Response:
    """Return an open file, which is closed when it is sent. name: ASCII, what a browser saves it as."""
    headers: Mapping[str, str] = {
        "Content-Length": str(length),
        "Content-Disposition": f'attachment; filename="{name}"',
        "ETag": tag,
    }

    def chunks() -> Iterator[bytes]:
        while chunk := stream.read(CHUNK):
            yield chunk

    return StreamingResponse(
        chunks(), media_type=media_type, headers=headers, background=BackgroundTask(stream.close)
    )
