"""How a file store tells a damaged object from a whole one, and keeps what is damaged as evidence."""

from contextlib import suppress
from pathlib import Path

from archive.identifiers import new_id
from archive.stores import file_walk
from archive.stores.file_layout import DAMAGED
from archive.stores.filesystem import FileSystem
from archive.stores.port import StoredObject
from archive.stores.rules import at_least


def with_what_is_known(files: FileSystem, root: Path, stored: StoredObject) -> StoredObject:
    """Return the object with the lock and hold that are still known of it here, if they are more."""
    there = file_walk.look_quietly(files, root, stored.key)
    return stored if there is None or there.version_id != stored.version_id else at_least(stored, there)


def put_aside(files: FileSystem, root: Path, key: str) -> None:
    """Move whatever lies under a key to `.damaged/<key>/<a name of its own>`, durably; nothing is no fault."""
    if files.kind(root / key) is None:
        return
    aside = root / DAMAGED / key / new_id()
    for above in reversed([one for one in aside.parents if one.is_relative_to(root / DAMAGED)]):
        with suppress(FileExistsError):
            files.make_folder(above)
        files.sync_folder(above.parent)
    files.rename_folder(root / key, aside)
    files.sync_folder(aside.parent)
