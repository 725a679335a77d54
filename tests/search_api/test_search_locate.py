"""Where a page meets a query: hit words, boxes, a line of text; the same for whatever index offered the page."""

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.sealing import Seal
from search_api.errors import IndexUnavailable, QueryInvalid
from search_api.index.document import indexed_page, unsealed
from search_api.index.locate import MAX_BOXES, SNIPPET_CHARACTERS, Located, locate, phrase_is_in
from search_api.index.packing import pack_words, unpack_page
from search_api.index.port import IndexedPage
from search_api.index.query import Query, format_query, parse


@pytest.fixture(scope="module")
def seal(tmp_path_factory: pytest.TempPathFactory) -> Seal:
    return Seal.create(tmp_path_factory.mktemp("keys") / "sealing.json")


def page_of(text: str, seal: Seal) -> IndexedPage:
    return indexed_page(1, [(word, (n, n, 1, 1)) for n, word in enumerate(text.split(" "), start=1)], seal)


def asked(text: str, seal: Seal) -> Query:
    return parse(text, lookups=lambda value: seal.lookups("identifier-term", value))


def places(text: str, on: str, seal: Seal) -> Located | None:
    return locate(asked(text, seal), page_of(on, seal))


def test_every_occurrence_is_a_hit_and_words_that_only_sit_beside_are_none(seal: Seal) -> None:
    located = places('"khai thác" nước', "Khai thác nước; khai nước thác (khai thác)", seal)
    assert located is not None
    assert located.hits == (0, 1, 2, 4, 6, 7)
    assert located.boxes == tuple((n + 1, n + 1, 1, 1) for n in located.hits)
    assert located.snippet == "«Khai thác nước;» khai «nước» thác «(khai thác)»"


@pytest.mark.parametrize(
    ("text", "on"),
    [
        ("nước", "nươc"),
        ('"a b"', "a x b"),
        ("a b", "a"),
        ('"quyết dinh"', "quyêt định"),
        ('"b a"', "a b"),
        ("001099012345", "001099012346"),
        ('"x 001099012345"', "001099012345 x"),
    ],
)
def test_a_page_that_does_not_meet_every_phrase_is_no_answer(text: str, on: str, seal: Seal) -> None:
    assert places(text, on, seal) is None


def test_a_code_is_one_hit_word_and_a_phrase_may_end_inside_one(seal: Seal) -> None:
    located = places("96/2016", "theo 96/2016/NĐ-CP ngày", seal)
    assert located is not None
    assert (located.hits, located.snippet) == ((1,), "theo «96/2016/NĐ-CP» ngày")


def test_an_identifier_in_groups_is_one_hit_over_its_words_and_shown_as_dots(seal: Seal) -> None:
    page = page_of("Số 001 099 012 345, cấp 0100109106-001 và 99", seal)
    located = locate(asked("001099012345", seal), page)
    assert located is not None
    assert located.hits == (1, 2, 3, 4)
    assert located.snippet == "Số «••• ••• ••• •••,» cấp •••••••••••••• và 99"
    readable = locate(asked("001099012345", seal), page, shown=lambda word: unsealed(word, seal))
    assert readable is not None
    assert readable.snippet == "Số «001 099 012 345,» cấp 0100109106-001 và 99"
    for tax in ("0100109106", "0100109106-001"):
        found = locate(asked(tax, seal), page)
        assert found is not None
        assert found.hits == (6,)


def test_what_a_page_has_of_marks_and_dots_is_not_taken_for_ours(seal: Seal) -> None:
    located = places("định", "«định» • mục: •CCCD•001099012345• x", seal)
    assert located is not None
    assert located.snippet == "«‹định›» • mục: ·CCCD·••••••••••••· x"


def test_a_query_of_fields_meets_every_page_with_its_beginning(seal: Seal) -> None:
    assert places("năm:2016", "một hai", seal) == Located((), (), "một hai")


def test_a_snippet_and_its_boxes_stay_small_whatever_the_page(seal: Seal) -> None:
    for on in (" ".join(["từ"] * 5_000), "từ " + "x" * 50_000, " ".join(["từ" * 100] * 50) + " từ"):
        located = places("từ", on, seal)
        assert located is not None
        assert len(located.snippet) <= 2 * SNIPPET_CHARACTERS + 10
        assert len(located.boxes) <= MAX_BOXES
        assert located.snippet.count("«") == located.snippet.count("»") >= 1


TEXT = st.lists(
    st.text(alphabet=st.sampled_from("aăâdđeêoơhnợà0129/.-•«"), min_size=0, max_size=14), min_size=1, max_size=12
).map(" ".join)


@given(text=TEXT, data=st.data())
def test_whatever_is_cut_from_a_page_is_found_on_it_where_it_was(
    seal: Seal, text: str, data: st.DataObject
) -> None:
    words = text.split(" ")
    first = data.draw(st.integers(0, len(words) - 1))
    last = data.draw(st.integers(first, len(words) - 1))
    form = data.draw(st.sampled_from((str, str.upper, lambda t: unicodedata.normalize("NFD", t))))
    cut = " ".join(words[first : last + 1])
    try:
        query = asked('"' + form(cut) + '"', seal)
    except QueryInvalid:
        return
    page = page_of(text, seal)
    located = locate(query, page)
    # A number is another one when it is cut out of a longer group of digits.
    if _numbers(cut, seal) <= _numbers(text, seal) and len(_numbers(text, seal)) == len(_numbers(cut, seal)):
        assert located is not None
        assert any(first <= hit <= last for hit in located.hits)
    if located is not None:
        assert phrase_is_in(query.phrases[0], page.exact)
        assert locate(asked(format_query(query), seal), page) == located


def _numbers(text: str, seal: Seal) -> frozenset[str]:
    return frozenset(term for term in page_of(text, seal).exact.split() if term.startswith("_"))


@given(text=TEXT)
def test_a_page_comes_back_as_it_was_packed(seal: Seal, text: str) -> None:
    page = page_of(text, seal)
    again = unpack_page(1, page.exact, pack_words(page.words))
    assert (again.exact, again.folded, list(again.words)) == (page.exact, page.folded, list(page.words))
    assert list(again.words[-3:]) == list(page.words[-3:])


def test_no_flipped_bit_of_a_packed_page_passes(seal: Seal) -> None:
    page = page_of("CCCD 001099012345 cấp ngày", seal)
    words = pack_words(page.words)
    chosen = [int(hashlib.sha256(bytes([n])).hexdigest(), 16) % (8 * len(words)) for n in range(100)]
    for bit in chosen:
        broken = bytearray(words)
        broken[bit // 8] ^= 1 << bit % 8
        try:
            again = unpack_page(1, page.exact, bytes(broken))
        except IndexUnavailable:
            continue
        assert list(again.words) == list(page.words)  # a bit of the header that says nothing
