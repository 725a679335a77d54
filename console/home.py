"""One installation: its folder and the things opened from its settings. Start at `Home.open`."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit

from cryptography import x509
from sqlalchemy import Engine, select

from archive import failpoints
from archive.access.api_keys import caller_by_key
from archive.access.policy import Caller
from archive.access.principals import caller_of
from archive.codes import SHIPPED, shipped_codes, store_codes, store_units
from archive.database import migrate, open_engine, reading, require_current, writing
from archive.errors import HomeNotReady, SigningFailed
from archive.fixity.scrub import Scrub
from archive.identifiers import new_id
from archive.keys import LOG
from archive.log.keeper import LogKeeper
from archive.log.notes import LogKey
from archive.log.outside import open_outside
from archive.record import PrincipalId
from archive.sealing import Seal
from archive.signers.demo import make_demo_authority
from archive.signers.open import open_signer
from archive.signers.port import Signer
from archive.stores.open import open_store
from archive.stores.port import ObjectStore
from archive.tables.holdings import fonds
from archive.tables.log import event
from archive.tables.principals import principal
from archive.tables.units import unit_name
from console.founding import LOCAL_LOGIN, first_key, found_local, local_principal
from console.ringing import open_bell
from console.roots import read_roots
from console.settings import HomeSettings
from console.stores import (
    STAGING,
    archive_store,
    make_replica,
    require_places_apart,
    require_restricted_set,
    restricted_store,
)
from console.watched import WatchedJail, timed
from ingest.desk import Desk
from ocr.options import ReadingOptions
from ocr.reader import Reader
from retention.reconcile import Reconciler
from retention.schedule import Rule, read_schedule, shipped_schedule
from search_api.copies.model import CopyDesk
from search_api.index.open import open_index
from search_api.index.port import RecordIndex
from search_api.services import Services

SEALING_KEYS = "sealing.json"
LOG_KEY = "log.key"  # signs the log's checkpoints; its name is this archive's own


def utc_now() -> datetime:
    """Return the instant the door hands to everything behind it."""
    return datetime.now(UTC)


class Home:
    """An opened installation."""

    def __init__(self, settings: HomeSettings) -> None:
        self.settings = settings
        self.engine: Engine = open_engine(settings.database_url, password=settings.secrets.database_password)

    @property
    def keys_folder(self) -> Path:
        """Where the sealing keys and, on the embedded default, the signing keys lie."""
        return self.settings.keys_folder

    @classmethod
    def create(cls, settings: HomeSettings, *, units: Path | None, now: datetime) -> "Home":
        """Make a home ready, or bring an existing one up to date; safe to repeat.

        Raises StoresNotApart, RestrictedStoreUnset.
        """
        require_places_apart(settings)
        settings.folder.mkdir(parents=True, exist_ok=True)
        home = cls(settings)
        with home._let_go_if_not_ready():
            home.keys_folder.mkdir(mode=0o700, exist_ok=True)
            migrate(home.engine)
            require_restricted_set(home.engine, settings)
            home._require_no_other_history()
            sealing = home.keys_folder / SEALING_KEYS
            if not sealing.exists():
                Seal.create(sealing)
            if not (home.keys_folder / LOG_KEY).exists():
                LogKey.generate(f"sohoa-{new_id()}").write(home.keys_folder / LOG_KEY)
            with writing(home.engine) as connection:
                local = local_principal(connection, now)
                store_codes(connection, shipped_codes())
                store_units(connection, units or SHIPPED / "units-demo.toml", principal=local, at=now)
            found_local(home.engine, at=now)
            settings.roots_folder.mkdir(exist_ok=True)
            if settings.keys_url.startswith("file://"):
                home._make_demo_keys(now)
            home.store()
            if settings.restricted_store_url is not None:
                restricted_store(settings, make=True)
            make_replica(settings)
            home.staging()
        return home

    @classmethod
    def empty(cls, settings: HomeSettings) -> "Home":
        """Open a home whose keys are in their place and whose catalogue is empty or half rebuilt, migrated.

        Raises HomeNotReady, StoresNotApart, RestrictedStoreUnset.
        """
        require_places_apart(settings)
        settings.folder.mkdir(parents=True, exist_ok=True)
        home = cls(settings)
        with home._let_go_if_not_ready():
            for name in (LOG_KEY, SEALING_KEYS):
                if not (home.keys_folder / name).exists():
                    raise HomeNotReady(f"lay the keys back first: there is no {name} in {home.keys_folder}")
            migrate(home.engine)
            with writing(home.engine) as connection:
                store_codes(connection, shipped_codes())
        return home

    @contextmanager
    def _let_go_if_not_ready(self) -> Iterator[None]:
        """Close the catalogue's connections when the home turns out not to be one that can be used."""
        with ExitStack() as refused:
            refused.callback(self.engine.dispose)
            yield
            refused.pop_all()

    def _require_no_other_history(self) -> None:
        """Refuse to begin a second archive over a vault that holds one. Raises HomeNotReady."""
        with reading(self.engine) as connection:
            begun = connection.execute(select(event.c.sequence).limit(1)).first() is not None
        if not begun and next(self.store().list_versions(LOG), None) is not None:
            raise HomeNotReady(
                "the store holds the log of an archive already, and the database is empty: lay its keys back and"
                " run `sohoa rebuild`, or `sohoa restore`; or name another store"
            )

    @staticmethod
    def is_there(settings: HomeSettings) -> bool:
        """Whether an archive was made under these settings; of a database elsewhere it is assumed."""
        path = settings.database_url.removeprefix("sqlite:///")
        return path == settings.database_url or Path(path).exists()

    @classmethod
    def open(cls, settings: HomeSettings) -> "Home":
        """Open a home that was initialised. Raises HomeNotReady saying what to do, StoresNotApart,
        RestrictedStoreUnset."""
        if not cls.is_there(settings):
            raise HomeNotReady(f"there is no archive in {settings.folder} yet; run `sohoa init`")
        require_places_apart(settings)
        home = cls(settings)
        with home._let_go_if_not_ready():
            require_current(home.engine)
            require_restricted_set(home.engine, settings)
        # An archive whose copies are worth something cannot be made to die, whatever its environment says.
        failpoints.arm(settings.failpoint if home._keys_are_demo else None)
        return home

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
            authority.ensure_role(f"copies:{agency.unit_id}", agency.name, now=now)

    @property
    def principal(self) -> PrincipalId:
        """Who acts at this command line."""
        with reading(self.engine) as connection:
            found = connection.execute(select(principal.c.id).where(principal.c.login == LOCAL_LOGIN)).scalar_one()
        return PrincipalId(found)

    def caller(self) -> Caller:
        """Who acts, with the rights of today: the principal of SOHOA_API_KEY, else the local one.

        Raises KeyRefused.
        """
        with reading(self.engine) as connection:
            if self.settings.api_key is not None:
                return caller_by_key(connection, self.seal(), self.settings.api_key, at=utc_now())
            return caller_of(connection, self.principal, at=utc_now())

    def first_key(self, now: datetime) -> str | None:
        """Make the local principal's first API key and return its text, once; None ever after."""
        return first_key(self.engine, self.seal(), at=now)

    def store(self) -> ObjectStore:
        """Open the archive's store, or both behind one port."""
        return archive_store(self.settings)

    def watched_store(self) -> ObjectStore:
        """As `store`, its acts measured by the name of the store they go to."""
        return archive_store(self.settings, watch=timed)

    def staging(self) -> ObjectStore:
        """Open the staging store."""
        return open_store(self.settings.ingest.staging_url, self.settings.secrets.staging, setting=STAGING)

    def seal(self) -> Seal:
        """Load the sealing keys."""
        return Seal.load(self.keys_folder / "sealing.json")

    def log_key(self) -> LogKey:
        """Load the key that signs the log's checkpoints. Raises HomeNotReady."""
        return LogKey.load(self.keys_folder / LOG_KEY)

    def log(self, scratch: Path) -> LogKeeper:
        """Open what keeps the log in the vault. scratch: a folder of this process."""
        return LogKeeper(
            self.engine,
            self.watched_store(),
            self.log_key(),
            locked_days=self.settings.ingest.locks.permanent_days,
            scratch=scratch,
            now=utc_now,
            outside=open_outside(self.settings.log_outside_url, self.engine),
        )

    def scrub(self, scratch: Path) -> Scrub:
        """Open what checks, copies and mends the stored objects. scratch: a folder of this process."""
        return Scrub(
            self.engine,
            self.watched_store(),
            self.settings.fixity,
            principal=self.principal,
            scratch=scratch,
            now=utc_now,
        )

    def reconciler(self) -> Reconciler:
        """Open what compares the locks of rows and stores."""
        locks = self.settings.ingest.locks
        return Reconciler(self.engine, self.watched_store(), locks, principal=self.principal, now=utc_now)

    def signer(self) -> Signer:
        """Open the signing keys."""
        return open_signer(self.settings.keys_url)

    def prepare_signing(self, who: PrincipalId) -> None:
        """Make sure that a principal can sign as digitizer; demonstration keys are made when first needed.

        Raises SigningFailed: real keys are given out by people.
        """
        role = f"digitizer:{who}"
        try:
            self.signer().credential(role)
        except SigningFailed:
            if not self._keys_are_demo:
                raise
            self._make_demo_keys(utc_now())
            self.signer().credential(role)

    @property
    def _keys_are_demo(self) -> bool:
        """Whether the keys' folder holds the demonstration authority's own key."""
        keys = self.settings.keys_url
        return keys.startswith("file://") and (Path(unquote(urlsplit(keys).path)) / "authority").is_dir()

    def rules(self) -> tuple[Rule, ...]:
        """Load the retention rules: the archivists' own folder when set, the shipped ones otherwise."""
        folder = self.settings.rules_folder
        return read_schedule(sorted(folder.glob("*.toml"))) if folder else shipped_schedule()

    def new_scratch(self) -> Path:
        """Make a scratch folder owned by this process; its name carries the owner, for doctor."""
        root = self.settings.ingest.scratch
        root.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"work-{os.getpid()}-", dir=root))

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Lend a scratch folder, and remove it with all that is in it."""
        folder = self.new_scratch()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def reader(self, scratch: Path, options: ReadingOptions | None = None) -> Reader:
        """Start a jailed reader over a scratch folder. options: None for those in use."""
        return Reader(WatchedJail(scratch), self.settings.ingest.engine_url, options or ReadingOptions())

    def desk(self) -> Desk:
        """Open everything a worker needs."""
        scratch = self.new_scratch()
        return Desk(
            engine=self.engine,
            store=self.watched_store(),
            staging=timed(self.staging(), "staging"),
            reader=self.reader(scratch),
            signer=self.signer(),
            seal=self.seal(),
            rules=self.rules(),
            settings=self.settings.ingest,
            principal=self.principal,
            scratch=scratch,
            now=utc_now,
            bell=open_bell(self.settings.ingest),
        )

    def index(self) -> RecordIndex:
        """Open the search index. Raises UnknownUrl, IndexUnavailable."""
        return open_index(self.settings.index_url, self.settings.secrets.index)

    def roots(self) -> tuple[x509.Certificate, ...]:
        """Return the certificates that signatures of this home must lead to."""
        keys = self.settings.keys_url
        folders = [Path(unquote(urlsplit(keys).path))] if keys.startswith("file://") else []
        return read_roots([*folders, self.settings.roots_folder])

    def _copy_desk(self, scratch: Path) -> CopyDesk:
        return CopyDesk(
            engine=self.engine,
            store=self.watched_store(),
            log=self.log(scratch),
            signer=self.signer(),
            seal=self.seal(),
            settings=self.settings.copies,
            scratch=scratch,
            now=utc_now,
        )

    @contextmanager
    def copy_desk(self) -> Iterator[CopyDesk]:
        """Lend what a copy is asked for and issued with; the index is no part of it."""
        with self.scratch() as scratch:
            yield self._copy_desk(scratch)

    @contextmanager
    def services(self) -> Iterator[Services]:
        """Open everything requests are answered from, and let go of it at the end."""
        with self.scratch() as scratch, WatchedJail(scratch) as jail, closing(self.index()) as index:
            desk = self._copy_desk(scratch)
            yield Services(
                engine=self.engine,
                store=desk.store,
                seal=desk.seal,
                index=index,
                copies=desk,
                jail=jail,
                roots=self.roots(),
                scratch=scratch,
                settings=self.settings.api,
                now=utc_now,
            )
