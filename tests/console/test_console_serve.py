"""The service as a process: what it serves, how it ends, and that nothing outlives it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
import scans
from home_of_tests import TestHome
from parts import Part, started


@pytest.fixture
def service(twin: TestHome) -> Iterator[Part]:
    """A running `sohoa serve`."""
    twin.log.touch()
    with started(twin.environment, "serve", "--port", "0") as running:
        yield running


def _left(service: Part) -> bool:
    """Whether any process of its group is still there, after the time one still loading needs."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.killpg(service.process.pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def _key(accepted: TestHome) -> dict[str, str]:
    return {"Authorization": f"Bearer {(accepted.folder.parent / 'key').read_text()}"}


def test_it_serves_pages_interface_and_health(service: Part, twin: TestHome, accepted: TestHome) -> None:
    assert httpx.get(f"{service.url}/health/live").status_code == 200
    assert "Kiểm tra một bản sao" in httpx.get(service.url).text
    found = httpx.get(f"{service.url}/api/v1/records", params={"q": "khai"}, headers=_key(accepted))
    assert found.json()["total"] > 0
    assert httpx.get(f"{service.url}/api/v1/records", params={"q": "khai"}).status_code == 401
    assert service.stop(signal.SIGTERM) == 0
    assert not _left(service)
    assert twin.faults() == set()


def test_what_is_deposited_while_it_serves_is_found_within_two_seconds(
    service: Part, twin: TestHome, accepted: TestHome
) -> None:
    folder = twin.folder.parent / "more"
    path = scans.save_all([scans.page(mark="mới nộp")], folder / "new.tif")
    scans.remember(path, accepted.folder.parent / "recordings", [["Giấy phép mới nộp", "Điều 9. Từ hiếm zyxwvut"]])
    twin.ask("intake", str(folder))
    deposited, found = _watch(service, twin, _key(accepted))
    assert found - deposited <= 2.0
    assert service.stop(signal.SIGINT) == 0
    assert not _left(service)


def _watch(service: Part, home: TestHome, key: dict[str, str]) -> tuple[float, float]:
    """Return when the catalogue had a third record, and when a search first found it."""
    engine = home.engine()
    deposited = 0.0
    deadline = time.monotonic() + 90
    with httpx.Client(headers=key) as client:
        while time.monotonic() < deadline:
            if not deposited:
                with engine.connect().execution_options(read_only=True) as connection:
                    count = connection.exec_driver_sql(
                        "SELECT count(*) FROM package WHERE state='deposited' AND kind='content'"
                    )
                    deposited = time.monotonic() if count.scalar_one() == 3 else 0.0
            answer = client.get(f"{service.url}/api/v1/records", params={"q": "zyxwvut", "purpose": "thử"})
            if answer.json()["total"]:
                engine.dispose()
                now = time.monotonic()
                return deposited or now, now
    raise AssertionError("it was never found")


def test_a_second_one_on_the_same_port_says_so_and_harms_nothing(service: Part, twin: TestHome) -> None:
    port = service.url.rpartition(":")[2]
    second = twin.run("serve", "--port", port)
    assert second.code == 2
    assert f"127.0.0.1:{port}" in second.told
    assert httpx.get(f"{service.url}/health/live").status_code == 200


def test_killed_outright_it_takes_everything_it_started_with_it(service: Part) -> None:
    httpx.get(f"{service.url}/health/ready")
    service.process.kill()
    service.process.wait()
    assert not _left(service)


def test_workers_that_died_are_started_anew(service: Part) -> None:
    supervisor = _child_named(service.process.pid, "spawn_main")
    os.kill(supervisor, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        fresh = _children(service.process.pid)
        if any(pid != supervisor and "spawn_main" in line for pid, line in fresh.items()):
            break
    else:
        raise AssertionError("no workers again")
    assert service.stop(signal.SIGTERM) == 0
    assert not _left(service)


def _child_named(parent: int, name: str) -> int:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        for pid, line in _children(parent).items():
            if name in line:
                return pid
    raise AssertionError("no such child")


def _children(parent: int) -> dict[int, str]:
    """Return the command lines of a process's children by their ids."""
    found = {}
    for thread in Path(f"/proc/{parent}/task").glob("*/children"):
        try:
            children = [int(pid) for pid in thread.read_text().split()]
        except OSError:  # a thread that ended meanwhile
            continue
        for pid in children:
            try:
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:  # a process that ended before or while it was read
                continue
    return found
