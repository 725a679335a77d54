"""What can go wrong in the archive: the class is the meaning, `code` its stable slug."""

from datetime import datetime
from pathlib import Path


class ArchiveError(Exception):
    """Root of every error the archive raises on purpose."""

    code = "archive-error"


class KeyTaken(ArchiveError):
    """A put found the key already claimed by an object."""

    code = "key-taken"

    def __init__(self, key: str) -> None:
        super().__init__(f"the key is already claimed by an object: {key}")
        self.key = key


class ObjectNotFound(ArchiveError):
    """No object version has this key and version id."""

    code = "object-not-found"

    def __init__(self, key: str, version_id: str | None = None) -> None:
        super().__init__(f"no object under this key: {key} (version {version_id or 'any'})")
        self.key = key
        self.version_id = version_id


class ObjectLocked(ArchiveError):
    """A version may not be deleted: its retention has not ended or it is held.

    retain_until is None for a held object without a lock.
    """

    code = "object-locked"

    def __init__(self, key: str, retain_until: datetime | None, *, held: bool) -> None:
        why = "it is held" if held or retain_until is None else f"it is locked until {retain_until.isoformat()}"
        super().__init__(f"the object may not be deleted, {why}: {key}")
        self.key = key
        self.retain_until = retain_until
        self.held = held


class RetentionShortened(ArchiveError):
    """A lock was asked to end earlier than it does; locks only ever grow."""

    code = "retention-shortened"

    def __init__(self, key: str, current: datetime, asked: datetime) -> None:
        super().__init__(
            f"the lock of {key} ends {current.isoformat()}; it may not be moved back to {asked.isoformat()}"
        )
        self.key = key
        self.current = current
        self.asked = asked


class DigestMismatch(ArchiveError):
    """Stored or given bytes do not have the digest recorded for them."""

    code = "digest-mismatch"

    def __init__(self, key: str, expected: str, found: str) -> None:
        super().__init__(f"{key}: expected SHA-256 {expected}, found {found}; restore it from a good copy")
        self.key = key
        self.expected = expected
        self.found = found


class InvalidKey(ArchiveError):
    """An object key outside the layouts of docs/storage.md."""

    code = "invalid-key"

    def __init__(self, key: str) -> None:
        super().__init__(f"not an object key of this archive: {key!r}")
        self.key = key


class StoreUnavailable(ArchiveError):
    """The store could not be reached or written; nothing is known to have been stored.

    place: its folder or bucket, where what it refuses is known.
    """

    code = "store-unavailable"

    def __init__(self, reason: str, place: str | None = None) -> None:
        super().__init__(f"the object store cannot be used: {reason}")
        self.reason = reason
        self.place = place


class StoreFull(StoreUnavailable):
    """The store has no room left (or none for us); what is in it can be read."""

    code = "store-full"


class StoreReadOnly(StoreUnavailable):
    """The store may not be written: mounted read-only, or we have no right to; what is in it can be read."""

    code = "store-read-only"


class StoreDiskFault(StoreUnavailable):
    """The store's disk fails while it is written."""

    code = "store-io-error"


class ObjectDamaged(StoreUnavailable):
    """The store is there and this object of it is not whole: cut short, unreadable, or what is known of it is."""

    code = "object-damaged"

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}; restore it from a good copy")
        self.key = key


class ObjectWhole(ArchiveError):
    """A version that was to be restored is whole: what is good is never replaced."""

    code = "object-whole"

    def __init__(self, key: str, version_id: str) -> None:
        super().__init__(f"{key} (version {version_id}) is whole; there is nothing to restore")
        self.key = key
        self.version_id = version_id


class RestrictedStoreUnset(StoreUnavailable):
    """An object of sensitivity level 3 or 4 lies in a store that the settings do not name any more."""

    code = "restricted-store-unset"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"{key} is in the store of sensitivity levels 3-4, which no setting names:"
            " set ARCHIVE_RESTRICTED_STORE_URL as it was"
        )
        self.key = key


class StoresNotApart(ArchiveError):
    """Two settings name stores that must be apart, and are one place or one inside the other."""

    code = "stores-not-apart"

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second} name one place, or one inside the other; they must be apart")
        self.first = first
        self.second = second


class StoreLies(ArchiveError):
    """The store says one thing and does another: nothing may rely on it. defect: a slug, which names what."""

    code = "store-lies"

    def __init__(self, defect: str, told: str) -> None:
        super().__init__(f"{told} ({defect})")
        self.defect = defect


class ObjectTooLarge(ArchiveError):
    """More bytes than the store takes in one put, which alone has a digest of the whole."""

    code = "object-too-large"

    def __init__(self, key: str, length: int, limit: int) -> None:
        super().__init__(f"{key} has {length} bytes; the store takes at most {limit} in one put")
        self.key, self.length, self.limit = key, length, limit


