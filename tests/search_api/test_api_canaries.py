"""A thousand words planted where some may not look: in no byte served to them, in no log, found by the others."""

import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import scans
from holdings import Holdings
from served import make_app, make_services, person
from starlette.testclient import TestClient

from archive.record import Description
from search_api.index.projector import Projector

AT = datetime(2026, 11, 24, 3, 4, 5, tzinfo=UTC)
GROUPS = {"foreign": 40, "candidate": 20, "withdrawn": 20, "conditional": 20}  # records
WORDS_A_RECORD = 10
SAMPLE = 4  # of a group's records, each so manieth is asked for by its address and by its words
WRITTEN = 6  # of them on the page; then subject, signer, holder's name and the holder's number
PURPOSE = "giải quyết hồ sơ mới"


@dataclass
class Planted:
    """What lies in one record: words on its page and in its fields, a number on the page, and what is sealed."""

    record: str
    written: list[str]
    fields: list[str]
    number: str
    sealed: list[str]


@dataclass
class World:
    client: TestClient
    planted: dict[str, list[Planted]] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    own: str = ""
    log: list[str] = field(default_factory=list)

    def get(self, path: str, who: str, **query: str) -> Any:
        headers = {"Authorization": f"Bearer {self.keys[who]}"}
        return self.client.get(path, headers=headers, params=query)

    def all_of(self, *groups: str) -> set[str]:
        return {
            word
            for group in groups
            for one in self.planted[group]
            for word in (*one.written, *one.fields, one.number, *one.sealed)
        }


