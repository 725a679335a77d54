"""pdfsig: whether the signatures of a PDF are whole and lead to a root that is given."""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Verdict:
    """What pdfsig says of one signature, in the file's order. covers: the signature covers the whole file."""

    signer: str
    signature: str
    certificate: str
    covers: bool

    @property
    def good(self) -> bool:
        """Whether the bytes are as signed and the certificate leads to the root."""
        return self.signature == "Signature is Valid." and self.certificate == "Certificate is Trusted."


def pdfsig(path: Path, root_der: Path) -> list[Verdict]:
    """Return a verdict for each signature; no list of revocations is asked for online."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sql:{folder}"
        for asked in (
            ["certutil", "-N", "-d", database, "--empty-password"],
            ["certutil", "-A", "-d", database, "-n", "root", "-t", "C,C,C", "-i", str(root_der)],
        ):
            subprocess.run(asked, check=True, capture_output=True)
        answer = subprocess.run(
            ["pdfsig", "-nssdir", database, str(path)],
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
    return [_verdict(one) for one in answer.stdout.split("Signature #")[1:]]


def _verdict(told: str) -> Verdict:
    facts = dict(line.strip().removeprefix("- ").split(": ", 1) for line in told.splitlines() if ": " in line)
    return Verdict(
        signer=facts.get("Signer Certificate Common Name", ""),
        signature=facts.get("Signature Validation", "not said"),
        certificate=facts.get("Certificate Validation", "not said"),
        covers="- Total document signed" in told,
    )
