"""The parts of the service as processes of their own: what each does, what it leaves to others, how it ends."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx2 as httpx
import pytest
import scans
from home_of_tests import TestHome
from parts import Part, started

PATIENCE_SECONDS = 60


@contextmanager
def _running(home: TestHome, *command: str) -> Iterator[Part]:
    home.log.touch()
    with started(home.environment, *command) as part:
        yield part


@pytest.fixture
def key(accepted: TestHome) -> dict[str, str]:
    return {"Authorization": f"Bearer {(accepted.folder.parent / 'key').read_text()}"}


def _deposit_another(home: TestHome, accepted: TestHome) -> None:
    """Archive a record with a word no other has, without bringing the index up to date."""
    folder = home.folder.parent / "more"
    path = scans.save_all([scans.page(mark="mới nộp")], folder / "new.tif")
    scans.remember(path, accepted.folder.parent / "recordings", [["Giấy phép mới nộp", "Điều 9. Từ hiếm zyxwvut"]])
    home.ask("intake", str(folder))
    # An index that cannot be used is left behind by the workers and touched by nothing else.
    elsewhere = {**home.settings, "SEARCH_INDEX_URL": f"sqlite:///{home.folder}/elsewhere.db"}
    TestHome(home.folder, home.recordings, elsewhere).ask("work", "--until-idle")


def _total(url: str, key: dict[str, str]) -> int:
    answer = httpx.get(f"{url}/api/v1/records", params={"q": "zyxwvut", "purpose": "thử"}, headers=key)
    return int(answer.json()["total"])


def test_what_is_deposited_is_found_by_the_interface_once_the_projector_runs(
    twin: TestHome, accepted: TestHome, key: dict[str, str]
) -> None:
    with _running(twin, "api", "--port", "0") as api:
        _deposit_another(twin, accepted)
        assert _total(api.url, key) == 0  # the interface alone brings nothing into the index
        with _running(twin, "projector") as projector:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while _total(api.url, key) == 0:
                assert time.monotonic() < deadline, "it was never found"
                time.sleep(0.05)
            assert projector.stop() == 0
        assert api.stop() == 0
    assert twin.faults() == set()


def test_the_interface_alone_starts_no_process_and_does_no_work(twin: TestHome, accepted: TestHome) -> None:
    folder = twin.folder.parent / "more"
    path = scans.save_all([scans.page(mark="chờ")], folder / "waits.tif")
    scans.remember(path, accepted.folder.parent / "recordings", [["Giấy phép chờ xử lý"]])
    batch = twin.ask("intake", str(folder))["batch"]
    read_before = twin.read_log()
    with _running(twin, "api", "--port", "0") as api:
        assert httpx.get(f"{api.url}/health/ready").status_code == 200
        assert api.stop(signal.SIGINT) == 0
    assert twin.read_log() == read_before
    assert twin.ask("batch", "show", batch)["items"][0]["state"] != "archived"


def test_the_projector_brings_in_what_came_last_before_it_was_told_to_stop(
    twin: TestHome, accepted: TestHome, key: dict[str, str]
) -> None:
    with _running(twin, "projector") as projector:
        _deposit_another(twin, accepted)
        assert projector.stop(signal.SIGINT) == 0
    with _running(twin, "api", "--port", "0") as api:
        assert _total(api.url, key) > 0
        assert api.stop() == 0