class _Listener(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._heard = heard
        # The test's own client says where it went; that is not the service's log.
        self.addFilter(lambda record: not record.name.startswith(("httpx", "httpcore")))

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(self.format(record))


def _word(dice: random.Random) -> str:
    return "qz" + "".join(dice.choice("bcdghklmnprstvx") for _ in range(9))


def _plant(held: Holdings, group: str, dice: random.Random) -> Planted:
    words = [_word(dice) for _ in range(WORDS_A_RECORD - 2)]
    number, holder = (f"0{dice.randrange(10**11):011d}" for _ in range(2))
    name = _word(dice)
    described = Description(
        subject=f"Cấp phép {words[WRITTEN]}",
        signer_name=words[WRITTEN + 1],
        access_mode="02" if group == "conditional" else "01",
        source_form="paper",
        source_status="authentic",
    )
    record_id = held.deposit(
        unit_id="so-b" if group == "foreign" else "so-a",
        state="candidate" if group == "candidate" else "accepted",
        pages=[(" ".join(words[:3]), " ".join(words[3:WRITTEN]), f"Số định danh {number}")],
        description=described,
        holder=(name, holder),
    )
    if group == "withdrawn":
        held.change(record_id, "withdrawn", access_mode="03")
    return Planted(record_id, words[:WRITTEN], words[WRITTEN:], number, [name, holder])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    held = Holdings(tmp_path_factory.mktemp("canaries") / "home", AT)
    dice = random.Random(7)
    planted = {group: [_plant(held, group, dice) for _ in range(n)] for group, n in GROUPS.items()}
    own = held.deposit(description=Description(subject="Cấp phép", access_mode="01"), pages=[scans.LINES])
    services = make_services(held)
    Projector(services.engine, services.store, services.seal, services.index).catch_up()
    people = {
        "officer-a": ("officer", ("so-a",)),
        "staff-a": ("staff", ("so-a",)),
        "auditor-a": ("auditor", ("so-a",)),
        "approver-a": ("approver", ("so-a",)),
        "client-a": ("client", ("so-a",)),
        "administrator-a": ("administrator", ("so-a",)),
        "nobody": ("nobody", ()),
        "officer-b": ("officer", ("so-b",)),
        "auditor-b": ("auditor", ("so-b",)),
        "staff-b": ("staff", ("so-b",)),
    }
    keys = {who: person(held, role, units, login=who) for who, (role, units) in people.items()}
    with TestClient(make_app(held, services), raise_server_exceptions=False) as client:
        made = World(client, planted, keys, own)
        listener = _Listener(made.log)
        root = logging.getLogger()
        before = root.level
        root.addHandler(listener)
        root.setLevel(logging.DEBUG)
        yield made
        root.removeHandler(listener)
        root.setLevel(before)
    services.index.close()
    services.jail.close()
    held.engine.dispose()


def _found(text: str, words: set[str]) -> set[str]:
    folded = text.casefold()
    return {word for word in words if word in folded}


def _crawl(world: World, who: str, groups: tuple[str, ...], **query: str) -> str:
    """Ask for everything by every address, and by every word planted; return all that was served."""
    said = [world.get("/api/v1/records", who, q=q, **query) for q in ("phép", "cấp phép", "số định danh")]
    for name in ("events", "copies", "batches", "principals"):
        said.append(world.get(f"/api/v1/{name}", who))
    for one in (p for group in groups for p in world.planted[group][::SAMPLE]):
        for tail in ("", "/pages/1/text", "/package"):
            said.append(world.get(f"/api/v1/records/{one.record}{tail}", who, **query))
        said.append(world.get("/api/v1/records", who, q=one.written[0], **query))
        said.append(world.get("/api/v1/records", who, q=f'"{one.written[1]} {one.written[2]}"', **query))
        said.append(world.get("/api/v1/records", who, q=one.number, **query))
    return "\n".join(str(r.headers) + r.content.decode("utf-8", errors="replace") for r in said)


ALL = tuple(GROUPS)
UNSEEN = {
    # who: what they may see of the groups; sealed values nobody sees
    "officer-a": (),
    "auditor-a": (),
    "approver-a": (),
    "client-a": (),
    "administrator-a": (),
    "nobody": (),
    "staff-a": ("candidate",),
    "officer-b": ("foreign",),
}


@pytest.mark.parametrize("who", list(UNSEEN))
def test_nobody_is_served_a_word_of_what_they_may_not_see(world: World, who: str) -> None:
    seen = UNSEEN[who]
    hidden = world.all_of(*(group for group in ALL if group not in seen))
    sealed = {word for group in ALL for one in world.planted[group] for word in one.sealed}
    assert _found(_crawl(world, who, ALL), hidden | sealed) == set()


def test_every_single_word_searched_by_who_may_not_finds_nothing(world: World) -> None:
    empty = world.get("/api/v1/records", "officer-a", q="qzkhôngcótừnày").json()
    for word in sorted(world.all_of(*ALL)):
        answer = world.get("/api/v1/records", "officer-a", q=word).json()
        assert (answer["total"], answer["hits"], answer["next_cursor"]) == (0, [], None), word
        assert answer.keys() == empty.keys()


def test_a_purpose_opens_what_is_conditional_and_nothing_else(world: World) -> None:
    hidden = world.all_of(*(group for group in ALL if group != "conditional"))
    served = _crawl(world, "officer-a", ("conditional", "foreign"), purpose=PURPOSE)
    assert _found(served, hidden) == set()
    expected = {
        w for one in world.planted["conditional"][::SAMPLE] for w in (*one.written, *one.fields, one.number)
    }
    assert _found(served, expected) == expected


@pytest.mark.parametrize(
    ("who", "group", "purpose"),
    [
        ("officer-b", "foreign", None),
        ("auditor-b", "foreign", None),
        ("staff-b", "foreign", None),
        ("staff-a", "candidate", None),
        ("officer-a", "conditional", PURPOSE),
        ("approver-a", "conditional", PURPOSE),
    ],
)
def test_whoever_is_entitled_finds_every_word(world: World, who: str, group: str, purpose: str | None) -> None:
    query = {"purpose": purpose} if purpose else {}
    for one in world.planted[group]:
        for word in (*one.written, *one.fields):
            answer = world.get("/api/v1/records", who, q=word, **query).json()
            assert [hit["record"] for hit in answer["hits"]] == [one.record], word


def test_numbers_of_persons_are_found_and_shown_only_to_who_may_see_them(world: World) -> None:
    for one in world.planted["foreign"]:
        by_officer = world.get("/api/v1/records", "officer-b", q=one.number).json()
        assert [hit["record"] for hit in by_officer["hits"]] == [one.record]
        assert world.get("/api/v1/records", "auditor-b", q=one.number).json()["total"] == 0
        page = world.get(f"/api/v1/records/{one.record}/pages/1/text", "auditor-b").text
        assert one.number not in page
        assert one.number in world.get(f"/api/v1/records/{one.record}/pages/1/text", "officer-b").text


def test_no_log_line_holds_a_word_of_any_record_or_query(world: World) -> None:
    assert world.log, "the interface writes a line for each request"
    assert _found("\n".join(world.log), world.all_of(*ALL)) == set()


def test_a_thousand_were_planted(world: World) -> None:
    assert len(world.all_of(*ALL)) >= 1000
