"""The settings of one installation, read from the environment here and nowhere else; docs/settings.md lists them.

Secrets come from files in the home or from settings of their own, never from a URL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from archive.errors import HomeNotReady
from archive.fixity.scrub import FixitySettings
from archive.stores.port import StoreCredentials
from console.observing_settings import ObservingSettings, read_observing
from ingest.disks import MIB, Place, place_of_url
from ingest.settings import IngestSettings
from ocr.errors import QualityRulesInvalid
from ocr.quality.rules import SHIPPED, read_rules
from retention.locks import LockSettings
from search_api.copies.model import CopySettings
from search_api.index.port import IndexCredentials
from search_api.services import ApiSettings

API = ApiSettings()  # where the defaults are written down

Choice = TypeVar("Choice", bound=str)


@dataclass(frozen=True, slots=True)
class Secrets:
    """What production servers ask of us; None where nothing is asked. Never shown."""

    database_password: str | None = field(default=None, repr=False)
    store: StoreCredentials | None = None
    restricted_store: StoreCredentials | None = None
    replica: StoreCredentials | None = None
    restricted_replica: StoreCredentials | None = None
    staging: StoreCredentials | None = None
    store_admin: StoreCredentials | None = None
    index: IndexCredentials | None = None


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """Where everything of one installation is. Each field has the environment variable of docs/settings.md.

    restricted_store_url: where sensitivity levels 3-4 lie apart; None: with the others. replica_url,
    restricted_replica_url: where the second copies lie; None: there are none. store_allow: known defects
    the stores may have. log_outside_url: where the log's checkpoints are told to beyond the vault; None: nowhere.
    api_key: who acts at the command line in place of the local principal. failpoint: where a process of a drill is
    to die; an archive that signs with real keys disregards it.
    """

    folder: Path
    database_url: str
    store_url: str
    keys_url: str
    index_url: str
    rules_folder: Path | None
    ingest: IngestSettings
    copies: CopySettings
    api: ApiSettings
    secrets: Secrets
    observing: ObservingSettings = field(default_factory=ObservingSettings)
    restricted_store_url: str | None = None
    replica_url: str | None = None
    restricted_replica_url: str | None = None
    fixity: FixitySettings = field(default_factory=FixitySettings)
    store_allow: str = ""
    log_outside_url: str | None = None
    api_key: str | None = None
    failpoint: str | None = None

    @property
    def keys_folder(self) -> Path:
        """Where the sealing keys and, on the embedded default, the signing keys lie."""
        return self.folder / "keys"

    @property
    def roots_folder(self) -> Path:
        """Where an operator lays further root certificates, one or more PEM blocks a file."""
        return self.folder / "roots"


def read_settings(folder: Path, environment: Mapping[str, str]) -> HomeSettings:
    """Return the settings of a home. Raises HomeNotReady naming the setting that is wrong."""
    home = folder.resolve()
    get = environment.get
    rules = get("RETENTION_RULES")
    try:
        ingest, api = _ingest(home, environment), _api(environment)
        ingest = replace(ingest, places=_places(home, environment, ingest))
        fixity = FixitySettings(int(get("FIXITY_DAYS", "90")), int(get("FIXITY_BYTES_PER_SECOND", "0")))
    except ValueError as error:
        raise HomeNotReady(f"a setting is not a number: {error}") from error
    return HomeSettings(
        folder=home,
        database_url=get("ARCHIVE_DATABASE_URL", f"sqlite:///{home}/archive.db"),
        store_url=get("ARCHIVE_STORE_URL", (home / "objects").as_uri()),
        keys_url=get("ARCHIVE_KEYS_URL", (home / "keys").as_uri()),
        index_url=get("SEARCH_INDEX_URL", f"sqlite:///{home}/index.db"),
        rules_folder=Path(rules) if rules else None,
        ingest=ingest,
        copies=_copies(environment),
        api=api,
        secrets=_secrets(environment),
        restricted_store_url=get("ARCHIVE_RESTRICTED_STORE_URL") or None,
        replica_url=get("ARCHIVE_REPLICA_URL") or None,
        restricted_replica_url=get("ARCHIVE_RESTRICTED_REPLICA_URL") or None,
        fixity=fixity,
        store_allow=get("ARCHIVE_STORE_ALLOW", ""),
        log_outside_url=get("ARCHIVE_LOG_OUTSIDE_URL") or None,
        observing=read_observing(environment),
        api_key=get("SOHOA_API_KEY") or None,
        # A drill needs two settings: one alone, left behind in an environment, arms nothing.
        failpoint=get("SOHOA_FAILPOINT") if get("SOHOA_DRILL") == "kill-me" else None,
    )


def secret(environment: Mapping[str, str], name: str) -> str | None:
    """Return a secret given in a setting, or in the file that the setting with _FILE names; None without either.

    Raises HomeNotReady if both are set, or the file cannot be read or is empty.
    """
    value, path = environment.get(name) or None, environment.get(f"{name}_FILE")
    if not path:
        return value
    if value is not None:
        raise HomeNotReady(f"{name} and {name}_FILE are both set; keep one")
    try:
        text = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise HomeNotReady(f"{name}_FILE names {path}, which cannot be read: {error}") from error
    if not text:
        raise HomeNotReady(f"{name}_FILE names {path}, which is empty")
    return text


def _pair(environment: Mapping[str, str], first: str, second: str) -> tuple[str, str] | None:
    """Return two settings that only mean something together."""
    one, other = secret(environment, first), secret(environment, second)
    if one is None and other is None:
        return None
    if one is None or other is None:
        missing = first if one is None else second
        raise HomeNotReady(f"{first} and {second} belong together: set {missing} too")
    return one, other


def _secrets(environment: Mapping[str, str]) -> Secrets:
    store = _pair(environment, "ARCHIVE_STORE_ACCESS_KEY", "ARCHIVE_STORE_SECRET_KEY")
    restricted = _pair(environment, "ARCHIVE_RESTRICTED_STORE_ACCESS_KEY", "ARCHIVE_RESTRICTED_STORE_SECRET_KEY")
    replica = _pair(environment, "ARCHIVE_REPLICA_ACCESS_KEY", "ARCHIVE_REPLICA_SECRET_KEY")
    restricted_replica = _pair(
        environment, "ARCHIVE_RESTRICTED_REPLICA_ACCESS_KEY", "ARCHIVE_RESTRICTED_REPLICA_SECRET_KEY"
    )
    staging = _pair(environment, "INGEST_STAGING_ACCESS_KEY", "INGEST_STAGING_SECRET_KEY")
    admin = _pair(environment, "ARCHIVE_STORE_ADMIN_ACCESS_KEY", "ARCHIVE_STORE_ADMIN_SECRET_KEY")
    index = _pair(environment, "SEARCH_INDEX_USER", "SEARCH_INDEX_PASSWORD")
    return Secrets(
        database_password=secret(environment, "ARCHIVE_DATABASE_PASSWORD"),
        store=StoreCredentials(*store) if store else None,
        restricted_store=StoreCredentials(*restricted) if restricted else None,
        replica=StoreCredentials(*replica) if replica else None,
        restricted_replica=StoreCredentials(*restricted_replica) if restricted_replica else None,
        staging=StoreCredentials(*staging) if staging else None,
        store_admin=StoreCredentials(*admin) if admin else None,
        index=IndexCredentials(*index) if index else None,
    )


def _ingest(home: Path, environment: Mapping[str, str]) -> IngestSettings:
    get = environment.get
    locks = LockSettings(
        candidate_days=int(get("RETENTION_CANDIDATE_DAYS", "90")),
        permanent_days=int(get("RETENTION_PERMANENT_DAYS", "3650")),
        renew_before_days=int(get("RETENTION_RENEW_BEFORE_DAYS", "30")),
    )
    return IngestSettings(
        staging_url=get("INGEST_STAGING_URL", (home / "staging").as_uri()),
        scratch=Path(get("INGEST_SCRATCH", str(home / "scratch"))),
        engine_url=get("OCR_ENGINE_URL", "tesseract:?lang=vie"),
        lease_seconds=float(get("INGEST_LEASE_SECONDS", "60")),
        heartbeat_seconds=float(get("INGEST_HEARTBEAT_SECONDS", "15")),
        settle_seconds=float(get("INGEST_SETTLE_SECONDS", "2")),
        settle_patience_seconds=float(get("INGEST_SETTLE_PATIENCE_SECONDS", "60")),
        acceptance=_one_of(environment, "INGEST_ACCEPTANCE", ("person", "policy")),
        doubtful_pages=_one_of(environment, "INGEST_DOUBTFUL_PAGES", ("told", "review")),
        quality_rules=_quality_rules(get("INGEST_QUALITY_RULES", "")),
        sector=get("INGEST_SECTOR") or None,
        timestamp_url=get("INGEST_TIMESTAMP_URL") or None,
        locks=locks,
        broker_url=_broker_url(get("INGEST_BROKER_URL", "")),
        broker_password=secret(environment, "INGEST_BROKER_PASSWORD"),
        sweep_seconds=float(get("INGEST_SWEEP_SECONDS", "5")),
        worker_memory_mb=int(get("INGEST_WORKER_MEMORY_MB", "1024")),
        spread_pages=int(get("INGEST_SPREAD_PAGES", "40")),
        free_floor_bytes=int(get("INGEST_FREE_FLOOR_MB", "256")) * MIB,
    )


def _places(home: Path, environment: Mapping[str, str], ingest: IngestSettings) -> tuple[Place, ...]:
    """Return every place that is written to while batches are taken in and worked."""
    get = environment.get
    restricted = get("ARCHIVE_RESTRICTED_STORE_URL")
    return (
        place_of_url("store", get("ARCHIVE_STORE_URL", (home / "objects").as_uri())),
        *((place_of_url("restricted-store", restricted),) if restricted else ()),
        place_of_url("staging", ingest.staging_url),
        Place("scratch", str(ingest.scratch), ingest.scratch),
        place_of_url("database", get("ARCHIVE_DATABASE_URL", f"sqlite:///{home}/archive.db")),
    )


def _broker_url(value: str) -> str | None:
    """Return the broker's address, None where none is named."""
    url = value.strip()
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        raise HomeNotReady("INGEST_BROKER_URL must be an address such as amqp://user@host:5672/vhost")
    if parts.password is not None:
        raise HomeNotReady("INGEST_BROKER_URL carries a password; give it in INGEST_BROKER_PASSWORD or its _FILE")
    return url


