"""A time-stamp authority on the loopback: answers RFC 3161 requests over HTTP with a key of a demo folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

from archive.signers.file import key_file_name


@contextmanager
def time_stamp_authority(keys: Path, role: str, at: datetime) -> Iterator[str]:
    """Serve tokens of one moment and yield the address. role: whose key signs them; no token is like another."""
    bundle = pkcs12.load_pkcs12((keys / key_file_name(role)).read_bytes(), (keys / "passphrase").read_bytes())
    assert bundle.key is not None
    assert bundle.cert is not None
    stamper = DummyTimeStamper(
        asn1_x509.Certificate.load(bundle.cert.certificate.public_bytes(Encoding.DER)),
        asn1_keys.PrivateKeyInfo.load(bundle.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())),
        fixed_dt=at,
    )

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name http.server calls
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            body = stamper.request_tsa_response(asked).dump()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
