"""One signed request to an S3 server: our own timeouts and deadline, no hidden repeats, bodies streamed.

minio-py's own calls read a single part into memory, repeat puts by themselves and turn `If-None-Match` into user
metadata; requests are therefore signed with its signer and sent over a pool of ours.
"""

import os
import random
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import md5, sha256
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from lxml import etree
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3

from archive.errors import StoreUnavailable
from archive.stores.port import StoreCredentials
from archive.stores.s3_url import BucketUrl

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 20.0
ACT_SECONDS = 60.0  # of one act with all its requests and attempts; a put gets the time its bytes need besides
SLOWEST_BYTES_A_SECOND = 512 * 1024
ATTEMPTS = 3
PAUSE_SECONDS = 0.2  # before the second attempt; doubled, with a chance added
_PASSING = frozenset((429, 500, 502, 503, 504))
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
_EMPTY = sha256().hexdigest()
_until: ContextVar[float | None] = ContextVar("until", default=None)


class LineBroken(StoreUnavailable):
    """No answer came: the store is not there, or what was asked may have been done all the same."""

    code = "store-line-broken"


class BodyBroken(LineBroken):
    """An answer began and broke off: the line, or what the server reads from its own disk, is at fault."""

    code = "store-answer-broken"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said. headers have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def error(self) -> str:
        """The error code of an answer that refuses, or its status where it says nothing."""
        found = self.xml().findtext("{*}Code") if self.body.lstrip().startswith(b"<") else None
        return found or self.headers.get("x-minio-error-code") or str(self.status)

    def xml(self) -> etree._Element:
        """The body as XML. Raises StoreUnavailable if it is none."""
        try:
            return etree.fromstring(self.body, _PARSER)
        except etree.XMLSyntaxError as error:
            raise StoreUnavailable(f"the store answered what is no XML: {error}") from error


@contextmanager
def one_act(seconds: float = ACT_SECONDS) -> Iterator[None]:
    """Give everything inside one deadline: past it a request is not sent, or given up, as LineBroken."""
    outer, mine = _until.get(), time.monotonic() + seconds
    token = _until.set(mine if outer is None else min(outer, mine))
    try:
        yield
    finally:
        _until.reset(token)


def seconds_left() -> float:
    """Return the seconds left of the act under way; of one request, where none is."""
    until = _until.get()
    return ACT_SECONDS if until is None else until - time.monotonic()


class _Sent:
    """A file read for sending, as long as there is time."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        if seconds_left() <= 0:
            raise TimeoutError("sending took too long")
        return self._stream.read(size)


class Line:
    """The way to one bucket. endpoint: `http(s)://host:port`; authority: file of the certificates to trust.

    Safe between threads, and in a process that forked: connections of its parent are never used.
    """

    def __init__(
        self, endpoint: str, bucket: str, credentials: StoreCredentials, *, region: str, authority: str | None
    ) -> None:
        self.bucket = bucket
        self.endpoint = endpoint.rstrip("/")
        self._host = urlsplit(endpoint).netloc
        self._credentials = Credentials(credentials.access_key, credentials.secret_key)
        self._region = region
        self._authority = authority
        self._pools: dict[int, urllib3.PoolManager] = {}

    def _pool(self) -> urllib3.PoolManager:
        found = self._pools.get(os.getpid())
        if found is None:
            found = urllib3.PoolManager(num_pools=1, maxsize=16, retries=False, ca_certs=self._authority)
            found = self._pools.setdefault(os.getpid(), found)
        return found

    def ask(
        self,
        method: str,
        key: str | None = None,
        query: Mapping[str, str] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """Send a request that may be repeated without harm, a few times if need be. Raises LineBroken."""
        given = dict(headers or {})
        if body:
            given["Content-MD5"] = b64encode(md5(body, usedforsecurity=False).digest()).decode()
        digest = sha256(body).hexdigest() if body else _EMPTY
        return repeated(lambda: self._send(method, key, query or {}, given, digest, body, len(body)))

    def put_file(self, key: str, path: Path, headers: Mapping[str, str], *, digest: str, length: int) -> Answer:
        """Send a file once. Raises LineBroken: then it may be stored or not."""
        with path.open("rb") as stream:
            return self._send("PUT", key, {}, headers, digest, _Sent(stream), length)

    def _send(
        self,
        method: str,
        key: str | None,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        digest: str,
        body: Any,
        length: int,
    ) -> Answer:
        left = seconds_left()
        if left <= 0:
            raise LineBroken(f"{self.endpoint} did not answer in time")
        url = self.endpoint + f"/{self.bucket}" + (f"/{quote(key, safe='/-._~')}" if key is not None else "")
        if query:
            url += "?" + urlencode(sorted(query.items()), quote_via=quote)
        sends = method in ("PUT", "POST")
        told = {**headers, **({"Content-Length": str(length)} if sends else {})}
        broken: type[LineBroken] = LineBroken
        try:
            with self._pool().request(
                method,
                url,
                headers=self._signed(method, url, told, digest),
                body=body if sends else None,
                timeout=urllib3.Timeout(connect=min(CONNECT_SECONDS, left), read=min(ANSWER_SECONDS, left)),
                redirect=False,
                preload_content=False,
            ) as answer:
                broken = BodyBroken
                data = self._read(answer)
                status, answered = answer.status, {name.lower(): value for name, value in answer.headers.items()}
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise broken(f"{self.endpoint} does not answer: {_reason(error)}") from error
        length_told = answered.get("content-length")
        if method != "HEAD" and length_told is not None and len(data) != int(length_told):
            raise LineBroken(f"{self.endpoint} broke off its answer")
        return Answer(status, answered, data)

    def _signed(self, method: str, url: str, headers: Mapping[str, str], digest: str) -> dict[str, Any]:
        now = datetime.now(UTC)
        given = {
            "Host": self._host,
            **headers,
            "x-amz-content-sha256": digest,
            "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
        }
        return sign_v4_s3(
            method=method,
            url=urlsplit(url),
            region=self._region,
            headers=given,  # type: ignore[arg-type]  # one value a name
            credentials=self._credentials,
            content_sha256=digest,
            date=now,
        )

    def _read(self, answer: urllib3.BaseHTTPResponse) -> bytes:
        """Read an answer as it comes: a server that sends a little at a time does not outlive the deadline."""
        parts = []
        while part := answer.read1(256 * 1024):
            parts.append(part)
            if seconds_left() <= 0:
                raise TimeoutError("answering took too long")
        # Read to its end, a connection goes back to the pool.
        answer.drain_conn()
        return b"".join(parts)


def line_to(where: BucketUrl, credentials: StoreCredentials) -> Line:
    """Return the way to a bucket with somebody's keys; asks nothing yet."""
    return Line(where.endpoint, where.bucket, credentials, region=where.region, authority=where.authority)


def _reason(error: BaseException) -> str:
    cause = getattr(error, "reason", None) or error.__cause__ or error
    return getattr(cause, "strerror", None) or str(cause).rpartition(": ")[2] or type(error).__name__


def repeated(attempt: Callable[[], Answer]) -> Answer:
    """Make an attempt until it is answered, a few times, with growing pauses. Raises LineBroken."""
    for number in range(1, ATTEMPTS + 1):
        pause = PAUSE_SECONDS * 2 ** (number - 1) * (0.5 + random.random())  # noqa: S311 - a pause
        last = number == ATTEMPTS or seconds_left() < pause
        try:
            answer = attempt()
        except LineBroken:
            if last:
                raise
        else:
            if answer.status not in _PASSING or last:
                return answer
        time.sleep(pause)
    raise AssertionError("the last attempt returns or raises")
