"""What is picked up from a folder: whole regular files below it, each held still while it was hashed."""

import hashlib
import os
import unicodedata
from pathlib import Path

import pytest

from ingest.errors import FileUnreadable, StillBeingWritten
from ingest.pickup import comparison_key, files_of, looks_like_scan, settle, shown

DAY = 86_400.0


def _settle(path: Path, *, clock: float | None = None) -> str:
    whole = settle(
        path,
        settle_seconds=2,
        patience_seconds=10,
        pause=lambda _seconds: None,
        clock=lambda: clock if clock is not None else path.stat().st_mtime + DAY,
    )
    return whole.sha256


def test_a_file_that_lay_still_is_hashed(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"whole")
    assert _settle(path) == hashlib.sha256(b"whole").hexdigest()


def test_a_file_that_keeps_growing_is_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"begin")

    def grow(_seconds: float) -> None:
        with path.open("ab") as stream:
            stream.write(b"more")

    with pytest.raises(StillBeingWritten):
        settle(
            path,
            settle_seconds=2,
            patience_seconds=10,
            pause=grow,
            clock=lambda: path.stat().st_mtime,
        )


def test_a_file_dated_in_the_future_is_taken_when_it_holds_still(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(b"whole")
    assert _settle(path, clock=path.stat().st_mtime - DAY) == hashlib.sha256(b"whole").hexdigest()


def test_a_file_that_is_gone_is_unreadable_by_name(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match=r"a\.pdf"):
        settle(tmp_path / "a.pdf", settle_seconds=0, patience_seconds=0)


def test_links_hidden_files_and_other_things_are_left_alone(tmp_path: Path) -> None:
    secret = tmp_path / "outside.pdf"
    secret.write_bytes(b"%PDF-")
    folder = tmp_path / "scans"
    (folder / "hộp 1").mkdir(parents=True)
    (folder / "hộp 1" / "a.pdf").write_bytes(b"%PDF-")
    (folder / ".ẩn.pdf").write_bytes(b"%PDF-")
    (folder / "link.pdf").symlink_to(secret)
    (folder / "folder-link").symlink_to(tmp_path, target_is_directory=True)
    os.mkfifo(folder / "pipe.pdf")
    assert [found.name for found in files_of(folder)] == ["hộp 1/a.pdf"]


def test_a_name_matches_its_row_in_either_normal_form_and_either_slash(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "quyết định.pdf")
    (tmp_path / decomposed).write_bytes(b"%PDF-")
    (found,) = files_of(tmp_path)
    assert found.key == comparison_key("quyết định.pdf")
    assert comparison_key("hộp 1\\a.pdf") == comparison_key("hộp 1/a.pdf")


def test_a_name_that_is_no_text_is_kept_in_escapes(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"qu\xff.pdf")).write_bytes(b"%PDF-")
    (found,) = files_of(tmp_path)
    assert found.name == "qu\\udcff.pdf" or found.name.isprintable()
    found.name.encode()


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("a.PDF", b"?", True),
        ("a.tiff", b"", True),
        ("no-suffix", b"%PDF-1.7", True),
        ("no-suffix", b"II*\x00....", True),
        ("ghi-chu.docx", b"PK\x03\x04", False),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0", False),
    ],
)
def test_what_claims_to_be_a_scan_by_name_or_first_bytes(
    tmp_path: Path, name: str, body: bytes, expected: bool
) -> None:
    path = tmp_path / name
    path.write_bytes(body)
    assert looks_like_scan(path) is expected


def test_names_are_shown_without_what_would_steer_a_terminal() -> None:
    assert shown("a\x1b[2Jb\nc") == "a�[2Jb�c"
