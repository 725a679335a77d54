"""What each key of ours may do: the writer all but destroy, the destroyer nothing but destroy what is free."""

from typing import Any

_LOOK = ("GetObject", "GetObjectVersion", "GetObjectRetention", "GetObjectLegalHold")
_LOOK_AT_BUCKET = (
    "ListBucket",
    "ListBucketVersions",
    "ListBucketMultipartUploads",
    "GetBucketLocation",
    "GetBucketVersioning",
    "GetLifecycleConfiguration",
    "GetBucketObjectLockConfiguration",
)
_CHANGE_BUCKET = (
    "PutBucketObjectLockConfiguration",
    "PutBucketVersioning",
    "PutLifecycleConfiguration",
    "PutBucketPolicy",
    "DeleteBucketPolicy",
    "DeleteBucket",
    "ForceDeleteBucket",
)
_DESTROY = ("DeleteObject", "DeleteObjectVersion")
_BYPASS = ("BypassGovernanceRetention",)
KEPT = ("packages", "copies", "log", "restricted")  # first segments of the archive's keys
CANARY_FOLDER = ".canary"

Policy = dict[str, Any]


def writer_policy(bucket: str, staging: str | None) -> Policy:
    """Return the rights of what runs day by day: put, read, lock, hold; in staging also delete.

    Canaries it may try to destroy, for whoever has no right to delete proves nothing about locks.
    """
    kept = [f"{bucket}/{first}/*" for first in KEPT]
    statements = [
        _statement("Allow", [*_LOOK, "PutObject", "PutObjectRetention", "PutObjectLegalHold"], [f"{bucket}/*"]),
        _statement("Allow", _LOOK_AT_BUCKET, [bucket]),
        _statement("Allow", ["AbortMultipartUpload"], [f"{bucket}/*"]),
        _statement("Allow", [*_DESTROY, *_BYPASS], [f"{bucket}/{CANARY_FOLDER}/*"]),
        _statement("Deny", [*_DESTROY, *_BYPASS], kept),
        # MinIO lets a put of retention move any lock that can be bypassed, whoever sends it: so none is made.
        _statement("Deny", ["PutObject", "PutObjectRetention"], kept)
        | {"Condition": {"StringEquals": {"s3:object-lock-mode": "GOVERNANCE"}}},
        _statement("Deny", _CHANGE_BUCKET, [bucket, f"{bucket}/*"]),
    ]
    if staging is not None:
        acts = ["GetObject", "GetObjectVersion", "PutObject", *_DESTROY, "AbortMultipartUpload"]
        statements += [
            _statement("Allow", acts, [f"{staging}/*"]),
            _statement("Allow", _LOOK_AT_BUCKET[:-1], [staging]),
        ]
    return {"Version": "2012-10-17", "Statement": statements}


def destroyer_policy(bucket: str) -> Policy:
    """Return the rights of approved destruction: delete a version by its id when no lock and no hold is on it."""
    statements = [
        _statement("Allow", [*_LOOK, "DeleteObjectVersion"], [f"{bucket}/*"]),
        # MinIO asks for this right too. With a version named: it leaves no delete markers.
        _statement("Allow", ["DeleteObject"], [f"{bucket}/*"])
        | {"Condition": {"StringLike": {"s3:versionid": "?*"}}},
        _statement("Allow", _LOOK_AT_BUCKET, [bucket]),
        _statement("Deny", [*_BYPASS, "PutObject", "PutObjectRetention", "PutObjectLegalHold"], [f"{bucket}/*"]),
        _statement("Deny", _CHANGE_BUCKET, [bucket, f"{bucket}/*"]),
    ]
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(effect: str, acts: list[str] | tuple[str, ...], resources: list[str]) -> Policy:
    return {
        "Effect": effect,
        "Action": [f"s3:{act}" for act in acts],
        "Resource": [f"arn:aws:s3:::{one}" for one in resources],
    }
