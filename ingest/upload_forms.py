"""What a form of scans says, and its files laid out as the folder that intake takes in.

Names come from strangers: a name is used only where it can be a path below the folder, of plain segments, and
never one that intake would pass over in silence (hidden files).
"""

import os
import shutil
import tempfile
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ingest.errors import UploadRefused

NAME_BYTES = 255
DEPTH = 8
TEXT_CHARACTERS = 200

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "string", "format": "binary"},
            "description": "Scans: PDF, TIFF, JPEG, JP2, PNG; the file name may be a path below the folder.",
        },
        "manifest": {"type": "string", "format": "binary", "description": "CSV, as `sohoa intake` reads it."},
        "unit": {"type": "string", "description": "Unit or fonds; default: the caller's only one."},
        "operator": {"type": "string", "description": "Who scanned."},
        "label": {"type": "string", "description": "What people call the batch."},
    },
}
UPLOAD_FORM: dict[str, Any] = {"required": True, "content": {"multipart/form-data": {"schema": _SCHEMA}}}


class UploadedFile(Protocol):
    """One received file of a form: its field, the name the client gave it, where it lies, its digest."""

    @property
    def field(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def sha256(self) -> str: ...


class Upload(Protocol):
    """A received form."""

    @property
    def fields(self) -> dict[str, str]: ...
    @property
    def files(self) -> "tuple[UploadedFile, ...]": ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """A form understood: each scan by its safe name, the manifest, and what was typed."""

    files: tuple[tuple[str, UploadedFile], ...]
    manifest: UploadedFile | None
    unit: str | None
    operator: str | None
    label: str | None

    def said(self) -> dict[str, Any]:
        """Return what the request is known again by."""
        return {
            "files": [[name, file.sha256] for name, file in self.files],
            "manifest": self.manifest.sha256 if self.manifest else None,
            "unit": self.unit,
            "operator": self.operator,
            "label": self.label,
        }


def chosen_of(form: Upload) -> Chosen:
    """Return what a form says. Raises UploadRefused."""
    for name in sorted({file.field for file in form.files} - {"files", "manifest"}):
        raise UploadRefused(f"the form has no file field {name[:60]!r}")
    for name in sorted(form.fields.keys() - {"unit", "operator", "label"}):
        raise UploadRefused(f"the form has no field {name[:60]!r}")
    manifests = [file for file in form.files if file.field == "manifest"]
    files = tuple((safe_name(file.name), file) for file in form.files if file.field == "files")
    if not files or len(manifests) > 1:
        raise UploadRefused("a batch is at least one file under `files`, and at most one `manifest`")
    if len({name for name, _ in files}) < len(files) or _one_in_another({name for name, _ in files}):
        raise UploadRefused("two files have the same name")
    typed = {name: _typed(form.fields.get(name), name) for name in ("unit", "operator", "label")}
    return Chosen(files, manifests[0] if manifests else None, **typed)


def safe_name(name: str) -> str:
    """Return the path below the folder that a client's name means. Raises UploadRefused for any other."""
    path = unicodedata.normalize("NFC", name).replace("\\", "/")
    segments = path.split("/")
    if len(segments) > DEPTH or not all(_is_plain(segment) for segment in segments):
        raise UploadRefused("a file's name must be plain: no empty, hidden or `..` part, no control character")
    return path


def _is_plain(segment: str) -> bool:
    short = len(segment.encode(errors="replace")) <= NAME_BYTES
    return bool(segment.strip()) and short and segment.isprintable() and segment[0] != "."


def _one_in_another(names: set[str]) -> bool:
    return any(str(above) in names for name in names for above in Path(name).parents)


def _typed(value: str | None, name: str) -> str | None:
    if value is None or not value.strip():
        return None
    if len(value) > TEXT_CHARACTERS or not value.isprintable():
        raise UploadRefused(f"`{name}` is one line of at most {TEXT_CHARACTERS} characters")
    return value.strip()


def new_folder(uploads: Path) -> Path:
    """Make a folder for one upload; its name carries the process that owns it."""
    uploads.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix=f"upload-{os.getpid()}-", dir=uploads))


def clear_uploads(uploads: Path) -> int:
    """Remove the uploads of processes that are gone, before this one takes any; return how many."""
    left = [path for path in uploads.glob("upload-*") if not _is_owned(path)]
    for path in left:
        shutil.rmtree(path, ignore_errors=True)
    return len(left)


def _is_owned(path: Path) -> bool:
    owner = path.name.split("-")[1]
    if not owner.isdigit() or int(owner) == os.getpid():
        return False
    try:
        os.kill(int(owner), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@dataclass(frozen=True, slots=True)
class Arranged:
    """An upload as intake takes it: the folder of scans, named as people call the batch, and its manifest."""

    scans: Path
    manifest: Path | None


def arranged(chosen: Chosen, folder: Path) -> Arranged:
    """Move the received files of an upload to their names, below its folder."""
    scans = folder / "batch" / (_folder_name(chosen.label) or folder.name)
    for name, file in chosen.files:
        target = scans / name
        target.parent.mkdir(parents=True, exist_ok=True)
        file.path.rename(target)
    if chosen.manifest is None:
        return Arranged(scans, None)
    return Arranged(scans, chosen.manifest.path.rename(folder / "manifest.csv"))


def _folder_name(label: str | None) -> str:
    return "".join(letter if letter not in "/\\" else "-" for letter in label or "").lstrip(".")[:60]
