"""The fixed names of a file store, and how an empty folder becomes one."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from archive.disk_faults import fault_of, store_refuses
from archive.errors import StoreUnavailable
from archive.stores.filesystem import FileSystem, write_file
from archive.stores.temporaries import new_name

OBJECT = "object"  # the stored bytes, in the object's folder
ABOUT = "about.json"  # what is known of them, beside
TEMPORARIES = ".tmp"  # no segment of a key begins with a dot
DAMAGED = ".damaged"  # evidence: damaged objects that were restored, under their keys
LOCK = ".lock"
MARKER = "LAYOUT.txt"  # no key has capitals
FIRST_LINE = b"sohoa object store, layout 1\n"
MARKER_TEXT = (
    FIRST_LINE
    + """
Kho đối tượng: mỗi đối tượng là một thư mục, đường dẫn tính từ đây là khóa của nó.
One object is one folder; its path from here is the object's key.

  object      the stored bytes, unchanged
  about.json  their SHA-256 and length, until when they are locked, whether they are held

`.tmp` holds unfinished work only; `.damaged`, as evidence, what was damaged
and has been restored. A lock binds the program; whoever is root can remove it.
""".encode()
)


@contextmanager
def translated(root: Path, *, writing: bool = False) -> Iterator[None]:
    """Turn what the file system refuses into StoreUnavailable; while writing, into what it says of the disk.

    An error of reading says nothing of the disk as a whole: one bad sector is one damaged object.
    """
    try:
        yield
    except OSError as error:
        told = f"{error.filename or root}: {error.strerror or error}"
        raise store_refuses(fault_of(error) if writing else None, told, str(root)) from error


def prepare(files: FileSystem, root: Path, owner: str) -> None:
    """Make root a store, durably, or find that it is one; safe to repeat and in several processes at once.

    A folder that holds other things is left alone. Raises StoreUnavailable.
    """
    with translated(root, writing=True):
        if files.kind(root / MARKER) is None:
            _make(files, root, owner)
        elif files.kind(root / TEMPORARIES) is None:
            with suppress(FileExistsError):
                files.make_folder(root / TEMPORARIES)
        # Also by who finds the marker: were it lost and an object kept, the folder would be taken for another's.
        files.sync_folder(root)
        with files.open(root / MARKER) as marker:
            if marker.read(len(FIRST_LINE)) != FIRST_LINE:
                raise StoreUnavailable(f"{root}: a store of another layout")


def _make(files: FileSystem, root: Path, owner: str) -> None:
    for folder in reversed([folder for folder in (root, *root.parents) if files.kind(folder) is None]):
        with suppress(FileExistsError):
            # What is stored is personal data; the folders above may belong to others too.
            files.make_folder(folder, mode=0o700 if folder == root else 0o755)
    # Before the marker, and all of them: whoever finds the marker relies on the way to it, and a process that
    # made part of the way may have died. A folder that may not be read was not made by us.
    for folder in root.parents:
        with suppress(PermissionError):
            files.sync_folder(folder)
    strange = set(files.names(root)) - {TEMPORARIES, DAMAGED, LOCK, MARKER}
    if strange and files.kind(root / MARKER) is None:
        raise StoreUnavailable(f"{root}: not an object store, and not empty")
    with suppress(FileExistsError):
        files.make_folder(root / TEMPORARIES)
    temporary = root / TEMPORARIES / new_name(owner)
    write_file(files, temporary, [MARKER_TEXT])
    files.replace_file(temporary, root / MARKER)


def refuse_absent(files: FileSystem, root: Path) -> None:
    """Tell an object that is not there from a disk that is not mounted. Raises StoreUnavailable."""
    if files.kind(root / MARKER) is None:
        raise StoreUnavailable(f"{root}: the store's folder is gone or not mounted")
