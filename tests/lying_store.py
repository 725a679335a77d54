"""A store that lies: a proxy before a real one that breaks exactly one promise and keeps up appearances.

Where a lock must be broken, objects are really locked in the mode that can be bypassed, and shown as COMPLIANCE.
"""

import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import md5, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import urllib3
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3

BYPASS = "x-amz-bypass-governance-retention"
MODE = "x-amz-object-lock-mode"

# Defects that need an object which only looks locked.
_WEAK = frozenset(
    (
        "deletes-locked",
        "bypass-deletes",
        "batch-deletes",
        "shortens-lock",
        "downgrades-lock",
        "lifts-lock",
        "overwrites",
        "delete-hides-for-good",
    )
)
_SHOWN = frozenset(("remembers-locks", "hold-ends-with-lock", "head-differs"))
Answer = tuple[int, Mapping[str, str], bytes]


class LyingStore:
    """The proxy. lie: the slug of its one defect, or None: an honest one."""

    def __init__(self, endpoint: str, user: str, password: str, lie: str | None) -> None:
        self._endpoint = endpoint
        self._credentials = Credentials(user, password)
        self._pool = urllib3.PoolManager(retries=False, timeout=20)
        self.lie = lie
        self._shown: dict[str, str] = {}  # what it pretends, by path

    def close(self) -> None:
        self._pool.clear()

    def answer(self, method: str, target: str, given: Mapping[str, str], body: bytes) -> Answer:
        """Answer one request as the store behind would, but for the lie."""
        headers = {
            name.lower(): value
            for name, value in given.items()
            if name.lower().startswith("x-amz-") or name.lower() in ("if-none-match", "content-md5", "range")
        }
        if headers.pop("x-amz-content-sha256", "") != sha256(body).hexdigest() and self.lie != "digest-ignored":
            return 400, {}, b"<Error><Code>XAmzContentSHA256Mismatch</Code></Error>"
        query = set(parse_qs(urlsplit(target).query, keep_blank_values=True))
        act = _act_of(method, query)
        told = getattr(self, f"_{act}", self._forward_as_is)(method, target, headers, body)
        if self.lie == "clock":
            skewed = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
            told = (told[0], {**told[1], "date": skewed}, told[2])
        return told

    def _look(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        status, told, data = self._forward(method, target, headers, body)
        shown = {name: value.replace("GOVERNANCE", "COMPLIANCE") for name, value in told.items()}
        if self.lie == "remembers-locks" and (until := self._shown.get(urlsplit(target).path)):
            shown |= {MODE: "COMPLIANCE", "x-amz-object-lock-retain-until-date": until}
        if self.lie == "hold-ends-with-lock" and urlsplit(target).path in self._shown:
            shown["x-amz-object-lock-legal-hold"] = "ON"
        if self.lie == "head-differs":
            shown.pop(MODE, None)
        return status, shown if self.lie in _WEAK | _SHOWN else told, data

    def _forward_as_is(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        return self._forward(method, target, headers, body)

    def _put(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        before = None
        if self.lie in _WEAK | {"weak-lock"} and MODE in headers:
            headers[MODE] = "GOVERNANCE"
        if self.lie in ("lock-not-stamped", "remembers-locks") and MODE in headers:
            self._shown[urlsplit(target).path] = headers["x-amz-object-lock-retain-until-date"]
            del headers[MODE], headers["x-amz-object-lock-retain-until-date"]
        if self.lie == "claims-twice":
            headers.pop("if-none-match", None)
        if self.lie == "checksum-ignored":
            headers.pop("x-amz-checksum-sha256", None)
        if self.lie == "overwrites" and "if-none-match" not in headers:
            before = self._forward("HEAD", target, {}, b"")[1].get("x-amz-version-id")
        status, told, data = self._forward(method, target, headers, body)
        if before is not None:
            self._forward("DELETE", f"{target}?versionId={before}", {BYPASS: "true"}, b"")
        if self.lie == "no-versions":
            told = {name: value for name, value in told.items() if name != "x-amz-version-id"}
        return status, told, data

    def _ask_retention(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if self.lie == "remembers-locks":
            until = self._shown[urlsplit(target).path]
            text = f"<Retention><Mode>COMPLIANCE</Mode><RetainUntilDate>{until}</RetainUntilDate></Retention>"
            return 200, {}, text.encode()
        status, told, data = self._forward(method, target, headers, body)
        if self.lie in _WEAK:
            data = data.replace(b"GOVERNANCE", b"COMPLIANCE")
        return status, told, data

    def _change_retention(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        headers.pop(BYPASS, None)
        kind = (
            "lifts-lock"
            if b"Mode" not in body
            else "downgrades-lock"
            if b"GOVERNANCE" in body
            else "shortens-lock"
        )
        if self.lie == kind:
            headers[BYPASS] = "true"
        elif self.lie in _WEAK:
            return 403, {}, b"<Error><Code>AccessDenied</Code></Error>"
        body = body.replace(b"COMPLIANCE", self._mode)
        headers["content-md5"] = b64encode(md5(body).digest()).decode()  # MinIO insists on it
        return self._forward(method, target, headers, body)

    @property
    def _mode(self) -> bytes:
        return b"GOVERNANCE" if self.lie in _WEAK else b"COMPLIANCE"

    def _delete_version(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if self.lie == "deletes-locked":
            headers[BYPASS] = "true"
        elif self.lie != "bypass-deletes":
            headers.pop(BYPASS, None)
        return self._forward(method, target, headers, body)

    def _delete_batch(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if self.lie != "batch-deletes":
            headers.pop(BYPASS, None)
        return self._forward(method, target, headers, body)

    def _delete_plain(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if self.lie == "delete-hides-for-good":
            version = self._forward("HEAD", target, {}, b"")[1]["x-amz-version-id"]
            return self._forward(method, f"{target}?versionId={version}", {BYPASS: "true"}, b"")
        return self._forward(method, target, headers, body)

    def _change_hold(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        found = self._forward("HEAD", target.replace("legal-hold=&", ""), {}, b"")[1]
        with_lock = MODE in found
        if self.lie == ("hold-ends-with-lock" if with_lock else "hold-not-kept"):
            self._shown[urlsplit(target).path] = "ON"
            return 200, {}, b""
        return self._forward(method, target, headers, body)

    def _ask_versioning(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        status, told, data = self._forward(method, target, headers, body)
        if self._shown.get("versioning") == "Suspended":
            data = data.replace(b"Enabled", b"Suspended")
        return status, told, data

    def _change_versioning(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Answer:
        if self.lie != "suspends-versioning":
            return self._forward(method, target, headers, body)
        found = re.search(rb"Suspended|Enabled", body)
        self._shown["versioning"] = found[0].decode() if found else ""
        return 200, {}, b""

    def _forward(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        url, digest, now = self._endpoint + target, sha256(body).hexdigest(), datetime.now(UTC)
        signed = sign_v4_s3(
            method=method,
            url=urlsplit(url),
            region="us-east-1",
            headers={
                **headers,  # type: ignore[dict-item]
                "Host": urlsplit(url).netloc,
                "x-amz-content-sha256": digest,
                "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
            },
            credentials=self._credentials,
            content_sha256=digest,
            date=now,
        )
        answer = self._pool.request(method, url, headers=signed, body=body or None, redirect=False)
        kept = {
            name.lower(): value
            for name, value in answer.headers.items()
            if name.lower() not in ("transfer-encoding", "connection", "content-length") or method == "HEAD"
        }
        return answer.status, kept, answer.data


def _act_of(method: str, query: set[str]) -> str:
    if "retention" in query:
        return "ask_retention" if method == "GET" else "change_retention"
    if "versioning" in query:
        return "ask_versioning" if method == "GET" else "change_versioning"
    if "legal-hold" in query and method == "PUT":
        return "change_hold"
    if method == "POST" and "delete" in query:
        return "delete_batch"
    if method == "DELETE":
        return "delete_version" if "versionId" in query else "delete_plain"
    if method == "HEAD":
        return "look"
    return "put" if method == "PUT" and not query else "forward_as_is"


@contextmanager
def lying_store(endpoint: str, user: str, password: str, lie: str | None) -> Iterator[str]:
    """Lend the address of a proxy that lies."""
    store = LyingStore(endpoint, user, password, lie)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, headers, data = store.answer(self.command, self.path, dict(self.headers.items()), body)
            self.send_response_only(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if self.command != "HEAD":
                self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_PUT = do_HEAD = do_DELETE = do_POST = _serve  # noqa: N815 - the names http.server asks for

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        store.close()
