"""What another system does with the interface, by HTTP alone: ask, wait, hand scans in, have copies verified."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import httpx2 as httpx


@dataclass(frozen=True)
class Interface:
    """A client of a running interface, with somebody's key."""

    client: httpx.Client
    patience_seconds: ClassVar[float] = 600.0

    def ask(self, method: str, path: str, **how: Any) -> Any:
        """Do a request that must do its work, and return its JSON."""
        response = self.client.request(method, f"/api/v1{path}", **how)
        assert response.status_code < 300, response.text
        return response.json()

    def wait(self, look: Callable[[], Any]) -> Any:
        """Look again and again until there is something; fail after patience_seconds."""
        deadline = time.monotonic() + self.patience_seconds
        while not (found := look()):
            self.tend()
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.2)
        return found

    def tend(self) -> None:
        """Do what is to be done between two looks: nothing here."""

    def archive(self, scan: Path, media_type: str, manifest: str) -> None:
        """Upload one scan with its manifest, wait until it is read, and accept the batch."""
        with scan.open("rb") as body:
            files = [
                ("files", (scan.name, body, media_type)),
                ("manifest", ("manifest.csv", manifest.encode(), "text/csv")),
            ]
            job = self.ask("POST", "/batches", files=files, headers={"Idempotency-Key": "lo-1"})["job"]
        done = self.wait(lambda: self._ended(job))
        assert done["state"] == "done", done
        batch = done["result"]["batch"]
        self.wait(lambda: self.ask("GET", f"/batches/{batch}")["waiting"] == 0)
        accepted = self.ask("POST", f"/batches/{batch}/acceptance", json={"word": "Đã đối chiếu"})
        assert (accepted["accepted"], accepted["closed"]) == (1, True)

    def _ended(self, job: str) -> Any:
        told = self.ask("GET", f"/jobs/{job}")
        return told if told["state"] in ("done", "failed") else None

    def find(self, query: str, purpose: str | None = None) -> Any:
        """Search and return the whole answer."""
        return self.ask("GET", "/records", params={"q": query, **({"purpose": purpose} if purpose else {})})

    def file_of(self, serial: str, purpose: str) -> bytes:
        """Fetch a copy's file."""
        answer = self.client.get(f"/api/v1/copies/{serial}/file", params={"purpose": purpose})
        assert answer.status_code == 200, answer.text
        return answer.content

    def verdicts(self, body: bytes) -> dict[str, str]:
        """Have a file verified and return its three verdicts."""
        report = self.ask("POST", "/verifications", files={"file": ("ban-sao.pdf", body, "application/pdf")})
        return {name: report[name]["verdict"] for name in ("integrity", "status", "issuer")}


def copy_form(record: str, purpose: str) -> dict[str, str]:
    """Return an officer's request for a copy to be laid into a dossier of another system."""
    return {
        "record": record,
        "kind": "office-copy",
        "purpose": purpose,
        "capacity": "officer",
        "target_system": "mot-cua",
        "target_dossier": "000.00.19.H56-201125-0007",
    }
