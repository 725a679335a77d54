"""Who may act: the first key, the rights of the first day, and the commands that give and end both."""

from home_of_tests import TestHome
from sqlalchemy import select

from archive.access.policy import ACTS_OF
from archive.tables.principals import access_grant, api_key


def test_init_shows_the_first_key_once_and_keeps_only_its_digest(accepted: TestHome) -> None:
    key = (accepted.folder.parent / "key").read_text()
    assert key.startswith("sohoa_")
    assert not any(key.encode() in p.read_bytes() for p in accepted.folder.rglob("*") if p.is_file())


def test_init_again_makes_no_second_key_and_no_second_grant(twin: TestHome) -> None:
    before = _counts(twin)
    again = twin.run("init", "--json")
    assert again.document["api_key"] is None
    assert "sohoa_" not in again.told
    assert _counts(twin) == before


def _counts(home: TestHome) -> tuple[int, int]:
    engine = home.engine()
    with engine.connect().execution_options(read_only=True) as connection:
        keys = len(connection.execute(select(api_key.c.id)).all())
        grants = len(connection.execute(select(access_grant.c.id)).all())
    engine.dispose()
    return keys, grants


def test_a_home_made_before_there_were_rights_gets_them_and_a_key(twin: TestHome) -> None:
    engine = twin.engine()
    with engine.begin() as connection:
        connection.execute(api_key.delete())
        connection.execute(access_grant.delete())
    engine.dispose()
    assert twin.run("copy", "list", "--json").document == {"requests": []}
    told = twin.run("init").told
    assert "sohoa_" in told
    local = twin.ask("principal", "list")["principals"][0]
    assert {grant["role"] for grant in local["grants"]} == set(ACTS_OF) - {"client"}
    assert twin.faults() == set()


def test_an_administrator_adds_grants_and_ends(twin: TestHome) -> None:
    twin.ask("principal", "add", "lan", "--kind", "officer", "--name", "Phạm Thị Lan")
    twin.ask("principal", "grant", "lan", "officer", "demo-archive", "--until", "2999-12-31")
    key = twin.ask("principal", "key", "lan", "--scope", "record.find", "--days", "7")["api_key"]
    as_lan = TestHome(twin.folder, twin.recordings, {"SOHOA_API_KEY": key})
    assert as_lan.ask("search", "khai")["total"] > 0
    refused = as_lan.run("principal", "list", "--json")
    assert (refused.code, refused.document["error"]) == (2, "act-forbidden")
    twin.ask("principal", "disable", "lan")
    ended = as_lan.run("search", "khai", "--json")
    assert (ended.code, ended.document["error"]) == (2, "key-refused")
    listed = {p["login"]: p for p in twin.ask("principal", "list")["principals"]}
    assert listed["lan"]["disabled_at"] is not None
    assert listed["lan"]["keys"] == 0


def test_what_cannot_be_is_refused_with_its_reason(twin: TestHome) -> None:
    for arguments in (
        ("add", "Lan Anh", "--kind", "officer", "--name", "x"),
        ("add", "local", "--kind", "staff", "--name", "x"),
        ("grant", "local", "officer", "no-such-unit"),
        ("key", "local", "--unit", "no-such-unit"),
    ):
        answer = twin.run("principal", *arguments, "--json")
        assert (answer.code, answer.document["error"]) == (2, "principal-refused")
    assert twin.ask("principal", "key", "local", "--revoke")["revoked"] == 1
