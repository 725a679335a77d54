"""The commands about the object store itself: making its buckets and keys, and proving that its locks hold."""

from dataclasses import asdict
from pathlib import Path

import click

from archive.errors import HomeNotReady
from archive.stores.canary import allowed_defects, prove_locks
from archive.stores.key_files import KeyFiles
from archive.stores.open import open_store
from archive.stores.s3_prepare import Identity, make_buckets, make_identities
from archive.stores.s3_url import read_bucket_url
from console.door import Door, json_option
from console.home import utc_now
from console.words.speak import Language, word


def add_store(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("store"))
    def store() -> None:
        pass

    @store.command("prepare", help=say("store.prepare"))
    @click.option("--keys-folder", type=click.Path(file_okay=False, path_type=Path), help=say("store.keys-folder"))
    @click.option("--buckets-only", is_flag=True, help=say("store.buckets-only"))
    @json_option(language)
    @click.pass_obj
    def prepare(door: Door, keys_folder: Path | None, buckets_only: bool) -> None:
        _prepare(door, keys_folder, buckets_only=buckets_only)

    @store.command("check", help=say("store.check"))
    @click.option("--allow", envvar="ARCHIVE_STORE_ALLOW", default="", help=say("store.allow"))
    @json_option(language)
    @click.pass_obj
    def check(door: Door, allow: str) -> None:
        settings = door.settings()
        allowed = allowed_defects(allow)
        found = prove_locks(open_store(settings.store_url, settings.secrets.store), now=utc_now(), allowed=allowed)
        for defect in found:
            door.terminal.say("say.store-defect", defect=defect)
        door.terminal.say("say.store-proved")
        door.terminal.answer({"proved": True, "allowed_defects": list(found)})


def _prepare(door: Door, keys_folder: Path | None, *, buckets_only: bool) -> None:
    settings = door.settings()
    if not settings.store_url.startswith("s3:"):
        raise click.UsageError(word("store.no-bucket", door.language))
    admin = settings.secrets.store_admin
    if admin is None:
        raise HomeNotReady("set ARCHIVE_STORE_ADMIN_ACCESS_KEY and ARCHIVE_STORE_ADMIN_SECRET_KEY, or their _FILE")
    archive = read_bucket_url("ARCHIVE_STORE_URL", settings.store_url)
    staging_url = settings.ingest.staging_url
    staging = read_bucket_url("INGEST_STAGING_URL", staging_url) if staging_url.startswith("s3:") else None
    files = KeyFiles(keys_folder) if keys_folder is not None else None
    made = make_buckets(archive, staging, admin, now=utc_now())
    identities: tuple[Identity, ...] = ()
    if not buckets_only:
        known = files.read if files is not None else lambda _role: None
        identities = make_identities(archive, staging, admin, known=known)
        for one in identities:
            _hand_over(door, one, files)
    door.terminal.say("say.store-prepared", bucket=archive.bucket)
    buckets = [archive.bucket, *([staging.bucket] if staging else [])]
    door.terminal.answer(
        {
            "buckets": buckets,
            "made": list(made),
            "keys": [_shown(one, to_files=files is not None) for one in identities],
        }
    )


def _hand_over(door: Door, one: Identity, files: KeyFiles | None) -> None:
    """Write keys down where a folder is given, else show them, this once."""
    if one.credentials is None:
        door.terminal.say("say.store-keys-known", role=one.role, key=one.access_key)
    elif files is not None:
        files.write(one.role, one.credentials)
        door.terminal.say("say.store-keys-written", role=one.role, folder=files.folder)
    else:
        door.terminal.text(f"{one.role}_access_key {one.credentials.access_key}")
        door.terminal.text(f"{one.role}_secret_key {one.credentials.secret_key}")


def _shown(one: Identity, *, to_files: bool) -> dict[str, str | None]:
    secret = None if one.credentials is None or to_files else asdict(one.credentials)["secret_key"]
    return {"role": one.role, "access_key": one.access_key, "secret_key": secret}