class UnknownUrl(ArchiveError):
    """A setting names an adapter that does not exist."""

    code = "unknown-url"

    def __init__(self, setting: str, url: str) -> None:
        super().__init__(f"{setting}: no adapter answers to {url!r}")
        self.setting = setting
        self.url = url


class PackageInvalid(ArchiveError):
    """A package does not read back as docs/storage.md says: a member is missing, surplus or changed."""

    code = "package-invalid"

    def __init__(self, reason: str) -> None:
        super().__init__(f"the package does not match its own METS: {reason}")
        self.reason = reason


class PackageTooLarge(ArchiveError):
    """A package would pass a limit a store or a reader has; the record has to be split into parts."""

    code = "package-too-large"

    def __init__(self, what: str, found: int, limit: int) -> None:
        super().__init__(f"the package would have {found} {what}, the limit is {limit}; split the record")
        self.what = what
        self.found = found
        self.limit = limit


class EventTooLarge(ArchiveError):
    """An event's canonical bytes exceed 65,535; long lists belong in the package."""

    code = "event-too-large"

    def __init__(self, kind: str, size: int) -> None:
        super().__init__(f"event {kind} has {size} bytes, the limit is 65,535")
        self.kind = kind
        self.size = size


class SigningFailed(ArchiveError):
    """No signature could be made; the file is not released."""

    code = "signing-failed"

    def __init__(self, role: str, reason: str) -> None:
        super().__init__(f"signing as {role} failed: {reason}")
        self.role = role
        self.reason = reason


class NotFound(ArchiveError):
    """The catalogue has nothing by this name, or the caller may not know of it."""

    code = "not-found"

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"no {what} named {name}")
        self.what = what
        self.name = name


class PurposeNeeded(ArchiveError):
    """A record under conditional access was asked for without saying what for."""

    code = "purpose-needed"

    def __init__(self) -> None:
        super().__init__("this record is under conditional access: say for what purpose it is needed")


class KeyRefused(ArchiveError):
    """An API key is unknown, expired or revoked; which of them is not said."""

    code = "key-refused"

    def __init__(self) -> None:
        super().__init__("the API key is not valid")


class ActForbidden(ArchiveError):
    """The caller may do this act nowhere; said without looking at any record."""

    code = "act-forbidden"

    def __init__(self, act: str) -> None:
        super().__init__(f"the caller has no right to {act}")
        self.act = act


class PrincipalRefused(ArchiveError):
    """A principal, a grant or a key cannot be made as asked."""

    code = "principal-refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(ArchiveError):
    """An act a rule forbids, with the rule's slug."""

    code = "refused"

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule = rule
        self.reason = reason


class CatalogueBusy(ArchiveError):
    """The catalogue did not answer: locked for too long, restarted, out of reach, or too many ask at once."""

    code = "catalogue-busy"
    retry_after = 2

    def __init__(self, reason: str) -> None:
        super().__init__(f"the catalogue does not answer; try again: {reason}")
        self.reason = reason


class CatalogueFull(CatalogueBusy):
    """The catalogue's disk has no room left; it can be read."""

    code = "catalogue-full"
    retry_after = 30


class CatalogueReadOnly(CatalogueBusy):
    """The catalogue can be read and not written: its disk is read-only, or its server stands by for another."""

    code = "catalogue-read-only"
    retry_after = 30


class CatalogueDiskFault(CatalogueBusy):
    """The catalogue's disk fails."""

    code = "catalogue-io-error"
    retry_after = 30


class HomeNotReady(ArchiveError):
    """The home folder has no archive yet, or one of another version."""

    code = "home-not-ready"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class LogKeyRefused(HomeNotReady):
    """The key that signs the log's checkpoints is missing, damaged, or open to others than its owner."""

    code = "log-key-refused"

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"the log's key cannot be used, {path}: {reason}")
        self.path = path


class LogBroken(ArchiveError):
    """The log does not agree with itself, its checkpoints or the vault. link: the first place that does not."""

    code = "log-broken"

    def __init__(self, link: str, reason: str) -> None:
        super().__init__(f"the log is broken at {link}: {reason}")
        self.link = link
        self.reason = reason


class LogForked(LogBroken):
    """The vault, or an outside place, has another log than this catalogue: one of them was put back in time, or
    belongs to another installation. Nothing is written over either."""

    code = "log-forked"


class LogNotSecured(StoreUnavailable):
    """An act stands in the catalogue and is not in the vault yet; it gets there when the store is back."""

    code = "log-not-secured"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.args = (f"it is written down here, but not yet kept in the vault; ask again in a while: {reason}",)


class BackupInvalid(ArchiveError):
    """A backup, or what it is to be restored into, does not fit. part: what of it."""

    code = "backup-invalid"

    def __init__(self, part: str, reason: str) -> None:
        super().__init__(f"the backup does not fit at {part}: {reason}")
        self.part = part
        self.reason = reason
