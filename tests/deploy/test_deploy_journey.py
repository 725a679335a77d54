"""From scan to certified copy through the compose file's parts, each a process with its command and variables."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import httpx2 as httpx
import pytest
import scans
from by_http import Interface, copy_form
from home_of_tests import QUICK, SOHOA
from indices import remove_indices
from servers.composed import Composed, composed
from servers.program import HOST, free_port

PURPOSE = "hồ sơ mới"
WORKERS = 2
RESTARTS = 3  # of one part, as when two workers make the queues of a new broker at the same instant
MANIFEST = (
    "file,sheets,document_type,code_number,code_notation,issued_on,subject,source_form,source_status,"
    "retention_class,closed_on,access_mode\n"
    "scan.tif,1,Quyết định,96,QĐ-STNMT,12/03/2020,Cấp phép khai thác nước,giấy,bản chính,"
    "20 năm,2020-12-31,Công khai\n"
)


@dataclass(frozen=True)
class Running(Interface):
    """The parts as processes, and a client of the interface with the administrator's first key."""

    engines: Composed
    replay: dict[str, str]
    parts: dict[str, "subprocess.Popen[str]"]
    ended: list[str] = field(default_factory=list)
    patience_seconds: ClassVar[float] = 180.0

    def tend(self) -> None:
        """Start a part that ended anew, as `restart: unless-stopped` says."""
        for name, process in list(self.parts.items()):
            if process.poll() is not None:
                log = _log(self.engines, name).read_text()[-3000:]
                assert self.ended.count(name) < RESTARTS, f"{name} keeps ending: {log}"
                self.ended.append(name)
                self.parts[name] = _start(self.engines, name.partition("-")[0], self.replay, name)


def _log(engines: Composed, name: str) -> Path:
    return engines.folder / f"{name}.log"


def _job(engines: Composed, service: str, replay: dict[str, str]) -> Any:
    """Run one of the jobs to its end and return its JSON document."""
    done = subprocess.run(
        [SOHOA, *engines.command(service), "--json"],
        env={**engines.environment(service), **replay},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _start(engines: Composed, service: str, replay: dict[str, str], name: str) -> "subprocess.Popen[str]":
    more = ["--json"] if service == "api" else []
    environment = {**engines.environment(service), **replay}
    environment["METRICS_LISTEN"] = f"{HOST}:{free_port()}"  # in a container each has an address of its own
    environment["INGEST_SCRATCH"] = str(engines.folder / f"scratch-{name}")
    with _log(engines, name).open("w") as log:
        return subprocess.Popen(
            [SOHOA, *engines.command(service), *more],
            env=environment,
            stdout=subprocess.PIPE if service == "api" else log,
            stderr=log,
            text=True,
            start_new_session=True,
        )


def _end(process: "subprocess.Popen[str]") -> None:
    if process.poll() is None:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    prefix = f"t-{uuid4().hex[:12]}"
    replay = {**QUICK, "OCR_ENGINE_URL": f"replay:{tmp_path_factory.mktemp('recordings')}"}
    with ExitStack() as stack:
        stack.callback(remove_indices, prefix)
        engines = stack.enter_context(composed(prefix))
        _job(engines, "store-prepare", replay)
        key = _job(engines, "init", replay)["api_key"]
        parts: dict[str, subprocess.Popen[str]] = {}
        stack.callback(lambda: [_end(process) for process in parts.values()])
        for service in ("api", "projector", "sweeper", *["worker"] * WORKERS):
            name = f"{service}-{len(parts)}"
            parts[name] = _start(engines, service, replay, name)
        answered = parts["api-0"].stdout
        assert answered is not None
        told = "".join(answered.readline() for _ in range(3))
        assert told, _log(engines, "api-0").read_text()
        url = str(json.loads(told)["url"])
        headers = {"Authorization": f"Bearer {key}"}
        client = stack.enter_context(httpx.Client(base_url=url, headers=headers, timeout=120))
        yield Running(client, engines, replay, parts)


@pytest.fixture(scope="module")
def record(running: Running) -> str:
    """Upload a scan, wait until it is read, accept it; return the record found by a word on its page."""
    scan = scans.save_all([scans.page(mark="96")], running.engines.folder / "scans" / "scan.tif")
    scans.remember(scan, _recordings(running), [["Quyết định cấp phép", "Từ hiếm zyxwvut"]])
    running.archive(scan, "image/tiff", MANIFEST)
    found = running.wait(lambda: running.find("zyxwvut")["hits"])
    return str(found[0]["record"])


def _recordings(running: Running) -> Path:
    return Path(running.replay["OCR_ENGINE_URL"].removeprefix("replay:"))


def test_what_is_uploaded_is_read_archived_and_found(running: Running, record: str) -> None:
    text = running.ask("GET", f"/records/{record}/pages/1/text")
    assert "zyxwvut" in text["text"]


def test_a_copy_is_certified_and_verified(running: Running, record: str) -> None:
    form = copy_form(record, PURPOSE)
    copy = running.ask("POST", "/copies", json=form, headers={"Idempotency-Key": "ban-sao-1"})["copy"]
    verdicts = running.verdicts(running.file_of(copy["serial"], PURPOSE))
    assert verdicts == {"integrity": "valid", "status": "valid", "issuer": "valid"}


def test_every_part_ends_when_told_and_the_archive_is_whole(running: Running, record: str) -> None:
    for process in running.parts.values():
        process.send_signal(signal.SIGTERM)
    codes = {name: process.wait(Running.patience_seconds) for name, process in running.parts.items()}
    assert set(codes.values()) == {0}, codes
    done = subprocess.run(
        [SOHOA, "doctor", "--json"],
        env={**running.engines.environment("api"), **running.replay, "METRICS_LISTEN": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert json.loads(done.stdout)["findings"] == [], done.stderr
    assert done.returncode == 0
