"""Makes what an archive needs on an S3 server: a bucket with object lock, one for staging, keys of least right.

Everything may be repeated: what is there and right is left as it is, and keys that were given out stay valid.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import urllib3
from minio import MinioAdmin
from minio.credentials.providers import StaticProvider
from minio.error import MinioAdminException

from archive.errors import StoreUnavailable
from archive.stores.canary_attempts import require_fit_bucket
from archive.stores.port import StoreCredentials
from archive.stores.s3_answers import document, trouble
from archive.stores.s3_requests import ANSWER_SECONDS, CONNECT_SECONDS, Line, line_to, one_act
from archive.stores.s3_rights import Policy, destroyer_policy, writer_policy
from archive.stores.s3_url import BucketUrl

ROLES = ("writer", "destroyer")
_THERE = frozenset(("BucketAlreadyOwnedByYou", "BucketAlreadyExists"))

Known = Callable[
    [str], StoreCredentials | None
]  # the credentials of a role that were given out before, if at hand


@dataclass(frozen=True, slots=True)
class Identity:
    """Keys of one role. credentials: None where they were given out before and only their owner has them."""

    role: str
    access_key: str
    credentials: StoreCredentials | None


def make_buckets(
    archive: BucketUrl, staging: BucketUrl | None, admin: StoreCredentials, *, now: datetime
) -> tuple[str, ...]:
    """Make the buckets that are not there; return the names of those made. Raises StoreUnavailable.

    A bucket that is there without object lock is refused: it cannot be given one later.
    """
    made = [archive.bucket] if _make(archive, admin, locked=archive.locked) else []
    if archive.locked:
        require_fit_bucket(line_to(archive, admin), now)
    if staging is not None and _make(staging, admin, locked=False):
        made.append(staging.bucket)
    return tuple(made)


def _make(where: BucketUrl, admin: StoreCredentials, *, locked: bool) -> bool:
    line = line_to(where, admin)
    headers = {"x-amz-bucket-object-lock-enabled": "true"} if locked else {}
    # The default region must not be named: some servers refuse it.
    body = (
        b""
        if where.region == "us-east-1"
        else document("CreateBucketConfiguration", LocationConstraint=where.region)
    )
    with one_act():
        answer = line.ask("PUT", None, headers=headers, body=body)
    if answer.status != 200 and answer.error not in _THERE:
        raise trouble(where.bucket, "making it", answer)
    if not locked:
        _keep_versions(line)
    return answer.status == 200


def _keep_versions(line: Line) -> None:
    """Without versions two objects that followed each other under a key could not be told apart."""
    with one_act():
        body = document("VersioningConfiguration", Status="Enabled")
        answer = line.ask("PUT", None, {"versioning": ""}, body=body)
    if answer.status != 200:
        raise trouble(line.bucket, "switching its versions on", answer)


def make_identities(
    archive: BucketUrl, staging: BucketUrl | None, admin: StoreCredentials, *, known: Known
) -> tuple[Identity, ...]:
    """Make the users of every role with their rights, through MinIO's own administration. Raises StoreUnavailable.

    known: asked for credentials of a role that were written down before; they are made valid again. A user that is
    there without any keeps its secret.
    """
    if staging is not None and staging.endpoint != archive.endpoint:
        raise StoreUnavailable("packages and staging are on two servers; prepare each with keys of its own")
    client = _administration(archive, admin)
    rights = {
        "writer": writer_policy(archive.bucket, staging.bucket if staging else None),
        "destroyer": destroyer_policy(archive.bucket),
    }
    try:
        return tuple(_make_identity(client, archive.bucket, role, rights[role], known(role)) for role in ROLES)
    except MinioAdminException as error:
        raise StoreUnavailable(
            f"the buckets are there, but {archive.endpoint} lets no keys be made as MinIO does; make them by its"
            " own means, with the rights that docs/storage.md names, and run this with --buckets-only"
        ) from error
    except urllib3.exceptions.HTTPError as error:
        raise StoreUnavailable(f"{archive.endpoint} broke off while keys were made; run this again") from error


def _administration(where: BucketUrl, admin: StoreCredentials) -> MinioAdmin:
    scheme, _, host = where.endpoint.partition("://")
    return MinioAdmin(
        endpoint=host,
        credentials=StaticProvider(admin.access_key, admin.secret_key),
        region=where.region,
        secure=scheme == "https",
        http_client=urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS),
            retries=False,
            ca_certs=where.authority,
        ),
    )


def _make_identity(
    client: MinioAdmin, bucket: str, role: str, rights: Policy, known: StoreCredentials | None
) -> Identity:
    name = f"{bucket}-{role}"
    client.policy_add(name, policy=rights)
    access_key = known.access_key if known else name
    credentials = known
    if known is None and not _is_user(client, access_key):
        credentials = StoreCredentials(access_key, secrets.token_urlsafe(30))
    if credentials is not None:
        client.user_add(credentials.access_key, credentials.secret_key)
    client.policy_set(name, user=access_key)
    return Identity(role, access_key, credentials)


def _is_user(client: MinioAdmin, access_key: str) -> bool:
    try:
        client.user_info(access_key)
    except MinioAdminException as error:
        if error._code == "404":  # the only place where it says so
            return False
        raise
    return True
