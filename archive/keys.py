"""Key layouts of the object stores; docs/storage.md explains each. No personal data, no file names."""

from archive.record import RecordId

PACKAGES = "packages/"  # where every package's key begins
COPIES = "copies/"  # where every copy's key begins
LOG = "log/"  # where every segment's key begins
RESTRICTED = "restricted/"  # what stands before either where levels 3-4 are kept apart
RESTRICTED_FROM = 3  # sensitivity level: 1 công khai, 2 nội bộ, 3 hạn chế, 4 bí mật [STO-8]


def package_key(record_id: RecordId, number: int, *, apart: bool = False) -> str:
    """Return the key a package of a record is claimed under; the two letters only spread folders.

    apart: it goes into the store of levels 3-4.
    """
    return f"{_first(apart=apart)}{PACKAGES}{record_id[:2]}/{record_id}/{number:04d}"


def received_key(batch_id: str, item_id: str) -> str:
    """Return the staging key of a received file."""
    return f"staging/{batch_id}/{item_id}/received"


def archived_file_key(batch_id: str, item_id: str, attempt: str) -> str:
    """Return the staging key of a frozen archived file; a new attempt to freeze has a new name."""
    return f"staging/{batch_id}/{item_id}/archived-{attempt}"


def copy_key(copy_id: str, *, apart: bool = False) -> str:
    """Return the key a certified copy is claimed under: by its row's id, never by the serial printed on it.

    apart: it goes into the store of levels 3-4.
    """
    return f"{_first(apart=apart)}{COPIES}{copy_id[:2]}/{copy_id}"


def segment_key(stream: str, first: int) -> str:
    """Return the key a segment of the log is claimed under: by its stream and the first event in it.

    So every segment but the first begins where another ends, and no two can tell of the same event.
    """
    return f"{LOG}{stream}/{first:020d}"


def _first(*, apart: bool) -> str:
    return RESTRICTED if apart else ""


def is_restricted(key: str) -> bool:
    """Say whether a key, or the beginning of keys, is of the store of levels 3-4."""
    return key.startswith(RESTRICTED)


def is_copy(key: str) -> bool:
    """Say whether a key is a copy's, in either store."""
    return key.removeprefix(RESTRICTED).startswith(COPIES)


def is_segment(key: str) -> bool:
    """Say whether a key is a segment's of the log."""
    return key.startswith(LOG)
