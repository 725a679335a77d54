"""Key layouts of the object stores; docs/storage.md explains each. No personal data, no file names."""

from archive.record import RecordId

COPIES = "copies/"  # where every copy's key begins


def package_key(record_id: RecordId, number: int) -> str:
    """Return the key a package of a record is claimed under; the two letters only spread folders."""
    return f"packages/{record_id[:2]}/{record_id}/{number:04d}"


def received_key(batch_id: str, item_id: str) -> str:
    """Return the staging key of a received file."""
    return f"staging/{batch_id}/{item_id}/received"


def archived_file_key(batch_id: str, item_id: str, attempt: str) -> str:
    """Return the staging key of a frozen archived file; a new attempt to freeze has a new name."""
    return f"staging/{batch_id}/{item_id}/archived-{attempt}"


def copy_key(copy_id: str) -> str:
    """Return the key a certified copy is claimed under: by its row's id, never by the serial printed on it."""
    return f"{COPIES}{copy_id[:2]}/{copy_id}"