def _one_of(environment: Mapping[str, str], name: str, known: tuple[Choice, ...]) -> Choice:
    """Return a setting that is one of a few words; the first where it is not set."""
    value = environment.get(name, known[0])
    for one in known:
        if value == one:
            return one
    raise HomeNotReady(f"{name} must be {' or '.join(known)}, not {value!r}")


def _quality_rules(value: str) -> Path | None:
    """Return the file of an agency's own rules. Raises HomeNotReady if it can't be used."""
    if not value.strip():
        return None
    try:
        read_rules([SHIPPED, Path(value)])
    except QualityRulesInvalid as error:
        raise HomeNotReady(f"INGEST_QUALITY_RULES: {error}") from error
    return Path(value)


def _copies(environment: Mapping[str, str]) -> CopySettings:
    get = environment.get
    units = get("COPY_APPROVAL_UNITS", "").strip()
    named = frozenset(one.strip() for one in units.split(",") if one.strip())
    return CopySettings(
        public_url=_public_url(get("COPY_PUBLIC_URL", "")),
        approval_units=None if units == "all" else named,
        timestamp_url=get("COPY_TIMESTAMP_URL") or None,
    )


def _public_url(value: str) -> str:
    """Return the address printed on copies, without a slash at its end; empty stays empty."""
    url = value.strip().rstrip("/")
    parts = urlsplit(url)
    if url and (parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment):
        raise HomeNotReady(f"COPY_PUBLIC_URL must be an address such as https://tra-cuu.example.vn, not {value!r}")
    return url


def _api(environment: Mapping[str, str]) -> ApiSettings:
    get = environment.get
    hosts = tuple(one.strip() for one in get("API_TRUSTED_HOSTS", "*").split(",") if one.strip())
    return ApiSettings(
        upload_bytes=int(get("API_UPLOAD_BYTES", str(API.upload_bytes))),
        body_bytes=int(get("API_BODY_BYTES", str(API.body_bytes))),
        verify_bytes=int(get("API_VERIFY_BYTES", str(API.verify_bytes))),
        public_per_minute=int(get("API_PUBLIC_PER_MINUTE", str(API.public_per_minute))),
        key_failures_per_minute=int(get("API_KEY_FAILURES_PER_MINUTE", str(API.key_failures_per_minute))),
        trusted_hosts=hosts or API.trusted_hosts,
    )
