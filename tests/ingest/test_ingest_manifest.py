"""Manifests as offices write them: what is understood, what is kept raw for a person, what is refused."""

import unicodedata
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.codes import CodeBook, shipped_codes
from ingest.describe import level_of, manifest_fields
from ingest.errors import ManifestUnreadable
from ingest.manifest import COLUMNS, Manifest, ManifestRow, normalised_date, read_manifest

CODES = CodeBook(shipped_codes())


def _resolve(system: str, name: str) -> str | None:
    found = CODES.find(system, name, date(2026, 11, 24))
    return found.value if found else None


def _read(tmp_path: Path, text: str, encoding: str = "utf-8") -> Manifest:
    path = tmp_path / "manifest.csv"
    path.write_bytes(text.encode(encoding))
    return read_manifest(path, _resolve)


def _only(manifest: Manifest) -> ManifestRow:
    (row,) = manifest.rows
    return row


def _values(row: ManifestRow) -> dict[str, str | None]:
    return {field.name: field.normalised for field in row.fields}


def _problems(row: ManifestRow) -> dict[str, str | None]:
    return {field.name: field.problem for field in row.fields if field.problem}


def test_codes_and_their_vietnamese_labels_mean_the_same(tmp_path: Path) -> None:
    heading = "file,document_type,retention_class,access_mode,source_form,source_status\n"
    by_label = _only(_read(tmp_path, heading + "a.pdf,Quyết định,20 năm,Công khai,giấy,bản chính\n"))
    by_value = _only(_read(tmp_path, heading + "a.pdf,02,05,01,paper,authentic\n"))
    assert _values(by_label) == _values(by_value)
    assert _values(by_label)["retention_class"] == "05"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_vietnamese_headings_and_the_delimiters_of_spreadsheets_are_read(tmp_path: Path, delimiter: str) -> None:
    rows = [
        ["STT", "Tên tệp", "Số tờ", "Số mặt", "Trích yếu", "Ngày ban hành"],
        ["1", "qd.pdf", "3", "2", "Về việc cấp phép", "01/07/2016"],
    ]
    row = _only(_read(tmp_path, "\n".join(delimiter.join(cells) for cells in rows)))
    assert row.file == "qd.pdf"
    assert row.captures == 6
    assert _values(row) == {"subject": "Về việc cấp phép", "issued_on": "2016-07-01"}


def test_a_byte_order_mark_and_decomposed_letters_make_no_difference(tmp_path: Path) -> None:
    text = "tệp,trích yếu\nquyết định.pdf,Cấp giấy phép\n"
    plain = _read(tmp_path, text)
    assert plain == _read(tmp_path, text, "utf-8-sig")
    assert plain == _read(tmp_path, unicodedata.normalize("NFD", text))


def test_captures_are_sheets_times_sides_and_the_extra_ones(tmp_path: Path) -> None:
    manifest = _read(tmp_path, "file,sheets,sides,extra_captures\na,4,2,1\nb,4,,\nc,,,\n")
    assert [row.captures for row in manifest.rows] == [9, 4, None]


@pytest.mark.parametrize("cells", ["x,1,", "-1,1,", "2,3,", "999999,2,", "1,1,một"])
def test_a_count_that_is_no_number_leaves_the_declaration_open_and_says_so(tmp_path: Path, cells: str) -> None:
    row = _only(_read(tmp_path, f"file,sheets,sides,extra_captures\na.pdf,{cells}\n"))
    assert row.captures is None
    assert set(_problems(row).values()) == {"not-a-number"}


@pytest.mark.parametrize(
    ("raw", "normalised"),
    [
        ("2016-07-01", "2016-07-01"),
        ("1/7/2016", "2016-07-01"),
        ("01.07.2016", "2016-07-01"),
        ("07/2016", "2016-07"),
        ("2016", "2016"),
        ("31/02/2020", None),
        ("2020-13-01", None),
        ("0001-01-01", None),
        ("mồng một", None),
    ],
)
def test_dates_are_understood_to_the_precision_given_or_kept_raw(raw: str, normalised: str | None) -> None:
    assert normalised_date(raw) == normalised


def test_an_impossible_date_keeps_its_raw_text_and_names_the_problem(tmp_path: Path) -> None:
    row = _only(_read(tmp_path, "file,issued_on\na.pdf,31/02/2020\n"))
    (field,) = row.fields
    assert (field.raw, field.normalised, field.problem) == ("31/02/2020", None, "impossible-date")


def test_an_unknown_code_and_an_overlong_number_are_kept_raw(tmp_path: Path) -> None:
    row = _only(_read(tmp_path, "file,document_type,code_number\na.pdf,Bùa chú,123456789012\n"))
    assert _problems(row) == {"document_type": "unknown-code", "code_number": "value-too-long"}


