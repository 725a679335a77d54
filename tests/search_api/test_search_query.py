"""Words and queries: what is one word, what is a number to be hidden, what a typed query means."""

import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_api.errors import QueryInvalid
from search_api.index.query import FIELD_NAMES, Identifier, Phrase, Query, Word, format_query, parse
from search_api.index.words import canonical, clean, fold, identifiers_in, terms_of, token_of


def lookups(value: str) -> list[str]:
    return [hashlib.sha256(f"{key}{value}".encode()).hexdigest() for key in (2, 1)]


def read(text: str) -> Query:
    return parse(text, lookups=lookups)


def words(*exact: str) -> Phrase:
    return Phrase(tuple(Word(one) for one in exact))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hòa", "hoà"),
        ("HÓA", "hoá"),
        ("khỏe", "khoẻ"),
        ("thủy", "thuỷ"),
        ("tòan", "toàn"),
        ("qúy", "quý"),
        ("NGUYỄN", "nguyễn"),
        ("Điều", unicodedata.normalize("NFD", "điều")),
        ("nước", "nư\u00adớc"),
        ("١٢", "12"),
    ],
)
def test_spellings_of_one_word_are_one_term(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(("one", "other"), [("hòa", "hóa"), ("mùa", "muà"), ("bìa", "biá"), ("đa", "da")])
def test_different_words_stay_different(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


def test_folding_takes_every_mark_and_the_bar_of_d() -> None:
    assert " ".join(t.folded for t in terms_of("Quyết định: ĐẶC BIỆT, Ưỡn ẹo Ỷ lại")) == (
        "quyet dinh dac biet uon eo y lai"
    )


def test_a_code_is_the_phrase_of_its_runs() -> None:
    assert [t.exact for t in terms_of("96/2016/NĐ-CP")] == ["96", "2016", "nđ", "cp"]
    assert (
        read("96/2016/NĐ-CP")
        == read(unicodedata.normalize("NFD", "96/2016/nđ-cp"))
        == Query((words("96", "2016", "nđ", "cp"),))
    )


@given(st.text(max_size=60))
def test_every_term_is_canonical_and_folds_to_something_of_itself(text: str) -> None:
    for term in terms_of(text):
        assert term.folded
        assert " " not in term.exact + term.folded
        assert "_" not in term.exact + term.folded
        assert fold(term.folded) == term.folded
        assert [t.exact for t in terms_of(term.exact)] == [term.exact]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("CCCD số 001099012345, cấp", ["001099012345"]),
        ("CCCD001099012345", ["001099012345"]),
        ("001 099 012 345", ["001099012345"]),
        ("0010 9901 2345", ["001099012345"]),
        ("001099 012345", ["001099012345"]),
        ("012.345.678", ["012345678"]),
        ("CMND 012345678", ["012345678"]),
        ("MST 0100109106-001", ["0100109106", "0100109106-001"]),
        ("ĐT 0912345678", ["0912345678"]),
        ("٠٠١٠٩٩٠١٢٣٤٥", ["001099012345"]),
        ("001099012345 và 012345678", ["001099012345", "012345678"]),
    ],
)
def test_numbers_that_may_stand_for_someone_are_found(text: str, values: list[str]) -> None:
    assert [value for found in identifiers_in(clean(text)) for value in found.values] == values


@pytest.mark.parametrize(
    "text",
    [
        "96/2016/NĐ-CP ngày 01/07/2016",
        "H26-210315-0001",
        "000.00.19.H26",
        "TN01.2019.000.00.19.0000017",
        "2016 2017 2018",
        "150.000.000 đồng",
        "100.000.000.000đ",
        "1.150.000.000",
        "12345678",
        "QCVN 102:2016/BTTTT",
    ],
)
def test_codes_dates_years_and_sums_of_money_stay_clear(text: str) -> None:
    assert list(identifiers_in(clean(text))) == []


def test_a_token_can_be_no_word() -> None:
    assert terms_of(token_of("ab" * 32))[0].exact != token_of("ab" * 32)


def test_an_identifier_is_asked_by_its_tokens_however_it_is_grouped() -> None:
    typed = ("001099012345", "001 099 012 345", "001.099.012.345", '"001099012345"')
    assert len({read(text) for text in typed}) == 1
    (phrase,) = read("cccd001099012345").phrases
    assert phrase.pieces == (
        Word("cccd"),
        Identifier("001099012345", tuple(token_of(one) for one in lookups("001099012345"))),
    )
    assert "001099012345" not in repr(phrase)


def test_words_phrases_and_fields_are_told_apart() -> None:
    query = read('khai thác “nước mặt” số: 96/2016 cơ quan:"Bộ Tài nguyên" Điều:5 năm_x')
    assert query.phrases == (
        words("khai"),
        words("thác"),
        words("nước", "mặt"),
        words("điều", "5"),
        words("năm", "x"),
    )
    assert [(f.name, f.phrase) for f in query.filters] == [
        ("number", words("96", "2016")),
        ("body", words("bộ", "tài", "nguyên")),
    ]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ('nước "mặt', 5),
        (unicodedata.normalize("NFD", 'nước "mặt'), 8),
        ("nước năm:", 5),
        ('năm:""', 0),
        ("a\0b", 1),
        ("ab\ud800", 2),
        ("\x1bx", 0),
        ("x\ue000", 1),
        ("", None),
        (" \t\n", None),
        ("?!…", None),
        ('""', None),
        pytest.param("x" * 1001, None, id="1,001 characters"),
        pytest.param("x " * 5_000_000, None, id="10 MB"),
        ("x " * 33, None),
    ],
)
def test_what_cannot_be_understood_is_said_with_its_place(text: str, position: int | None) -> None:
    with pytest.raises(QueryInvalid) as raised:
        read(text)
    assert raised.value.position == position


TYPED = st.text(
    alphabet=st.sampled_from('aăđêơưnhgqxọàếữ 0123456789./-:_"“”\t\u0301\u0323\u00ad\u00a0•ỦĐNAMnam'), max_size=60
)
NAMED = st.builds("{}:{}".format, st.sampled_from(sorted(FIELD_NAMES)), TYPED)


@given(st.lists(TYPED | NAMED | st.text(max_size=20), max_size=4).map(" ".join))
def test_a_query_written_out_is_read_as_the_same_query(text: str) -> None:
    try:
        query = read(text)
    except QueryInvalid:
        return
    assert read(format_query(query)) == query
