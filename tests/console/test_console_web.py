"""The public pages: what they show to whom, how they are framed, and that nothing a stranger types is believed."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from home_of_tests import TestHome
from starlette.testclient import TestClient

from archive.access.policy import Caller
from console.home import Home
from console.settings import read_settings
from console.web.routes import web_pages
from console.web.style import SHEET
from search_api.app import create_app
from search_api.copies.fetch import copy_released
from search_api.copies.issue import issue_copy
from search_api.copies.model import CopyFacts, RequestForm
from search_api.copies.requests import request_copy
from search_api.copies.revoke import revoke_copy
from search_api.services import Services

SUBJECT, NAME = "Cấp phép khai thác nước dưới đất", "Trần Thị Mẫu"


@pytest.fixture(scope="module")
def home(accepted: TestHome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home that the tests of this module issue copies in."""
    made = accepted.copy(tmp_path_factory.mktemp("web") / "var")
    opened = Home.open(read_settings(made.folder, {**made.environment, "API_PUBLIC_PER_MINUTE": "1000"}))
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="module")
def services(home: Home) -> Iterator[Services]:
    with home.services() as opened:
        yield opened


@pytest.fixture(scope="module")
def record(accepted: TestHome) -> str:
    return accepted.record_numbered("96")


@pytest.fixture
def client(services: Services) -> Iterator[TestClient]:
    with TestClient(create_app(services, routers=[web_pages(services)])) as opened:
        yield opened


def _issued(services: Services, caller: Caller, record: str) -> CopyFacts:
    form = RequestForm(record, "office-copy", "cấp lại giấy phép", "officer", requester_name="Ai Đó")
    return issue_copy(services.copies, request_copy(services.copies, caller, form, idempotency_key=None).id)


@pytest.fixture(scope="module")
def copy(services: Services, home: Home, record: str) -> CopyFacts:
    return _issued(services, home.caller(), record)


@pytest.fixture(scope="module")
def file(services: Services, home: Home, copy: CopyFacts) -> bytes:
    with copy_released(services.copies, home.caller(), copy.serial, purpose="kiểm thử") as (_, stream):
        return stream.read()


