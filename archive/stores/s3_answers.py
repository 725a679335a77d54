"""How S3 servers write instants and documents, and what their refusals mean for whoever runs the archive."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from lxml import etree

from archive.errors import StoreFull, StoreReadOnly, StoreUnavailable
from archive.stores.rules import lock_end
from archive.stores.s3_requests import Answer

XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
NO_SUCH_VERSION = frozenset(
    ("NoSuchKey", "NoSuchVersion", "InvalidVersionId", "InvalidArgument", "MethodNotAllowed", "404", "405", "400")
)
NO_LOCK = frozenset(
    ("NoSuchObjectLockConfiguration", "InvalidRequest", "ObjectLockConfigurationNotFoundError", "404")
)
WRONG_DIGEST = frozenset(
    ("XAmzContentSHA256Mismatch", "BadDigest", "ChecksumMismatch", "XAmzContentChecksumMismatch")
)
FOLDER_TAKEN = frozenset(
    ("XMinioParentIsObject", "XMinioObjectExistsAsDirectory", "ObjectParentIsFile", "ExistingObjectIsDirectory")
)

_MEND = {
    "NoSuchBucket": "it is not there; run `sohoa store prepare`, or mend its name in the store's URL",
    "InvalidAccessKeyId": "the store does not know the access key; mend the access and secret key",
    "SignatureDoesNotMatch": "the secret key is not the access key's; mend the access and secret key",
    "RequestTimeTooSkewed": "the clocks of this host and the store differ too much; set both by one source",
    "AuthorizationHeaderMalformed": "the store is of another region; name it in the store's URL (region=…)",
}
_FULL = frozenset(
    ("XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded", "InsufficientStorage", "507")
)


def trouble(bucket: str, act: str, answer: Answer, *, writing: bool = False) -> StoreUnavailable:
    """Return the error for an answer that nothing else explains. act: what was asked for, in -ing form.

    writing: refused, it says that the bucket may be read and not written.
    """
    if answer.error in _MEND:
        return StoreUnavailable(f"bucket {bucket}: {_MEND[answer.error]}")
    if answer.error in _FULL or answer.status == 507:
        return StoreFull(f"bucket {bucket}: {act} failed, the store is full; give it room", bucket)
    if answer.status in (401, 403):
        told = (
            f"bucket {bucket}: {act} is not allowed with these keys ({answer.error}); use keys with the"
            " rights that `sohoa store prepare` gives"
        )
        return StoreReadOnly(told, bucket) if writing else StoreUnavailable(told, bucket)
    return StoreUnavailable(f"bucket {bucket}: {act} failed: {answer.status} {answer.error}")


def when(text: str) -> datetime:
    """Return an instant as servers write it, whatever its fraction of a second: to the second, rounded up."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    at = datetime.fromisoformat(whole).replace(tzinfo=UTC)
    return lock_end(at.replace(microsecond=1)) if fraction.strip("0") else at


def instant(at: datetime) -> str:
    """Return an instant as servers read it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def server_time(answer: Answer) -> datetime | None:
    """Return the server's time when it answered, if it says."""
    told = answer.headers.get("date")
    return None if told is None else parsedate_to_datetime(told).astimezone(UTC)


def document(name: str, **children: str) -> bytes:
    """Return a flat XML document of S3's namespace."""
    top = etree.Element(name, xmlns=XMLNS)
    for child, value in children.items():
        etree.SubElement(top, child).text = value
    return bytes(etree.tostring(top))
