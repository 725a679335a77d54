"""A home behind its own server, as another system meets it: HTTP alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx2 as httpx
from by_http import Interface
from home_of_tests import TestHome
from parts import started


@dataclass(frozen=True)
class ServedHome(Interface):
    """A running `sohoa serve` and a client with the first administrator's key."""

    home: TestHome
    url: str


@contextmanager
def served(home: TestHome, key: str, *, workers: int = 1) -> Iterator[ServedHome]:
    """Run `sohoa serve` over an initialised home; ended by SIGTERM, and its exit code must be 0."""
    environment = {**home.environment, **{k: v for k, v in os.environ.items() if k.startswith("SOHOA_SCANS")}}
    with started(environment, "serve", "--port", "0", "--workers", str(workers)) as part:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=part.url, headers=headers, timeout=120) as client:
            yield ServedHome(client, home, part.url)
        assert part.stop() == 0
