"""The commands that find records and look after the index."""

import pytest
from home_of_tests import TestHome

KEYS = {"total", "total_is_exact", "hits", "completeness", "next_cursor"}


def test_search_answers_by_its_contract(accepted: TestHome) -> None:
    answer = accepted.ask("search", "nước dưới đất")
    assert set(answer) >= KEYS
    assert answer["total"] > 0
    assert answer["total_is_exact"] is True
    assert {"indexed_to", "behind", "rebuilding"} <= set(answer["completeness"])
    assert answer["completeness"]["behind"] == 0
    hit = next(one for one in answer["hits"] if one["page"] == 1)
    assert {"record", "archive_number", "page", "boxes", "snippet", "score"} <= set(hit)
    assert all(len(box) == 4 for box in hit["boxes"])
    assert "«" in hit["snippet"]


def test_what_is_typed_without_tones_or_in_capitals_finds_the_same(accepted: TestHome) -> None:
    typed = ("khai thác nước", "khai thac nuoc", "KHAI THÁC NƯỚC", '"khai thac nuoc"')
    (total,) = {accepted.ask("search", one)["total"] for one in typed}
    assert total > 0


def test_a_wrong_tone_finds_nothing(accepted: TestHome) -> None:
    assert accepted.ask("search", "khái thác nước")["total"] == 0


def test_pages_of_an_answer_follow_each_other(accepted: TestHome) -> None:
    first = accepted.ask("search", "khai", "--limit", "1")
    second = accepted.ask("search", "khai", "--limit", "1", "--cursor", first["next_cursor"])
    assert first["hits"] != second["hits"]
    forged = accepted.run("search", "khai", "--cursor", "abc", "--json")
    assert (forged.code, forged.document["error"]) == (2, "cursor-invalid")


def test_a_query_that_cannot_be_understood_says_so(accepted: TestHome) -> None:
    answer = accepted.run("search", '"không đóng', "--json")
    assert (answer.code, answer.document["error"]) == (2, "query-invalid")


def test_a_person_reads_where_it_was_found(accepted: TestHome) -> None:
    assert "Tìm thấy" in accepted.run("search", "khai").told


def test_a_conditional_record_is_found_for_a_purpose_only(accepted: TestHome) -> None:
    def found(*more: str) -> set[str]:
        return {hit["record"] for hit in accepted.ask("search", "khai", *more)["hits"]}

    free, conditional = accepted.record_numbered("96"), accepted.record_numbered("97")
    assert found() == {free}
    assert found("--purpose", "tra cứu") == {free, conditional}


@pytest.mark.embedded("index")
def test_the_index_is_made_anew_when_it_is_lost(twin: TestHome) -> None:
    before = twin.ask("search", "khai thác")
    for left in twin.folder.glob("index.db*"):
        left.unlink()
    assert twin.ask("index", "status")["behind"] > 0
    rebuilt = twin.ask("index", "rebuild")
    assert (rebuilt["behind"], rebuilt["rebuilding"]) == (0, False)
    assert [h["record"] for h in twin.ask("search", "khai thác")["hits"]] == [h["record"] for h in before["hits"]]


def test_work_leaves_the_index_up_to_date(accepted: TestHome) -> None:
    assert accepted.ask("index", "status")["behind"] == 0
