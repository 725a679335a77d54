"""Reading records over HTTP: who sees what, what is logged before, and bytes as they are in the archive."""

import hashlib
import io
from typing import Any

import httpx2 as httpx
import pytest
from office import API, Office
from PIL import Image
from searchers import OPEN

from archive import events
from archive.database import reading
from archive.text_deposit import choose_text


def _ask(client: httpx.Client, office: Office, who: str, path: str, **query: Any) -> Any:
    return client.get(f"{API}{path}", params=query, headers=office.bearer(who))


def _access_events(office: Office) -> list[dict[str, Any]]:
    with reading(office.holdings.engine) as connection:
        return [one.body for one in events.read_from(connection, "access", 0)]


def test_a_description_is_answered_with_a_tag_and_logged(client: httpx.Client, office: Office) -> None:
    before = len(_access_events(office))
    answer = _ask(client, office, "officer", f"/records/{office.records['open']}")
    assert (answer.status_code, answer.json()["subject"]) == (200, "Cấp phép")
    assert answer.headers["cache-control"] == "no-store"
    (logged,) = _access_events(office)[before:]
    assert (logged["kind"], logged["payload"]["record"]) == ("record.describe", office.records["open"])
    again = client.get(
        f"{API}/records/{office.records['open']}",
        headers={**office.bearer("officer"), "If-None-Match": answer.headers["etag"]},
    )
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("place", ["", "/file", "/pages/1/text", "/pages/1/image"])
@pytest.mark.parametrize("sort", ["other", "candidate", "destroyed", "unknown"])
def test_unknown_and_forbidden_answer_alike(client: httpx.Client, office: Office, sort: str, place: str) -> None:
    name = office.records.get(sort, "zzzzzzzzzzzzzzzzzzzzzzzzzz")
    nothing = _ask(client, office, "officer", f"/records/aaaaaaaaaaaaaaaaaaaaaaaaaa{place}")
    answer = _ask(client, office, "officer", f"/records/{name}{place}")
    assert {**answer.json(), "instance": ""} == {**nothing.json(), "instance": ""}
    assert answer.status_code == 404


def test_a_conditional_record_wants_a_purpose(client: httpx.Client, office: Office) -> None:
    path = f"/records/{office.records['conditional']}/pages/1/text"
    refused = _ask(client, office, "officer", path)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:sohoa:problem:purpose-needed")
    assert _ask(client, office, "officer", path, purpose="cấp đổi").status_code == 200
    assert _access_events(office)[-1]["payload"]["purpose"] == "cấp đổi"


def test_staff_see_candidates_and_officers_do_not(client: httpx.Client, office: Office) -> None:
    path = f"/records/{office.records['candidate']}"
    assert _ask(client, office, "staff", path).status_code == 200
    assert _ask(client, office, "officer", path).status_code == 404


def test_words_come_with_boxes_and_numbers_of_people_are_masked(client: httpx.Client, office: Office) -> None:
    path = f"/records/{office.records['open']}/pages/2/text"
    seen = _ask(client, office, "officer", path).json()
    assert "001 099 012 345" in seen["text"]
    assert seen["words"][0]["box"] == [40, 60, 52, 26]
    masked = _ask(client, office, "auditor", path).json()
    assert masked["text"] == "Số định danh ••• ••• ••• •••"
    assert [word["masked"] for word in masked["words"]] == [False] * 3 + [True] * 4


def test_the_text_in_force_is_shown_and_masked_as_any(client: httpx.Client, office: Office) -> None:
    held = office.holdings
    record = held.deposit(description=OPEN, pages=[("chữ cũ",), ("trang hai",)])
    first, second = held.read_again(record, "chữ mới 001 099 012 345", "trang hai", adopt=True)
    path = f"/records/{record}/pages/1/text"
    assert _ask(client, office, "officer", path).json()["text"] == "chữ mới 001 099 012 345"
    assert _ask(client, office, "auditor", path).json()["text"] == "chữ mới ••• ••• ••• •••"
    assert _ask(client, office, "officer", f"/records/{record}/pages/3/text").status_code == 404
    for number, expected in ((first, "chữ cũ"), (second, "chữ mới 001 099 012 345")):
        choose_text(held.engine, held.log, record, number, principal=held.admin, at=office.now)
        assert _ask(client, office, "officer", path).json()["text"] == expected


def test_a_page_picture_is_a_jpeg_of_pixels(client: httpx.Client, office: Office) -> None:
    path = f"/records/{office.records['open']}/pages/1/image"
    answer = _ask(client, office, "officer", path, dpi=100)
    picture = Image.open(io.BytesIO(answer.content))
    assert (picture.format, answer.headers["content-type"]) == ("JPEG", "image/jpeg")
    assert 350 < picture.width < 600
    assert picture.getextrema()[0] != (255, 255)
    assert _ask(client, office, "officer", path, dpi=71).status_code == 422
    assert _ask(client, office, "officer", f"/records/{office.records['open']}/pages/3/image").status_code == 404


def test_the_signed_file_is_byte_for_byte_the_archived_one(client: httpx.Client, office: Office) -> None:
    answer = _ask(client, office, "officer", f"/records/{office.records['open']}/file")
    expected = office.holdings.file.archived.read_bytes()
    assert answer.content == expected
    assert answer.headers["etag"] == f'"{hashlib.sha256(expected).hexdigest()}"'
    assert answer.headers["content-length"] == str(len(expected))


def test_the_package_is_for_those_who_export(client: httpx.Client, office: Office) -> None:
    path = f"/records/{office.records['open']}/package"
    answer = _ask(client, office, "staff", path)
    assert f'"{hashlib.sha256(answer.content).hexdigest()}"' == answer.headers["etag"]
    refused = _ask(client, office, "officer", path)
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:sohoa:problem:act-forbidden")


@pytest.mark.embedded("store")
def test_what_is_read_is_logged_even_if_the_object_is_gone(office: Office, client: httpx.Client) -> None:
    gone = office.holdings.deposit()
    for path in (office.holdings.folder / "objects").rglob("*"):
        if gone in str(path) and path.is_file():
            path.chmod(0o600)
            path.unlink()
    before = len(_access_events(office))
    answer = client.get(f"{API}/records/{gone}/file", headers=office.bearer("officer"))
    assert answer.status_code == 500
    assert gone not in answer.text
    assert _access_events(office)[before:][0]["payload"]["record"] == gone


def test_search_finds_what_the_caller_may_find(client: httpx.Client, office: Office) -> None:
    found = _ask(client, office, "officer", "/records", q="khai thác nước").json()
    assert {hit["record"] for hit in found["hits"]} == {office.records["open"], office.records["unknown-source"]}
    assert found["total"] == len(found["hits"])
    with_purpose = _ask(client, office, "officer", "/records", q="khai thac nuoc", purpose="tra cứu").json()
    assert office.records["conditional"] in {hit["record"] for hit in with_purpose["hits"]}
    assert (
        _ask(client, office, "stranger", "/records", q="khai thác").json()["hits"][0]["record"]
        == (office.records["other"])
    )


def test_search_leads_on_by_cursor(client: httpx.Client, office: Office) -> None:
    first = _ask(client, office, "officer", "/records", q="khai thác", limit=1).json()
    second = _ask(
        client, office, "officer", "/records", q="khai thác", limit=1, cursor=first["next_cursor"]
    ).json()
    assert first["hits"] != second["hits"]
    forged = _ask(client, office, "officer", "/records", q="khai thác", cursor="AAAA")
    assert (forged.status_code, forged.json()["type"]) == (400, "urn:sohoa:problem:cursor-invalid")
