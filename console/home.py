"""One installation: its folder, its settings read from the environment, and the things opened from them.

Settings are read here and nowhere else; docs/settings.md lists them. Secrets come from files in the home,
never from a URL.
"""

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from sqlalchemy import Engine, func, insert, select

from archive import events
from archive.codes import SHIPPED, shipped_codes, store_codes, store_units
from archive.database import migrate, open_engine, reading, require_current, writing
from archive.errors import HomeNotReady
from archive.identifiers import new_id
from archive.record import PrincipalId
from archive.sealing import Seal
from archive.signers.demo import make_demo_authority
from archive.signers.open import open_signer
from archive.signers.port import Signer
from archive.stores.open import open_store
from archive.stores.port import ObjectStore
from archive.tables.holdings import fonds
from archive.tables.principals import principal
from archive.tables.units import unit_name
from ingest.desk import Desk
from archive.failpoints import Failpoints
from ingest.settings import IngestSettings
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.reader import Reader
from retention.locks import LockSettings
from retention.schedule import Rule, read_schedule, shipped_schedule

LOCAL_LOGIN = "local"


def utc_now() -> datetime:
    """Return the instant the door hands to everything behind it."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class HomeSettings:
    """Where everything of one installation is. Each field has the environment variable of docs/settings.md."""

    folder: Path
    database_url: str
    store_url: str
    keys_url: str
    rules_folder: Path | None
    ingest: IngestSettings


def _acceptance(value: str) -> Literal["person", "policy"]:
    if value == "policy":
        return "policy"
    if value == "person":
        return "person"
    raise HomeNotReady(f"INGEST_ACCEPTANCE must be person or policy, not {value!r}")


def read_settings(folder: Path, environment: Mapping[str, str]) -> HomeSettings:
    """Return the settings of a home. Raises HomeNotReady naming the setting that is wrong."""
    home = folder.resolve()
    get = environment.get
    rules = get("RETENTION_RULES")
    # A drill needs two settings: one alone, left behind in an environment, arms nothing.
    failpoint = get("SOHOA_FAILPOINT") if get("SOHOA_DRILL") == "kill-me" else None
    try:
        locks = LockSettings(
            candidate_days=int(get("RETENTION_CANDIDATE_DAYS", "90")),
            permanent_days=int(get("RETENTION_PERMANENT_DAYS", "3650")),
            renew_before_days=int(get("RETENTION_RENEW_BEFORE_DAYS", "30")),
        )
        ingest = IngestSettings(
            staging_url=get("INGEST_STAGING_URL", (home / "staging").as_uri()),
            scratch=Path(get("INGEST_SCRATCH", str(home / "scratch"))),
            engine_url=get("OCR_ENGINE_URL", "tesseract:?lang=vie"),
            lease_seconds=float(get("INGEST_LEASE_SECONDS", "60")),
            heartbeat_seconds=float(get("INGEST_HEARTBEAT_SECONDS", "15")),
            settle_seconds=float(get("INGEST_SETTLE_SECONDS", "2")),
            settle_patience_seconds=float(get("INGEST_SETTLE_PATIENCE_SECONDS", "60")),
            acceptance=_acceptance(get("INGEST_ACCEPTANCE", "person")),
            timestamp_url=get("INGEST_TIMESTAMP_URL") or None,
            locks=locks,
            failpoint=failpoint,
        )
    except ValueError as error:
        raise HomeNotReady(f"a setting is not a number: {error}") from error
    return HomeSettings(
        folder=home,
        database_url=get("ARCHIVE_DATABASE_URL", f"sqlite:///{home}/archive.db"),
        store_url=get("ARCHIVE_STORE_URL", (home / "objects").as_uri()),
        keys_url=get("ARCHIVE_KEYS_URL", (home / "keys").as_uri()),
        rules_folder=Path(rules) if rules else None,
        ingest=ingest,
    )


class Home:
    """An opened installation."""

    def __init__(self, settings: HomeSettings) -> None:
        self.settings = settings
        self.engine: Engine = open_engine(settings.database_url)

    @property
    def keys_folder(self) -> Path:
        """Where the sealing keys and, on the embedded default, the signing keys lie."""
        return self.settings.folder / "keys"

    @classmethod
    def create(cls, settings: HomeSettings, *, units: Path | None, now: datetime) -> "Home":
        """Make a home ready, or bring an existing one up to date; safe to repeat."""
        settings.folder.mkdir(parents=True, exist_ok=True)
        home = cls(settings)
        home.keys_folder.mkdir(mode=0o700, exist_ok=True)
        migrate(home.engine)
        sealing = home.keys_folder / "sealing.json"
        if not sealing.exists():
            Seal.create(sealing)
        with writing(home.engine) as connection:
            store_codes(connection, shipped_codes())
            store_units(connection, units or SHIPPED / "units-demo.toml")
        home._make_local_principal(now)
        if settings.keys_url.startswith("file://"):
            home._make_demo_keys(now)
        open_store(settings.store_url)
        open_store(settings.ingest.staging_url)
        return home

    @classmethod
    def open(cls, settings: HomeSettings) -> "Home":
        """Open a home that was initialised. Raises HomeNotReady saying what to do."""
        if settings.database_url.startswith("sqlite:///"):
            database = Path(settings.database_url.removeprefix("sqlite:///"))
            if not database.exists():
                raise HomeNotReady(f"there is no archive in {settings.folder} yet; run `sohoa init`")
        home = cls(settings)
        require_current(home.engine)
        return home

    def _make_local_principal(self, now: datetime) -> None:
        with writing(self.engine) as connection:
            if connection.execute(select(func.count()).select_from(principal)).scalar_one():
                return
            principal_id = PrincipalId(new_id())
            connection.execute(
                insert(principal).values(
                    id=principal_id,
                    kind="administrator",
                    login=LOCAL_LOGIN,
                    display_name="Người quản trị tại chỗ",
                    created_at=now,
                )
            )
            events.append(
                connection,
                "records",
                "principal.added",
                principal=principal_id,
                at=now,
                payload={"principal": principal_id, "kind": "administrator"},
            )

    def _make_demo_keys(self, now: datetime) -> None:
        """Make the demonstration authority and the keys of roles that have none; real keys are left alone."""
        with reading(self.engine) as connection:
            people = connection.execute(select(principal.c.id, principal.c.display_name)).all()
            agencies = connection.execute(
                select(fonds.c.unit_id, unit_name.c.name)
                .join(unit_name, unit_name.c.unit_id == fonds.c.unit_id)
                .where(unit_name.c.valid_until.is_(None))
            ).all()
        folder = Path(unquote(urlsplit(self.settings.keys_url).path))
        authority = make_demo_authority(folder, now=now, agency_name=agencies[0].name)
        for person in people:
            authority.ensure_role(f"digitizer:{person.id}", person.display_name, now=now)
        for agency in agencies:
            authority.ensure_role(f"agency:{agency.unit_id}", agency.name, now=now)

    @property
    def principal(self) -> PrincipalId:
        """Who acts at this command line."""
        with reading(self.engine) as connection:
            found = connection.execute(select(principal.c.id).where(principal.c.login == LOCAL_LOGIN)).scalar_one()
        return PrincipalId(found)

    def store(self) -> ObjectStore:
        """Open the archive store."""
        return open_store(self.settings.store_url)

    def staging(self) -> ObjectStore:
        """Open the staging store."""
        return open_store(self.settings.ingest.staging_url)

    def seal(self) -> Seal:
        """Load the sealing keys."""
        return Seal.load(self.keys_folder / "sealing.json")

    def signer(self) -> Signer:
        """Open the signing keys."""
        return open_signer(self.settings.keys_url)

    def rules(self) -> tuple[Rule, ...]:
        """Load the retention rules: the archivists' own folder when set, the shipped ones otherwise."""
        folder = self.settings.rules_folder
        return read_schedule(sorted(folder.glob("*.toml"))) if folder else shipped_schedule()

    def new_scratch(self) -> Path:
        """Make a scratch folder owned by this process; its name carries the owner, for doctor."""
        root = self.settings.ingest.scratch
        root.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"work-{os.getpid()}-", dir=root))

    def reader(self, scratch: Path) -> Reader:
        """Start a jailed reader over a scratch folder."""
        options = ReadingOptions()
        return Reader(Jail(scratch), self.settings.ingest.engine_url, options)

    def desk(self) -> Desk:
        """Open everything a worker needs."""
        scratch = self.new_scratch()
        return Desk(
            engine=self.engine,
            store=self.store(),
            staging=self.staging(),
            reader=self.reader(scratch),
            signer=self.signer(),
            seal=self.seal(),
            rules=self.rules(),
            settings=self.settings.ingest,
            principal=self.principal,
            scratch=scratch,
            failpoints=Failpoints(self.settings.ingest.failpoint),
            now=utc_now,
        )
