"""The office that is served, shared by a module's tests: change only what your own test made."""

from collections.abc import Iterator
from datetime import datetime

import httpx2 as httpx
import pytest
from office import Office, served

from search_api.services import Services


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """Records in every state that matters, people in every role, and their keys."""
    made = Office(tmp_path_factory.mktemp("office"), datetime.fromisoformat("2026-11-24T03:04:05+00:00"))
    made.fill()
    yield made
    made.close()


@pytest.fixture(scope="module")
def services(office: Office) -> Services:
    """What the office serves from."""
    return office.services


@pytest.fixture(scope="module")
def client(office: Office) -> Iterator[httpx.Client]:
    """A client of the office, without a key."""
    with served(office.app()) as made:
        yield made
