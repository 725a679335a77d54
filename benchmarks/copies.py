"""Signing a copy against a bare pyHanko signature of the same bytes with a preloaded key: CPU-ms, in one run.

    .venv/bin/python benchmarks/copies.py

1. A rendition of six pages is built from drawn scans, with room for a copy's mark. 2. Both sides sign it by
turns: `sign_copy` draws mark and QR, signs, validates the final bytes and names the file; pyHanko alone makes an
invisible certifying signature. Each of our copies has another serial and number, as in use. The first ones, which
load the font and the parsers, are not counted: a server has done so long before.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, pkcs12
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import PdfSignatureMetadata, PdfSigner, Signer
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko_certvalidator.registry import SimpleCertificateStore

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import marked_pages

from archive.identifiers import new_id
from archive.signers.demo import DemoAuthority
from archive.signers.file import PASSPHRASE_FILE, FileSigner, key_file_name
from search_api.copies.stamp import sign_copy

ROUNDS, WARM_UP = 40, 5
RATIO_GOAL = 2.5
_SIGNATURE_BYTES = 384  # RSA-3072


class _Preloaded(Signer):  # type: ignore[misc]  # pyHanko is untyped to mypy here
    """pyHanko's own signer but for the key, which it would otherwise parse for every signature."""

    def __init__(self, authority: DemoAuthority) -> None:
        passphrase = (authority.folder / PASSPHRASE_FILE).read_text().strip().encode()
        bundle = pkcs12.load_pkcs12((authority.folder / key_file_name(marked_pages.ROLE)).read_bytes(), passphrase)
        assert bundle.cert is not None
        own = bundle.cert.certificate.public_bytes(Encoding.DER)
        chain = [own, authority.root_der.read_bytes()]
        super().__init__(
            signing_cert=asn1_x509.Certificate.load(own),
            cert_registry=SimpleCertificateStore.from_certs([asn1_x509.Certificate.load(der) for der in chain]),
            embed_roots=True,
        )
        self._key: Any = bundle.key

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:
        assert digest_algorithm == "sha256"
        return bytes(_SIGNATURE_BYTES) if dry_run else self._key.sign(data, PKCS1v15(), SHA256())


def measure(folder: Path) -> tuple[float, float]:
    """Return the CPU milliseconds of one of our copies and of one bare signature, the median of many."""
    now = datetime.now(UTC)
    authority = marked_pages.copies_authority(folder / "keys", now=now)
    rendition, facts = marked_pages.built(marked_pages.SHEETS["six pages"], folder, made_at=now)
    content = marked_pages.content_of(facts, folder)
    mark, signer, bare = marked_pages.copy_mark_of(content), FileSigner(authority.folder), _Preloaded(authority)

    def ours(number: int) -> None:
        serial = new_id()
        sign_copy(
            rendition,
            folder / "copy.pdf",
            content=content,
            mark=replace(mark, number_text=f"{number:02d}/2026", serial=serial, url=f"{mark.url[:-26]}{serial}"),
            signer=signer,
            signed_at=now,
            timestamp_url=None,
        )

    def pyhanko_alone(_number: int) -> None:
        metadata = PdfSignatureMetadata(
            field_name="Signature",
            md_algorithm="sha256",
            subfilter=SigSeedSubFilter.PADES,
            certify=True,
            docmdp_permissions=MDPPerm.NO_CHANGES,
        )
        writer = IncrementalPdfFileWriter(BytesIO(rendition.read_bytes()))
        signed = PdfSigner(metadata, signer=bare).sign_pdf(writer)
        (folder / "bare.pdf").write_bytes(signed.getvalue())

    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    for number in range(1, ROUNDS + WARM_UP + 1):
        for name, act in (("ours", ours), ("bare", pyhanko_alone)):
            spent[name].append(_cpu_ms(act, number))
    return statistics.median(spent["ours"][WARM_UP:]), statistics.median(spent["bare"][WARM_UP:])


def _cpu_ms(act: Callable[[int], None], number: int) -> float:
    before = time.process_time()
    act(number)
    return (time.process_time() - before) * 1000


def main() -> None:
    """Print one row of the table in benchmarks/README.md."""
    with tempfile.TemporaryDirectory() as folder:
        ours, bare = measure(Path(folder))
    print("| six pages, RSA-3072, B-B | CPU-ms |\n|---|---|")
    print(f"| a copy drawn, signed and validated | {ours:.0f} |")
    print(f"| pyHanko alone, key preloaded | {bare:.0f} |")
    print(f"\nRatio {ours / bare:.2f} (goal {RATIO_GOAL}); {1000 / ours:.0f} signed copies per CPU-second.")


if __name__ == "__main__":
    main()
