"""A home behind its own server, as another system meets it: HTTP alone."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
from home_of_tests import SOHOA, TestHome

PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class ServedHome:
    """A running `sohoa serve` and a client with the first administrator's key."""

    home: TestHome
    url: str
    client: httpx.Client

    def ask(self, method: str, path: str, **how: Any) -> Any:
        """Do a request that must do its work, and return its JSON."""
        response = self.client.request(method, f"/api/v1{path}", **how)
        assert response.status_code < 300, response.text
        return response.json()

    def wait(self, look: Callable[[], Any]) -> Any:
        """Look again and again until there is something; fail after PATIENCE_SECONDS."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := look()):
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.2)
        return found


@contextmanager
def served(home: TestHome, key: str, *, workers: int = 1) -> Iterator[ServedHome]:
    """Run `sohoa serve` over an initialised home; ended by SIGTERM, and its exit code must be 0."""
    process = subprocess.Popen(
        [SOHOA, "serve", "--port", "0", "--workers", str(workers), "--json"],
        env={**home.environment, **{k: v for k, v in os.environ.items() if k.startswith("SOHOA_SCANS")}},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        url = str(json.loads(_document(process.stdout))["url"])
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=url, headers=headers, timeout=120) as client:
            yield ServedHome(home, url, client)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        process.stdout.close()


def _document(stream: Any) -> str:
    """Return the one JSON document a command printed, which goes on running."""
    text = ""
    for line in stream:
        text += line
        try:
            json.loads(text)
        except ValueError:
            continue
        return text
    raise AssertionError(f"the server ended before it served: {text}")
