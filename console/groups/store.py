"""The commands about the object store itself: making its buckets and keys, and proving that its locks hold."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from archive.errors import HomeNotReady
from archive.stores.canary import allowed_defects, prove_locks
from archive.stores.key_files import KeyFiles
from archive.stores.port import StoreCredentials
from archive.stores.s3_prepare import Identity, make_buckets, make_identities
from archive.stores.s3_url import BucketUrl, read_bucket_url
from console.door import EXIT_WANTING, Door, json_option
from console.fixing import compare_locks
from console.home import utc_now
from console.settings import HomeSettings
from console.stores import OPEN, RESTRICTED, STAGING, archive_store, require_places_apart
from console.words.speak import Language, word


def add(sohoa: click.Group, language: Language) -> None:
    """Add them to the command line."""

    def say(name: str) -> str:
        return word(name, language)

    @sohoa.group(help=say("store"))
    def store() -> None:
        pass

    @store.command("prepare", help=say("store.prepare"))
    @click.option("--keys-folder", type=click.Path(file_okay=False, path_type=Path), help=say("store.keys-folder"))
    @click.option("--buckets-only", is_flag=True, help=say("store.buckets-only"))
    @click.option("--restricted", is_flag=True, help=say("store.restricted"))
    @json_option(language)
    @click.pass_obj
    def prepare(door: Door, keys_folder: Path | None, buckets_only: bool, restricted: bool) -> None:
        _prepare(door, keys_folder, buckets_only=buckets_only, restricted_only=restricted)

    @store.command("locks", help=say("store.locks"))
    @click.option("--clock-is-right", is_flag=True, help=say("store.clock-is-right"))
    @json_option(language)
    @click.pass_context
    def locks(context: click.Context, clock_is_right: bool) -> None:
        door: Door = context.obj
        if not compare_locks(door.home(), door.terminal, clock_is_right=clock_is_right):
            context.exit(EXIT_WANTING)

    @store.command("check", help=say("store.check"))
    @click.option("--allow", envvar="ARCHIVE_STORE_ALLOW", default="", help=say("store.allow"))
    @json_option(language)
    @click.pass_obj
    def check(door: Door, allow: str) -> None:
        found = prove_locks(archive_store(door.settings()), now=utc_now(), allowed=allowed_defects(allow))
        for defect in found:
            door.terminal.say("say.store-defect", defect=defect)
        door.terminal.say("say.store-proved")
        door.terminal.answer({"proved": True, "allowed_defects": list(found)})


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A bucket to prepare, with its staging where that is its own. roles: what stands before its roles' names."""

    bucket: BucketUrl
    staging: BucketUrl | None = None
    roles: str = ""


def _wanted(door: Door, settings: HomeSettings, *, restricted_only: bool) -> list[_Wanted]:
    """Return what the administrator's keys at hand can prepare: one server's buckets.

    A restricted store on a server of its own has an administrator of its own.
    """
    restricted = _bucket(RESTRICTED, settings.restricted_store_url)
    archive = None if restricted_only else _bucket(OPEN, settings.store_url)
    found = [_Wanted(archive, _bucket(STAGING, settings.ingest.staging_url))] if archive is not None else []
    if restricted is not None and archive is not None and restricted.endpoint != archive.endpoint:
        door.terminal.say("say.store-other-server", bucket=restricted.bucket)
    elif restricted is not None:
        found.append(_Wanted(restricted, roles="restricted_"))
    return found


def _bucket(setting: str, url: str | None) -> BucketUrl | None:
    return read_bucket_url(setting, url) if url is not None and url.startswith("s3:") else None


def _prepare(door: Door, keys_folder: Path | None, *, buckets_only: bool, restricted_only: bool) -> None:
    settings = door.settings()
    require_places_apart(settings)
    wanted = _wanted(door, settings, restricted_only=restricted_only)
    if not wanted:
        raise click.UsageError(word("store.no-bucket", door.language))
    admin = settings.secrets.store_admin
    if admin is None:
        raise HomeNotReady("set ARCHIVE_STORE_ADMIN_ACCESS_KEY and ARCHIVE_STORE_ADMIN_SECRET_KEY, or their _FILE")
    files = KeyFiles(keys_folder) if keys_folder is not None else None
    buckets: list[str] = []
    made: list[str] = []
    identities: list[Identity] = []
    for one in wanted:
        made += make_buckets(one.bucket, one.staging, admin, now=utc_now())
        buckets += [one.bucket.bucket, *([one.staging.bucket] if one.staging else [])]
        if not buckets_only:
            identities += _make_keys(door, one, admin, files)
        door.terminal.say("say.store-prepared", bucket=one.bucket.bucket)
    keys = [_shown(one, to_files=files is not None) for one in identities]
    door.terminal.answer({"buckets": buckets, "made": made, "keys": keys})


def _make_keys(door: Door, wanted: _Wanted, admin: StoreCredentials, files: KeyFiles | None) -> list[Identity]:
    def known(role: str) -> StoreCredentials | None:
        return files.read(f"{wanted.roles}{role}") if files is not None else None

    made = make_identities(wanted.bucket, wanted.staging, admin, known=known)
    named = [replace(one, role=f"{wanted.roles}{one.role}") for one in made]
    for one in named:
        _hand_over(door, one, files)
    return named


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
