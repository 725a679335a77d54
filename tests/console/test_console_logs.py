"""The log: one line an event with its ids, as JSON or text, and nothing personal in it whatever happens."""

import io
import json
import logging
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import scans
from home_of_tests import TestHome, write_manifest
from parts import started
from sqlalchemy.exc import OperationalError

from archive.errors import HomeNotReady, SigningFailed
from archive.log_subject import about, subject
from console.logs import JsonLines, TextLines, set_up_logs
from console.observing_settings import read_observing
from console.tracing import trace_requests

NAME, NUMBER, OLD_NUMBER = "Trần Thị Mẫu", "001099012345", "123456789"
FILE = "ho-so-Tran-Thi-Mau-001099012345.tif"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def lines() -> Iterator[tuple[logging.Logger, io.StringIO]]:
    """A logger that writes JSON lines to memory."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonLines())
    log = logging.getLogger("tests.logs")
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    yield log, out
    log.removeHandler(handler)


def _said(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_has_time_level_logger_message_and_what_it_is_about(
    lines: tuple[logging.Logger, io.StringIO],
) -> None:
    log, out = lines
    with about(item="i1", record=None), about(record="r1"):
        log.info("item %s", "deposited", extra={"fields": {"ms": 3}})
    log.warning("after")
    first, second = _said(out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("time"))
    assert first == {
        "level": "info",
        "logger": "tests.logs",
        "message": "item deposited",
        "ms": 3,
        "item_id": "i1",
        "record_id": "r1",
    }
    assert set(second) == {"time", "level", "logger", "message"}
    assert subject() == {}


def test_an_error_is_told_by_slug_and_places_and_not_by_what_it_says(
    lines: tuple[logging.Logger, io.StringIO],
) -> None:
    log, out = lines
    try:
        try:
            raise ValueError(f"{NAME} {NUMBER}")
        except ValueError as error:
            raise SigningFailed("digitizer:x", f"the certificate of CN={NAME} expired") from error
    except SigningFailed as error:
        log.exception("a fault")
        log.warning("%s: tried again: %s", "index", error)
        log.warning(error)
    fault, told, bare = _said(out)
    assert fault["error"]["is"] == "SigningFailed (signing-failed)"
    cause, place, fault_again, _ = fault["error"]["at"]
    assert (cause, fault_again) == ("ValueError", fault["error"]["is"])
    assert re.search(r"test_console_logs.py:\d+ test_an_error_is_told", place)
    assert told["message"] == "index: tried again: SigningFailed (signing-failed)"
    assert bare["message"] == "SigningFailed (signing-failed)"
    assert NAME not in out.getvalue()
    assert NUMBER not in out.getvalue()


def test_a_statements_values_are_not_written_and_its_state_is(lines: tuple[logging.Logger, io.StringIO]) -> None:
    class Refused(Exception):
        sqlstate = "57P01"

    log, out = lines
    error = OperationalError("INSERT INTO party VALUES (?)", {"name": NAME}, Refused(f"Key (name)=({NAME})"))
    log.warning("the database: %s", error)
    (line,) = _said(out)
    assert line["message"] == "the database: OperationalError (Refused 57P01)"


def test_what_is_about_servers_and_settings_is_written_whole(lines: tuple[logging.Logger, io.StringIO]) -> None:
    log, out = lines
    log.warning("no start: %s", HomeNotReady("run `sohoa init`"))
    assert _said(out)[0]["message"].endswith("run `sohoa init`")


@pytest.mark.parametrize("number", [NUMBER, OLD_NUMBER, "0100109106", "0100109106001"])
def test_a_number_as_long_as_a_persons_is_masked_and_ids_are_not(
    lines: tuple[logging.Logger, io.StringIO], number: str
) -> None:
    log, out = lines
    kept = "k3v7t2m5x4n6b8c9d1f2g3h4j5 2026-05-04 550e8400-e29b-41d4-a716-446655440000 12345678"
    log.info("of %s and (%s), %s", number, number, kept)
    assert _said(out)[0]["message"] == f"of … and (…), {kept}"


@pytest.mark.parametrize(
    ("message", "arguments", "written"),
    [
        ('one\n{"level": "info"}\r\n%s', ("two\nthree",), 'one {"level": "info"} two three'),
        ("%d of %s", ("no number",), "%d of %s"),
        ("100%", (), "100%"),
    ],
)
def test_a_line_stays_one_line_whatever_is_in_it(message: str, arguments: tuple[str, ...], written: str) -> None:
    record = logging.LogRecord("some", logging.INFO, __file__, 1, message, arguments, None)
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line)["message"] == written


def test_text_says_the_same_for_people() -> None:
    record = logging.LogRecord("sohoa.api", logging.INFO, __file__, 1, "GET %s", ("/v/{serial}",), None)
    with about(request="q1"):
        line = TextLines().format(record)
    assert line.endswith(" INFO sohoa.api GET /v/{serial} request=q1")


def test_levels_are_ours_and_libraries_only_warn() -> None:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        set_up_logs("json", "DEBUG")
        assert logging.getLogger("ingest.pipeline").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("sqlalchemy.engine").isEnabledFor(logging.INFO)
        assert logging.getLogger("uvicorn.error").isEnabledFor(logging.INFO)
        set_up_logs("json", "ERROR")
        assert not logging.getLogger("sohoa.api").isEnabledFor(logging.WARNING)
        assert len(root.handlers) == 1
    finally:
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        root.setLevel(level)
        for name in ("archive", "console", "ingest", "ocr", "retention", "search_api", "sohoa", "uvicorn"):
            logging.getLogger(name).setLevel(logging.NOTSET)


@pytest.mark.parametrize(("name", "value"), [("LOG_FORMAT", "xml"), ("LOG_LEVEL", "loud")])
def test_a_setting_of_the_log_that_is_none_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(HomeNotReady, match=name):
        read_observing({name: value})


def test_traces_without_the_extra_are_refused_in_one_sentence() -> None:
    with pytest.raises(HomeNotReady, match=r"not installed; run `pip install 'sohoa\[tracing\]'`"):
        trace_requests(object(), "http://127.0.0.1:4318")  # type: ignore[arg-type]  # never looked at


def test_traces_are_made_by_nobody_who_did_not_ask() -> None:
    trace_requests(object(), None)()  # type: ignore[arg-type]  # never looked at


def test_a_services_log_has_every_id_and_no_person(twin: TestHome, accepted: TestHome) -> None:
    folder = twin.folder.parent / "personal"
    recordings = accepted.folder.parent / "recordings"
    path = scans.save_all([scans.page(mark="riêng")], folder / FILE)
    scans.remember(path, recordings, [[f"Ông {NAME}", f"CCCD {NUMBER}, CMND {OLD_NUMBER}"]])
    (folder / f"hong {NAME}.tif").write_bytes(b"II*\0 no picture")
    write_manifest(folder, [{"file": FILE, "sheets": "1", "sides": "1", "holder_id": NUMBER, "holder_name": NAME}])
    key = {"Authorization": f"Bearer {(accepted.folder.parent / 'key').read_text()}"}
    log = twin.folder.parent / "service.log"
    twin.log.touch()
    environment = {**twin.environment, "LOG_FORMAT": "json", "LOG_LEVEL": "DEBUG"}
    with started(environment, "serve", "--port", "0", log=log) as service:
        twin.ask("intake", str(folder))
        answer = _ask_with_names_everywhere(service.url, key, twin.record_numbered("96"))
        assert answer.headers["x-request-id"] == TRACE
        _wait_for(log, "ingest.pipeline")
        assert service.stop() == 0
    _look_at(log, twin.record_numbered("96"))


def _wait_for(log: Path, logger: str) -> None:
    deadline = time.monotonic() + 90
    while f'"logger": "{logger}"' not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _ask_with_names_everywhere(url: str, key: dict[str, str], record: str) -> httpx.Response:
    with httpx.Client(base_url=url, headers=key, timeout=60) as client:
        client.get("/api/v1/records", params={"q": NAME, "purpose": f"cho {NAME} {NUMBER}"})
        client.get(f"/api/v1/records/{NUMBER}")
        client.get(f"/{NAME}/{NUMBER}")
        client.get(f"/v/{NUMBER}")
        client.post("/api/v1/copies", json={"record": record, "for": NAME}, headers={"Idempotency-Key": NUMBER})
        client.post("/api/v1/verifications", files={"file": (FILE, b"%PDF-1.7 nothing")})
        client.get(f"/api/v1/records/{record}", headers={"X-Request-Id": NUMBER, "User-Agent": NUMBER})
        client.get("/health/live", headers={"X-Request-Id": f"{NUMBER}{NUMBER}"})
        return client.get(f"/api/v1/records/{record}", headers={"X-Request-Id": TRACE})


def _look_at(log: Path, record: str) -> None:
    text = log.read_text()
    for personal in (NAME, NUMBER, OLD_NUMBER, "Mau-", "Mẫu", "hong "):
        assert personal not in text, personal
        assert json.dumps(personal)[1:-1] not in text
    lines = [json.loads(line) for line in text.splitlines()]
    assert all({"time", "level", "logger", "message"} <= set(line) for line in lines)
    asked = [line for line in lines if line["logger"] == "sohoa.api"]
    (traced,) = [line for line in asked if line["request_id"] == TRACE]
    assert traced["route"] == "/api/v1/records/{record}"
    assert (traced["method"], traced["status"], traced["record_id"]) == ("GET", 200, record)
    assert traced["ms"] > 0
    assert len({line["request_id"] for line in asked}) == len(asked)
    ended = [line for line in lines if line["logger"] == "ingest.pipeline"]
    assert {line["message"] for line in ended} == {"item deposited"}
    assert all(line["item_id"] and line["work_item_id"] and line["record_id"] for line in ended)
    assert any(line["logger"].startswith("uvicorn") for line in lines)
