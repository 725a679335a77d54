"""The promise of every record index, kept by each adapter."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest
from indices import remove_indices
from servers.shared import opensearch

from archive.access.policy import Scope
from archive.record import PartyId, RecordId
from archive.sealing import Seal
from search_api.errors import CursorInvalid
from search_api.index.document import LOOKUP_SCHEME, NOWHERE, indexed_field, indexed_page
from search_api.index.opensearch import OpenSearchIndex
from search_api.index.opensearch_client import Engine, EngineAddress
from search_api.index.opensearch_shape import Layout
from search_api.index.port import Found, RecordDocument, RecordGone, RecordIndex
from search_api.index.query import FieldName, parse
from search_api.index.sqlite import SqliteIndex

ADAPTERS = ("sqlite", "opensearch")
EVERYTHING = Scope(
    units=frozenset(("a", "b")),
    candidate_units=frozenset(("a", "b")),
    modes=frozenset(("01", "02")),
    holder=None,
    identifier_units=frozenset(("a", "b")),
)
NOBODY = Scope(frozenset(), frozenset(), frozenset(("01",)), None, frozenset())


@pytest.fixture
def seal(tmp_path: Path) -> Seal:
    return Seal.create(tmp_path / "keys" / "sealing.json")


@pytest.fixture(params=ADAPTERS)
def open_anew(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., RecordIndex]]:
    """Opens the same index again, as another process would."""
    opened: list[RecordIndex] = []

    def in_file(**limits: int) -> RecordIndex:
        opened.append(SqliteIndex(tmp_path / "index" / "index.db", **limits))
        return opened[-1]

    def in_engine(**limits: int) -> RecordIndex:
        engine = Engine(EngineAddress("127.0.0.1", opensearch().port, tls=False))
        opened.append(OpenSearchIndex(engine, Layout(prefix), **limits))
        return opened[-1]

    prefix = f"contract-{uuid4().hex[:12]}"
    yield in_file if request.param == "sqlite" else in_engine
    for index in opened:
        index.close()
    if request.param == "opensearch":
        remove_indices(prefix)


@pytest.fixture
def index(open_anew: Callable[..., RecordIndex]) -> RecordIndex:
    return open_anew()


class Writer:
    """Makes documents and finds them; the cursor moves by itself."""

    def __init__(self, index: RecordIndex, seal: Seal) -> None:
        self.index = index
        self.seal = seal
        self._cursors = itertools.count(index.position().cursor + 1)

    def document(
        self,
        name: str,
        *texts: str,
        units: tuple[str, ...] = ("a",),
        state: str = "accepted",
        mode: str = "01",
        holders: tuple[str, ...] = (),
        fields: tuple[tuple[FieldName, str], ...] = (),
    ) -> RecordDocument:
        described = [(word, NOWHERE) for _, text in fields for word in text.split()]
        read = [[(word, (10 * n, 20, 9, 12)) for n, word in enumerate(text.split(), start=1)] for text in texts]
        pages = [indexed_page(n, words, self.seal) for n, words in enumerate([described, *read])]
        found = [indexed_field(field, text, self.seal) for field, text in fields]
        return RecordDocument(
            record_id=RecordId(name),
            state=state,
            units=frozenset(units),
            mode=mode,
            holders=frozenset(PartyId(one) for one in holders),
            package_number=1,
            package_sha256="ab" * 32,
            archive_number=f"TN.{name}",
            document_type=None,
            issued_year=None,
            pages=tuple(pages),
            fields=tuple(one for one in found if one is not None),
        )

    def put(self, *documents: RecordDocument | RecordGone, building: bool = False) -> None:
        self.index.apply(documents, cursor=next(self._cursors), building=building)

    def find(
        self,
        text: str,
        scope: Scope = EVERYTHING,
        *,
        after: str | None = None,
        limit: int = 20,
        seal: Seal | None = None,
    ) -> Found:
        query = parse(text, lookups=partial((seal or self.seal).lookups, LOOKUP_SCHEME))
        return self.index.search(query, scope=scope, after=after, limit=limit)

    def names(self, text: str, scope: Scope = EVERYTHING) -> list[str]:
        found = self.find(text, scope)
        assert found.total == len(found.hits)
        return sorted({hit.record_id for hit in found.hits})


@pytest.fixture
def writer(index: RecordIndex, seal: Seal) -> Writer:
    return Writer(index, seal)


def test_what_is_applied_is_found_by_page(writer: Writer) -> None:
    writer.put(writer.document("r1", "giấy phép khai thác", "nước dưới đất"))
    (hit,) = writer.find("dưới").hits
    assert (hit.record_id, hit.page.number) == ("r1", 2)
    assert [word.text for word in hit.page.words] == ["nước", "dưới", "đất"]
    assert hit.page.words[1].box == (20, 20, 9, 12)
    assert writer.names("giấy dưới") == []


def test_a_unit_out_of_scope_is_neither_shown_nor_counted(writer: Writer) -> None:
    writer.put(writer.document("r1", "nước mặt"), writer.document("r2", "nước mặt", units=("b",)))
    own = replace(EVERYTHING, units=frozenset(("a",)), candidate_units=frozenset(("a",)))
    assert writer.names("nước", own) == ["r1"]
    assert writer.names("nước") == ["r1", "r2"]
    nothing = writer.find("nước", NOBODY)
    assert (nothing.total, nothing.total_is_exact, nothing.hits) == (0, True, ())


def test_what_is_out_of_scope_changes_neither_score_nor_order(writer: Writer) -> None:
    writer.put(writer.document("r1", "nước mặt", "nước nước ngầm"), writer.document("r2", "đất nước mặt"))
    own = replace(NOBODY, units=frozenset(("a",)))
    before = writer.find("nước", own).hits
    writer.put(*(writer.document(f"x{n}", "nước nước", units=("b",)) for n in range(30)))
    writer.put(*(writer.document(f"y{n}", "nước", state="candidate") for n in range(30)))
    after = writer.find("nước", own)
    assert (after.total, [hit.score for hit in after.hits]) == (3, [hit.score for hit in before])
    assert [hit.record_id for hit in after.hits] == [hit.record_id for hit in before]


def test_a_holder_among_many_is_given_only_their_own(writer: Writer) -> None:
    holder = replace(NOBODY, holder=PartyId("p1"), units=frozenset(("b",)))
    writer.put(*(writer.document(f"x{n}", "nước", holders=("p2",), fields=(("year", "2016"),)) for n in range(9)))
    writer.put(writer.document("r1", "nước", holders=("p1",), fields=(("year", "2016"),)))
    writer.put(writer.document("r2", "nước", units=("b",), fields=(("year", "2016"),)))
    for text in ("nước", "năm:2016", "nước năm:2016", '"nước"'):
        assert writer.names(text, holder) == ["r1", "r2"], text
    assert writer.names("nước", replace(holder, holder=PartyId("p3"))) == ["r2"]


def test_a_record_that_changes_its_class_is_found_once(writer: Writer) -> None:
    writer.put(writer.document("r1", "nước", state="candidate"))
    writer.put(writer.document("r1", "nước"))
    writer.put(writer.document("r1", "nước", units=("a", "b"), mode="02"))
    assert writer.names("nước") == ["r1"]
    assert writer.names("nước", replace(EVERYTHING, modes=frozenset(("01",)))) == []


def test_a_managing_unit_is_enough(writer: Writer) -> None:
    writer.put(writer.document("r1", "nước", units=("a", "b")))
    assert writer.names("nước", replace(NOBODY, units=frozenset(("b",)))) == ["r1"]


def test_candidates_are_for_those_who_see_them(writer: Writer) -> None:
    writer.put(writer.document("r1", "nước", state="candidate"), writer.document("r2", "nước", state="returned"))
    assert writer.names("nước", replace(EVERYTHING, candidate_units=frozenset())) == []
    assert writer.names("nước", replace(EVERYTHING, units=frozenset())) == ["r1", "r2"]


def test_conditional_records_need_their_mode(writer: Writer) -> None:
    writer.put(writer.document("r1", "nước", mode="02"))
    assert writer.names("nước", replace(EVERYTHING, modes=frozenset(("01",)))) == []
    assert writer.names("nước") == ["r1"]


def test_a_holder_finds_what_they_hold_once_accepted(writer: Writer) -> None:
    writer.put(
        writer.document("r1", "nước", holders=("p1", "p2")),
        writer.document("r2", "nước", holders=("p2",)),
        writer.document("r3", "nước", holders=("p1",), state="candidate"),
        writer.document("r4", "nước", holders=("p1",), mode="02"),
    )
    assert writer.names("nước", replace(NOBODY, holder=PartyId("p1"))) == ["r1"]


def test_identifiers_are_found_and_shown_only_where_entitled(writer: Writer) -> None:
    writer.put(
        writer.document("r1", "CCCD 001099012345 cấp"),
        writer.document("r2", "CCCD 001.099.012.345 cấp", units=("b",)),
    )
    only_a = replace(EVERYTHING, identifier_units=frozenset(("a",)))
    assert writer.names("001099012345", only_a) == ["r1"]
    assert writer.names("001 099 012 345") == ["r1", "r2"]
    assert writer.names('"cccd 001099012345 cap"', only_a) == ["r1"]
    assert writer.names("001099012345", replace(EVERYTHING, identifier_units=frozenset())) == []
    shown = {hit.record_id: hit.identifiers_shown for hit in writer.find("cccd", only_a).hits}
    assert shown == {"r1": True, "r2": False}


def test_identifiers_indexed_under_an_older_key_are_found(writer: Writer, tmp_path: Path) -> None:
    writer.put(writer.document("r1", "CCCD 001099012345"))
    keys = tmp_path / "keys" / "sealing.json"
    newer = keys.read_text().replace(
        "}}", '}, "2": {"cipher": "' + "ab" * 32 + '", "lookup": "' + "cd" * 32 + '"}}'
    )
    keys.write_text(newer)
    later = Seal.load(keys)
    assert later.version == 2
    assert [hit.record_id for hit in writer.find("001099012345", seal=later).hits] == ["r1"]
    assert [hit.record_id for hit in writer.find('"cccd 001099012345"', seal=later).hits] == ["r1"]


def test_fields_are_asked_by_name(writer: Writer) -> None:
    writer.put(
        writer.document(
            "r1",
            "văn bản",
            fields=(
                ("number", "96/2016/NĐ-CP"),
                ("type", "Nghị định"),
                ("year", "2016"),
                ("body", "Chính phủ nước Cộng hòa"),
                ("archive", "TN01.2016.HS1.0000001"),
                ("dossier", "H26-1234"),
            ),
        ),
        writer.document("r2", "96/2016/NĐ-CP 2016", fields=(("year", "2017"), ("type", "Quyết định"))),
    )
    for asked in (
        "số:96",
        "number:96/2016",
        "so hieu:96/2016/nd-cp",
        "Số hiệu: 96/2016/NĐ-CP",
        "năm:2016",
        "year:2016",
        'loại:"nghị định"',
        'type:"nghi dinh"',
        'cơ quan:"cộng hoà"',
        'body:"chinh phu"',
        "mã lưu trữ:TN01.2016",
        "hồ sơ:h26-1234",
        "dossier:H26 văn",
        "năm:2016 số:96",
    ):
        assert writer.names(asked) == ["r1"], asked
    for asked in ("số:2016", "năm:201", "loại:nghị", 'loại:"nghi đinh"', "năm:2016 số:97", "dossier:H26 lạ"):
        assert writer.names(asked) == [], asked


def test_a_field_alone_answers_with_the_described_fields(writer: Writer) -> None:
    writer.put(writer.document("r1", "một", "hai", fields=(("year", "2016"),)))
    assert [hit.page.number for hit in writer.find("year:2016").hits] == [0]


def test_a_phrase_of_marked_and_unmarked_words_is_exact(writer: Writer) -> None:
    writer.put(
        writer.document("r1", "quyết định số 5 của ủy ban"),
        writer.document("r2", "quyết đính số 5 và quyết tâm định hướng"),
        writer.document("r3", "quyệt định rồi quyết liệt"),
    )
    assert writer.names('"quyết dinh"') == ["r1", "r2"]
    assert writer.names('"quyet định"') == ["r1", "r3"]
    assert writer.names('"quyết định"') == ["r1"]
    assert writer.names('"quyet dinh"') == ["r1", "r2", "r3"]


def test_a_record_is_replaced_by_its_newer_form_and_gone_when_told(writer: Writer) -> None:
    writer.put(writer.document("r1", "cũ", "chung"))
    writer.put(writer.document("r1", "mới"))
    assert (writer.names("cũ"), writer.names("chung"), writer.names("mới")) == ([], [], ["r1"])
    writer.put(RecordGone(RecordId("r1")), RecordGone(RecordId("never-there")))
    assert writer.names("mới") == []
    assert list(writer.index.records()) == []


def test_a_cursor_that_is_not_ahead_changes_nothing(writer: Writer) -> None:
    writer.index.apply([writer.document("r1", "một")], cursor=7)
    writer.index.apply([writer.document("r1", "hai"), writer.document("r2", "ba")], cursor=7)
    writer.index.apply([RecordGone(RecordId("r1"))], cursor=3)
    assert (writer.names("một"), writer.names("hai"), writer.names("ba")) == (["r1"], [], [])
    assert writer.index.position().cursor == 7


def test_a_batch_that_fails_leaves_nothing_behind(writer: Writer) -> None:
    broken = replace(writer.document("r2", "hai"), package_sha256=None)  # type: ignore[arg-type]
    with pytest.raises(Exception, match="package_sha256"):
        writer.index.apply([writer.document("r1", "một"), broken], cursor=1)
    assert writer.names("một") == []
    assert writer.index.position().cursor == 0


def test_what_was_applied_is_there_for_the_next_process(
    writer: Writer, open_anew: Callable[..., RecordIndex], seal: Seal
) -> None:
    writer.put(writer.document("r1", "nước"))
    again = Writer(open_anew(), seal)
    assert again.names("nước") == ["r1"]
    assert again.index.position() == writer.index.position()


def test_pages_of_an_answer_give_every_hit_once_and_the_best_first(writer: Writer) -> None:
    for n in range(23):
        writer.put(writer.document(f"r{n:02}", "nước " * (n % 4 + 1) + f"chữ riêng {n}"))
    whole = writer.find("nước", limit=100)
    assert whole.next_after is None
    assert [hit.score for hit in whole.hits] == sorted((hit.score for hit in whole.hits), reverse=True)
    paged, after, answers = [], None, 0
    while after is not None or answers == 0:
        part = writer.find("nước", after=after, limit=5)
        assert part.total == 23
        paged += part.hits
        after = part.next_after
        answers += 1
    assert [hit.record_id for hit in paged] == [hit.record_id for hit in whole.hits]
    assert answers == 5


def test_a_record_that_comes_between_two_pages_of_an_answer_shows_nothing_twice(writer: Writer) -> None:
    for n in range(10):
        writer.put(writer.document(f"r{n}", "nước mặt"))
    first = writer.find("nước", limit=4)
    writer.put(writer.document("new", "nước"))
    rest = writer.find("nước", after=first.next_after, limit=20)
    assert len({hit.record_id for hit in (*first.hits, *rest.hits)}) == 10
    assert "new" not in {hit.record_id for hit in rest.hits}


def test_a_cursor_is_good_for_its_query_scope_and_generation_only(writer: Writer) -> None:
    for n in range(4):
        writer.put(writer.document(f"r{n}", "nước mặt"))
    after = writer.find("nước", limit=2).next_after
    assert after is not None
    foreign: list[tuple[str, Scope, str]] = [
        ("mặt", EVERYTHING, after),
        ("nước", replace(EVERYTHING, units=frozenset(("a",))), after),
        ("nước", EVERYTHING, after[:-1] + ("A" if after[-1] != "A" else "B")),
        ("nước", EVERYTHING, after[:-4]),
        ("nước", EVERYTHING, ""),
        ("nước", EVERYTHING, "ữ" * 30),
        ("nước", EVERYTHING, "A" * 100_000),
        ("nước", EVERYTHING, "!" * 56),
    ]
    for text, scope, cursor in foreign:
        with pytest.raises(CursorInvalid):
            writer.find(text, scope, after=cursor)
    writer.index.start_rebuild()
    writer.index.finish_rebuild()
    with pytest.raises(CursorInvalid):
        writer.find("nước", after=after)


def test_no_flipped_character_of_a_cursor_is_taken(writer: Writer) -> None:
    for n in range(3):
        writer.put(writer.document(f"r{n}", "nước"))
    after = writer.find("nước", limit=1).next_after
    assert after is not None
    for place in range(len(after)):
        other = after[:place] + ("x" if after[place] != "x" else "y") + after[place + 1 :]
        with pytest.raises(CursorInvalid):
            writer.find("nước", after=other)


def test_an_answer_says_when_more_match_than_are_ranked(open_anew: Callable[..., RecordIndex], seal: Seal) -> None:
    writer = Writer(open_anew(ranked_max=5), seal)
    for n in range(5):
        writer.put(writer.document(f"r{n}", "nước"))
    all_ranked = writer.find("nước", limit=3)
    assert (all_ranked.total, all_ranked.total_is_exact) == (5, True)
    writer.put(writer.document("r5", "nước"))
    capped = writer.find("nước", limit=100)
    assert (capped.total, capped.total_is_exact) == (5, False)
    assert {hit.record_id for hit in capped.hits} == {f"r{n}" for n in range(1, 6)}


def test_the_old_generation_answers_and_grows_while_a_new_one_is_built(writer: Writer) -> None:
    writer.put(writer.document("r1", "nước"))
    before = writer.index.position()
    writer.index.start_rebuild()
    assert writer.index.position() == replace(before, rebuilding=True)
    assert writer.index.position(building=True).cursor == 0
    writer.put(writer.document("r2", "nước"))
    writer.index.apply([writer.document("r3", "nước")], cursor=1, building=True)
    assert writer.names("nước") == ["r1", "r2"]
    writer.index.finish_rebuild()
    assert writer.names("nước") == ["r3"]
    after = writer.index.position()
    assert (after.cursor, after.rebuilding) == (1, False)
    assert after.generation != before.generation


def test_a_rebuild_cut_short_goes_on_where_it_was(
    writer: Writer, open_anew: Callable[..., RecordIndex], seal: Seal
) -> None:
    writer.put(writer.document("r1", "nước"))
    writer.index.start_rebuild()
    writer.index.apply([writer.document("r1", "nước")], cursor=1, building=True)
    again = Writer(open_anew(), seal)
    assert again.index.position().rebuilding
    again.index.start_rebuild()
    assert again.index.position(building=True).cursor == 1
    again.index.finish_rebuild()
    assert again.names("nước") == ["r1"]
    again.index.start_rebuild()
    again.index.start_rebuild(afresh=True)
    assert again.index.position(building=True).cursor == 0


def test_finishing_a_rebuild_that_nobody_began_changes_nothing(writer: Writer) -> None:
    writer.put(writer.document("r1", "nước"))
    before = writer.index.position()
    writer.index.finish_rebuild()
    assert (writer.names("nước"), writer.index.position()) == (["r1"], before)


def test_what_looks_like_a_query_of_the_engine_is_only_words(writer: Writer) -> None:
    writer.put(writer.document("r1", "near and or not exact folded"))
    for text in ("NEAR", "and or not", "exact:", "folded : near", "near* (or)", "near' OR exact --"):
        assert writer.names(text) == ["r1"], text
    for text in ("NEAR(near lạ)", "near -or^lạ", 'near" lạ"'):
        assert writer.names(text) == [], text
