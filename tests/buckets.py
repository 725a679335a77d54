"""Buckets of a test's own on the real stores."""

from minio import Minio as Client
from servers.minio import Minio, Versity

from archive.identifiers import new_id
from archive.stores.open import open_store
from archive.stores.port import ObjectStore, StoreCredentials


def client_of(server: Minio | Versity) -> Client:
    """Return a client with a server's root credentials, to look and to break."""
    host = server.endpoint.removeprefix("http://")
    return Client(host, access_key=server.user, secret_key=server.password, secure=False, region="us-east-1")


def bucket_url(server: Minio | Versity, bucket: str, *, lock: str = "compliance") -> str:
    """Return the store URL of a bucket."""
    return f"s3://{bucket}?endpoint={server.endpoint}&lock={lock}"


def new_bucket(server: Minio | Versity, *, lock: str = "compliance") -> ObjectStore:
    """Make an empty bucket and open it as a store."""
    bucket = f"t-{new_id()[:20]}"
    client_of(server).make_bucket(bucket, object_lock=lock == "compliance")
    return open_store(bucket_url(server, bucket, lock=lock), StoreCredentials(server.user, server.password))
