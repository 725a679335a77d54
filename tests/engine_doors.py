"""Doors that stand where an engine should: one that answers what a test says, one with TLS and a password."""

import base64
import http.client
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Asked:
    """One request as it came. authorization: the header, empty without one."""

    method: str
    path: str
    body: bytes
    content_type: str
    authorization: str

    @property
    def lines(self) -> list[Any]:
        """The body of a bulk request, line by line."""
        return [json.loads(line) for line in self.body.splitlines()]


Answer = Callable[[Asked], tuple[int, bytes]]


def said(status: int, body: Any) -> tuple[int, bytes]:
    """Return an answer in JSON."""
    return status, json.dumps(body).encode()


@contextmanager
def door(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer on a port of loopback, which is yielded."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, text = answer(
                Asked(
                    self.command,
                    self.path,
                    body,
                    self.headers.get("Content-Type", ""),
                    self.headers.get("Authorization", ""),
                )
            )
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PUT = do_DELETE = _any  # noqa: N815 - http.server wants these names

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            """A client that hangs up, or does not trust us, is what some tests want."""

    server = Quiet((HOST, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def guarded(port: int, tls: ssl.SSLContext, *, user: str, password: str) -> Iterator[int]:
    """Stand before the engine on a port with TLS, and let in who knows the password."""
    wanted = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    def answer(asked: Asked) -> tuple[int, bytes]:
        if asked.authorization != wanted:
            return said(401, {"error": {"type": "security_exception"}, "status": 401})
        line = http.client.HTTPConnection(HOST, port, timeout=30)
        try:
            line.request(
                asked.method, asked.path, asked.body, {"Content-Type": asked.content_type or "text/plain"}
            )
            told = line.getresponse()
            return told.status, told.read()
        finally:
            line.close()

    with door(answer, tls=tls) as listening:
        yield listening


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """Make a self-signed certificate for loopback; return its file and what a server speaks TLS with."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    shown, whole = folder / f"{name}.pem", folder / f"{name}-key.pem"
    shown.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    whole.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(shown, whole)
    return shown, context
