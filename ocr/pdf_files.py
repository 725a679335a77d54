"""Opens PDFs and reads what they say of themselves: when and by what they were made, who signed which field."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pikepdf

from ocr import pdf_pages
from ocr.errors import PasswordNeeded, Truncated
from ocr.options import ReadingOptions
from ocr.page import FileProbe

TAIL_BYTES = 4096


def open_pdf(path: Path) -> pikepdf.Pdf:
    """Open a PDF without a password; one whose structure had to be rebuilt only if its end is there.

    Raises PasswordNeeded or Truncated.
    """
    try:
        return pikepdf.open(path, attempt_recovery=False, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise PasswordNeeded("the PDF opens only with its user's password; save it without one") from error
    except pikepdf.PdfError:
        # Wrong offsets in a whole file: mail gateways do this. A missing end is another thing.
        if not _has_end(path):
            raise Truncated("the PDF ends before its content does; transfer or scan it again") from None
    try:
        return pikepdf.open(path, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise PasswordNeeded("the PDF opens only with its user's password; save it without one") from error
    except pikepdf.PdfError as error:
        raise Truncated(f"the PDF's structure is broken beyond repair: {error}") from error


def _has_end(path: Path) -> bool:
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - TAIL_BYTES))
        return b"%%EOF" in stream.read()


def probe_pdf(pdf: pikepdf.Pdf, options: ReadingOptions) -> FileProbe:
    """Return what an open PDF holds, page by page. Raises Truncated, TooManyPages or TooManyPixels."""
    try:
        return _probed(pdf, options)
    except pikepdf.PdfError as error:
        raise Truncated(f"the PDF's structure is broken: {error}") from error


def _probed(pdf: pikepdf.Pdf, options: ReadingOptions) -> FileProbe:
    pages = pdf_pages.pages_of(pdf, options)
    captures = tuple(pdf_pages.probe_page(page, n, options) for n, page in enumerate(pages))
    stated: Any = pdf.trailer.get("/Info")
    info: Any = stated if isinstance(stated, pikepdf.Dictionary) else {}
    device = " / ".join(
        text for key in ("/Creator", "/Producer") if (text := str(info.get(key, "")).replace("\0", "").strip())
    )
    return FileProbe(
        "application/pdf",
        captures,
        _pdf_moment(str(info.get("/CreationDate", ""))) or _xmp_moment(pdf),
        device[:200] or None,
        pdf.is_encrypted,
        _signed_fields(pdf),
    )


def _pdf_moment(stated: str) -> str | None:
    """Return a PDF date as ISO 8601, with its offset when stated; None when unusable."""
    found = re.match(
        r"(?:D:)?(\d{4})(\d\d)(\d\d)(\d\d)?(\d\d)?(\d\d)?(?:(Z)|([+-]\d\d)'?(\d\d)?)?", stated.strip()
    )
    if found is None:
        return None
    year, month, day, hour, minute, second, zulu, hours, minutes = found.groups()
    offset = "+00:00" if zulu else f"{hours}:{minutes or '00'}" if hours else ""
    written = f"{year}-{month}-{day}T{hour or '00'}:{minute or '00'}:{second or '00'}{offset}"
    try:
        return datetime.fromisoformat(written).isoformat()
    except ValueError:
        return None


def _xmp_moment(pdf: pikepdf.Pdf) -> str | None:
    metadata = pdf.Root.get("/Metadata")
    if not isinstance(metadata, pikepdf.Stream):
        return None
    try:
        found = re.search(rb"xmp:CreateDate(?:>|=\")([0-9T:+\-.Z]{10,35})", metadata.read_bytes())
        return datetime.fromisoformat(found[1].decode()).isoformat() if found else None
    except (pikepdf.PdfError, pikepdf.DependencyError, ValueError):
        return None


def _signed_fields(pdf: pikepdf.Pdf) -> tuple[str, ...]:
    """Return the full names of signature fields that hold a signature, in the form's order."""
    form = pdf.Root.get("/AcroForm")
    waiting: list[tuple[Any, str, Any, int]] = []
    if isinstance(form, pikepdf.Dictionary) and isinstance(form.get("/Fields"), pikepdf.Array):
        waiting = [(field, "", None, 0) for field in reversed(list(form.Fields))]
    names: list[str] = []
    for _ in range(10_000):
        if not waiting:
            break
        field, above, inherited, depth = waiting.pop()
        if not isinstance(field, pikepdf.Dictionary) or depth > 16:
            continue
        own = str(field.get("/T", ""))
        name = ".".join(part for part in (above, own) if part)
        kind = field.get("/FT", inherited)
        kids = field.get("/Kids")
        if kind == "/Sig" and isinstance(field.get("/V"), pikepdf.Dictionary):
            names.append(name)
        elif isinstance(kids, pikepdf.Array):
            waiting += [(kid, name, kind, depth + 1) for kid in reversed(list(kids))]
    return tuple(names)