class _Outline(HTMLParser):
    """What a page refers to and how its forms are labelled."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.labelled: set[str] = set()
        self.inputs: set[str] = set()
        self.tags: list[str] = []
        self.language = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.links += [given[name] for name in ("href", "src", "action") if name in given]
        if tag == "html":
            self.language = given["lang"]
        if tag == "label":
            self.labelled.add(given["for"])
        if tag == "input":
            self.inputs.add(given["id"])


def test_a_valid_copy_is_said_to_be_valid_without_naming_anyone(client: TestClient, copy: CopyFacts) -> None:
    answer = client.get(f"/v/{copy.serial}")
    assert answer.status_code == 200
    assert "CÒN HIỆU LỰC" in answer.text
    assert "TRÌNH DIỄN" in answer.text
    assert copy.number_text in answer.text
    for hidden in (SUBJECT, NAME, "Ai Đó", "QĐ-STNMT", copy.record_id, "H99-200312", copy.sha256):
        assert hidden is not None
        assert hidden not in answer.text
    assert "VALID" in client.get(f"/v/{copy.serial}?lang=en").text


def test_a_value_printed_on_the_copy_opens_what_is_printed_there(client: TestClient, copy: CopyFacts) -> None:
    wrong = client.post(f"/v/{copy.serial}/value", data={"printed": "00:00:00"})
    assert "không khớp" in wrong.text
    assert "QĐ-STNMT" not in wrong.text
    number = "z99.19.2020.000.00.19.h99-200312-0007.0000001 "
    told = client.post(f"/v/{copy.serial}/value", data={"printed": number})
    assert "96/QĐ-STNMT" in told.text
    assert "Quyết định" in told.text
    assert copy.sha256 is not None
    assert copy.sha256 in told.text
    for hidden in (SUBJECT, NAME, "Ai Đó"):
        assert hidden not in told.text


def test_guessing_a_value_ends_after_twenty_tries_whoever_guesses(client: TestClient, copy: CopyFacts) -> None:
    tried = [
        client.post(f"/v/{copy.serial}/value", data={"printed": f"00:00:{n:02d}"}).status_code for n in range(22)
    ]
    assert tried == [200] * 20 + [429] * 2
    assert client.get(f"/v/{copy.serial}").status_code == 200


@pytest.mark.parametrize(
    "serial", ["a" * 26, "x", "A" * 26, "%00", "..%2f..", "<script>alert(1)</script>", "ừ" * 30]
)
def test_what_is_unknown_gets_one_answer(client: TestClient, serial: str) -> None:
    answer = client.get(f"/v/{serial}")
    assert answer.status_code == 404
    assert "text/html" in answer.headers["content-type"] or "problem" in answer.headers["content-type"]
    assert "<script" not in answer.text
    if "/" not in serial and "%2f" not in serial:
        assert "Không có bản sao nào mang mã tra cứu này" in answer.text


def test_a_typed_serial_leads_to_its_page(client: TestClient, copy: CopyFacts) -> None:
    groups = " ".join(copy.serial[at : at + 4] for at in range(0, 26, 4)).upper()
    answer = client.post("/v?lang=en", data={"serial": groups}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/v/{copy.serial}?lang=en")
    odd = client.post("/v", data={"serial": "//evil.example/\r\nX: y"}, follow_redirects=False)
    assert odd.headers["location"].startswith("/v/%2F%2Fevil")


def test_the_file_itself_gets_three_verdicts(client: TestClient, copy: CopyFacts, file: bytes) -> None:
    whole = client.post("/v/file", files={"file": ("c.pdf", file)})
    assert whole.text.count("✓ HỢP LỆ") == 3
    changed = bytearray(file)
    changed[len(changed) // 3] ^= 1
    broken = client.post("/v/file?lang=en", files={"file": ("c.pdf", bytes(changed))})
    assert "Integrity: ✕ INVALID" in broken.text
    assert "Chưa chọn tệp" in client.post("/v/file").text


def test_a_file_of_another_copy_than_the_address_says_is_told(
    client: TestClient, services: Services, home: Home, record: str, file: bytes
) -> None:
    other = _issued(services, home.caller(), record)
    told = client.post(f"/v/{other.serial}/file", files={"file": ("c.pdf", file)})
    assert "bản sao khác" in told.text


def test_a_revoked_copy_says_so_at_once(client: TestClient, services: Services, home: Home, record: str) -> None:
    copy = _issued(services, home.caller(), record)
    assert "CÒN HIỆU LỰC" in client.get(f"/v/{copy.serial}").text
    revoke_copy(services.copies, home.caller(), copy.serial, reason="Cấp nhầm cho ông A")
    answer = client.get(f"/v/{copy.serial}")
    assert "Bản sao đã bị thu hồi" in answer.text
    assert "ông A" not in answer.text


@pytest.mark.parametrize("path", ["/", "/v", "/v/{serial}", "/v/unknown"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_stands_alone_and_reads_well(
    client: TestClient, copy: CopyFacts, path: str, language: str
) -> None:
    answer = client.get(path.replace("{serial}", copy.serial), params={"lang": language})
    page = _Outline(answer.text)
    assert page.language == language
    assert page.tags.count("h1") == 1
    assert "script" not in page.tags
    assert page.inputs <= page.labelled
    assert all(re.match(r"[/#]", link) for link in page.links), page.links
    assert 'name="viewport"' in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers


def test_colours_can_be_read_by_everyone() -> None:
    ground = {"main text": ("#1b1f24", "#f4f5f7"), "hint": ("#434b55", "#ffffff"), "link": ("#0b4a8f", "#ffffff")}
    ground |= {"valid": ("#0d5230", "#ffffff"), "invalid": ("#8a1c12", "#ffffff"), "demo": ("#1b1f24", "#fff6da")}
    for name, (ink, paper) in ground.items():
        assert ink in SHEET, name
        assert _contrast(ink, paper) >= 7, name
    assert _contrast("#ffffff", "#0b4a8f") >= 7


def _contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2, success criterion 1.4.3."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_too_many_look_ups_from_one_address_get_a_page_that_says_when(accepted: TestHome) -> None:
    few = Home.open(read_settings(accepted.folder, {**accepted.environment, "API_PUBLIC_PER_MINUTE": "3"}))
    with few.services() as services, TestClient(create_app(services, routers=[web_pages(services)])) as client:
        forged = {"X-Forwarded-For": "203.0.113.7"}
        answers = [client.get("/v/unknown", headers=forged) for _ in range(4)]
    few.engine.dispose()
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert "giây" in answers[-1].text