@pytest.mark.parametrize(
    ("raw", "level", "problem"),
    [
        ("1", "1", None),
        ("nội bộ", "2", None),
        ("Hạn chế", "3", None),
        ("BÍ MẬT", "4", None),
        ("Restricted", "3", None),
        ("0", "3", "unknown-code"),
        ("5", "3", "unknown-code"),
        ("nhạy cảm lắm", "3", "unknown-code"),
    ],
)
def test_a_sensitivity_level_is_understood_or_counts_as_one_that_is_kept_apart(
    tmp_path: Path, raw: str, level: str, problem: str | None
) -> None:
    row = _only(_read(tmp_path, f"file,mức độ nhạy cảm\na.pdf,{raw}\n"))
    (field,) = row.fields
    assert (field.name, field.raw, field.normalised, field.problem) == ("sensitivity_level", raw, level, problem)
    assert level_of(manifest_fields([asdict(field)])) == int(level)
    assert row.secrecy is None


def test_without_a_sensitivity_level_it_is_the_lowest(tmp_path: Path) -> None:
    assert level_of(manifest_fields([asdict(one) for one in _only(_read(tmp_path, "file\na.pdf\n")).fields])) == 1


def test_a_mark_of_secrecy_in_place_of_a_level_stops_the_item(tmp_path: Path) -> None:
    assert _only(_read(tmp_path, "file,sensitivity_level\na.pdf,Tối mật\n")).secrecy == "toi-mat"


@pytest.mark.parametrize(
    ("cells", "slug"),
    [
        ("Mật,", "mat"),
        ("03,", "mat"),
        ("TỐI MẬT,", "toi-mat"),
        ("tuyệt mật,", "tuyet-mat"),
        (",không được sao", "khong-duoc-sao"),
        (",Độ mật: Mật", "mat"),
        ("Công khai,Giữ bí mật kinh doanh", None),
        ("Có điều kiện,", None),
    ],
)
def test_a_declared_mark_of_secrecy_is_seen(tmp_path: Path, cells: str, slug: str | None) -> None:
    assert _only(_read(tmp_path, f"file,access_mode,note\na.pdf,{cells}\n")).secrecy == slug


@pytest.mark.parametrize(
    ("kind", "identifier", "scheme", "party_kind"),
    [
        ("cá nhân", "001099012345", "cccd", "person"),
        ("", "012345678", "cmnd", "person"),
        ("tổ chức", "0101234567", "tax-code", "organisation"),
        ("", "0101234567-001", "branch-code", "organisation"),
        ("người nước ngoài", "B1234567", "passport", "foreigner"),
        ("", "?", "other", "person"),
    ],
)
def test_a_holder_is_known_by_the_form_of_the_identifier(
    tmp_path: Path, kind: str, identifier: str, scheme: str, party_kind: str
) -> None:
    row = _only(_read(tmp_path, f"file,holder_type,holder_id,holder_name\na.pdf,{kind},{identifier},Ai đó\n"))
    assert row.holder is not None
    assert (row.holder.scheme, row.holder.kind) == (scheme, party_kind)
    assert not any(field.name in ("holder_id", "holder_name") for field in row.fields)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        ("sheets,sides\n1,2\n", "names the files"),
        ("file,ngay_thang\na.pdf,1\n", "ngay_thang"),
        ("file,tệp\na.pdf,b.pdf\n", "twice"),
        ("file,note\na.pdf,x,y\n", "row 2"),
        ("file,note\n,x\n", "names no file"),
        ('file,note\na.pdf,"x\n', "CSV"),
        ("file\na.pdf\0\n", "NUL"),
    ],
)
def test_what_is_no_table_of_ours_refuses_the_batch_and_says_why(tmp_path: Path, text: str, reason: str) -> None:
    with pytest.raises(ManifestUnreadable, match=reason):
        _read(tmp_path, text)


def test_another_encoding_is_refused_with_what_to_do(tmp_path: Path) -> None:
    for encoding in ("utf-16", "cp1258", "latin-1"):
        text = "file,note\na.pdf,\xc0\xc1\n"
        with pytest.raises(ManifestUnreadable, match="CSV UTF-8"):
            _read(tmp_path, text, encoding)


def test_empty_rows_are_left_out_and_rows_keep_their_line(tmp_path: Path) -> None:
    manifest = _read(tmp_path, "file\na.pdf\n\n,\nb.pdf\n".replace("\n,\n", "\n"))
    assert [(row.row_number, row.file) for row in manifest.rows] == [(2, "a.pdf"), (4, "b.pdf")]


def test_every_column_is_read_under_its_own_name(tmp_path: Path) -> None:
    row = _only(_read(tmp_path, ",".join(COLUMNS) + "\n" + ",".join("1" for _ in COLUMNS) + "\n"))
    assert row.file == "1"
    assert row.captures == 2
    assert {"signer_name", "paper_place", "note", "original_book"} <= set(_values(row))


@given(st.binary(max_size=400))
def test_whatever_bytes_come_the_answer_is_a_manifest_or_a_reason(
    tmp_path_factory: pytest.TempPathFactory, body: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(b"file\n" + body)
    try:
        found = read_manifest(path, _resolve)
    except ManifestUnreadable:
        return
    assert all(row.file for row in found.rows)
