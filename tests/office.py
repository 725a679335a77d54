"""An office that is served over real HTTP: records in every state that matters, people in every role, keys."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx2 as httpx
import scans
import stack
import uvicorn
from cryptography import x509
from fastapi import FastAPI
from holdings import Holdings

from archive.access.api_keys import make_key
from archive.access.principals import add_principal, grant_role
from archive.database import writing
from archive.record import Description, RecordId
from ingest.batch_desk import BatchDesk
from ingest.routes import batch_routes
from ingest.settings import IngestSettings
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.reader import Reader
from search_api.app import create_app
from search_api.copies.model import CopyDesk, CopySettings
from search_api.gate import Gate
from search_api.index.projector import Projector
from search_api.services import ApiSettings, Services

API = "/api/v1"
OPEN = Description(subject="Cấp phép", access_mode="01", source_form="paper", source_status="authentic")
CONDITIONAL = replace(OPEN, access_mode="02", subject="Hồ sơ có điều kiện")
UNKNOWN_SOURCE = replace(OPEN, source_form="unknown", source_status="unknown", subject="Không rõ nguồn")
NUMBER = "001099012345"
PEOPLE = {
    "staff": ("staff", "so-a"),
    "officer": ("officer", "so-a"),
    "approver": ("approver", "so-a"),
    "auditor": ("auditor", "so-a"),
    "client": ("client", "so-a"),
    "stranger": ("officer", "so-b"),
}


@dataclass
class Office:
    """What is served, and who may ask. now: the instant of everything that happens through it."""

    folder: Path
    now: datetime
    keys: dict[str, str] = field(default_factory=dict)
    records: dict[str, RecordId] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holdings = Holdings(self.folder / "home", self.now)
        self.scratch = self.folder / "scratch"
        self.scratch.mkdir()
        self.jail = Jail(self.scratch)
        self.index = stack.new_index(self.folder)
        self._admit()

    def _admit(self) -> None:
        held = self.holdings
        with writing(held.engine) as connection:
            for root in ("so-a", "so-b"):
                grant_role(connection, held.admin, "administrator", root, by=held.admin, at=self.now)
        self.keys["administrator"] = self.key("local")
        for login, (role, unit) in PEOPLE.items():
            held.principal(role, unit, login=login, kind="client" if role == "client" else "officer")
            self.keys[login] = self.key(login)
        with writing(held.engine) as connection:
            add_principal(connection, kind="officer", login="nobody", display_name="x", by=held.admin, at=self.now)
        self.keys["nobody"] = self.key("nobody")

    def key(self, login: str, **limits: Any) -> str:
        """Make a key for someone."""
        with writing(self.holdings.engine) as connection:
            return make_key(
                connection,
                self.holdings.seal,
                login,
                **{
                    "expires_at": self.now + timedelta(days=30),
                    "by": self.holdings.admin,
                    "at": self.now,
                    **limits,
                },
            )

    def bearer(self, login: str) -> dict[str, str]:
        """Return the header of someone's key."""
        return {"Authorization": f"Bearer {self.keys[login]}"}

    def fill(self) -> None:
        """Deposit a record of each sort and bring the index up to date."""
        deposit = self.holdings.deposit
        self.records["open"] = deposit(description=OPEN, pages=[scans.LINES, ("Số định danh 001 099 012 345",)])
        self.records["conditional"] = deposit(description=CONDITIONAL)
        self.records["candidate"] = deposit(state="candidate", description=OPEN)
        self.records["other"] = deposit(unit_id="so-b", description=OPEN)
        self.records["destroyed"] = deposit(state="destroyed", description=OPEN)
        self.records["unknown-source"] = deposit(description=UNKNOWN_SOURCE)
        self.catch_up()

    def catch_up(self) -> None:
        """Bring the index up to date."""
        held = self.holdings
        Projector(held.engine, held.store, held.seal, self.index).catch_up()

    @cached_property
    def services(self) -> Services:
        """What requests are answered from."""
        held = self.holdings
        desk = CopyDesk(
            engine=held.engine,
            store=held.store,
            log=held.log,
            signer=held.signer,
            seal=held.seal,
            settings=CopySettings(approval_units=frozenset(("so-b",))),
            scratch=self.scratch,
            now=lambda: self.now,
        )
        root = x509.load_pem_x509_certificate((held.folder / "keys" / "root.pem").read_bytes())
        return Services(
            engine=held.engine,
            store=held.store,
            seal=held.seal,
            index=self.index,
            copies=desk,
            jail=self.jail,
            roots=(root,),
            scratch=self.scratch,
            settings=ApiSettings(public_per_minute=100_000, key_failures_per_minute=100_000),
            now=lambda: self.now,
        )

    def app(self, *, recordings: Path | None = None, **settings: Any) -> FastAPI:
        """Return the application, batches with it; settings change those of the interface."""
        services = replace(self.services, settings=replace(self.services.settings, **settings))
        gate = Gate(services)
        return create_app(services, routers=[batch_routes(self.batch_desk(recordings), gate)], gate=gate)

    def batch_desk(self, recordings: Path | None) -> BatchDesk:
        """Return what batches are taken in with; recordings: what the replay engine reads."""
        held = self.holdings

        def scratch() -> Path:
            made = self.folder / "scratch-of-intake"
            made.mkdir(exist_ok=True)
            return made

        return BatchDesk(
            engine=held.engine,
            store=held.store,
            staging=stack.new_staging(self.folder),
            seal=held.seal,
            settings=IngestSettings(staging_url=stack.staging_url(self.folder), scratch=self.scratch),
            uploads=self.folder / "uploads",
            new_scratch=scratch,
            new_reader=lambda made: Reader(Jail(made), f"replay:{recordings or self.folder}", ReadingOptions()),
            prepare_signing=lambda _principal: None,
            now=lambda: self.now,
        )

    def close(self) -> None:
        """Let go of everything."""
        self.jail.close()
        self.index.close()
        self.holdings.engine.dispose()


@contextmanager
def served(app: FastAPI) -> Iterator[httpx.Client]:
    """Serve an application on a port of loopback; yield a client of it."""
    listening = socket.create_server(("127.0.0.1", 0))
    # Else every answer waits 40 ms for an acknowledgement: asyncio sets it on sockets made with a protocol only.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, proxy_headers=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
