"""The HTTP interface over an archive of tests/holdings.py, and people with keys to it."""

import stack
from cryptography import x509
from fastapi import FastAPI
from holdings import Holdings

from archive.access.api_keys import make_key
from archive.access.policy import Role
from archive.access.principals import add_principal, grant_role
from archive.database import writing
from archive.record import PartyId
from ingest.batch_desk import BatchDesk
from ingest.routes import batch_routes
from ingest.settings import IngestSettings
from ocr.jail.parent import Jail
from ocr.options import ReadingOptions
from ocr.reader import Reader
from search_api.app import create_app
from search_api.copies.model import CopyDesk, CopySettings
from search_api.gate import Gate
from search_api.services import ApiSettings, Services


def make_services(held: Holdings) -> Services:
    """Open everything the interface is served from, over an archive."""
    scratch = held.folder / "scratch"
    scratch.mkdir()
    desk = CopyDesk(
        engine=held.engine,
        store=held.store,
        log=held.log,
        signer=held.signer,
        seal=held.seal,
        settings=CopySettings(public_url="https://kho.example.vn"),
        scratch=scratch,
        now=lambda: held.at,
    )
    jail = Jail(scratch)
    jail.warm("ocr.shown:ready", {})
    root = x509.load_pem_x509_certificate((held.folder / "keys" / "root.pem").read_bytes())
    return Services(
        engine=held.engine,
        store=held.store,
        seal=held.seal,
        index=stack.new_index(held.folder),
        copies=desk,
        jail=jail,
        roots=(root,),
        scratch=scratch,
        settings=ApiSettings(public_per_minute=100_000, key_failures_per_minute=100_000),
        now=lambda: held.at,
    )


def make_app(held: Holdings, services: Services) -> FastAPI:
    """Return the application with its batches."""
    gate = Gate(services)
    desk = BatchDesk(
        engine=held.engine,
        store=held.store,
        staging=stack.new_staging(held.folder),
        seal=held.seal,
        settings=IngestSettings(staging_url=stack.staging_url(held.folder), scratch=services.scratch),
        uploads=held.folder / "uploads",
        new_scratch=lambda: services.scratch,
        new_reader=lambda scratch: Reader(Jail(scratch), f"replay:{held.folder}", ReadingOptions()),
        prepare_signing=lambda _principal: None,
        now=services.now,
    )
    return create_app(services, routers=[batch_routes(desk, gate)], gate=gate)


def key_of(held: Holdings, login: str) -> str:
    with writing(held.engine) as connection:
        return make_key(
            connection,
            held.seal,
            login,
            expires_at=held.at.replace(year=held.at.year + 1),
            by=held.admin,
            at=held.at,
        )


def person(held: Holdings, role: str, units: tuple[str, ...], *, login: str, party: PartyId | None = None) -> str:
    """Add someone with a role over units (none for a holder and for nobody) and return their key."""
    kind = {"client": "client", "holder": "holder", "nobody": "officer", "approver": "officer"}.get(role, role)
    with writing(held.engine) as connection:
        new = add_principal(
            connection, kind=kind, login=login, display_name=login, by=held.admin, at=held.at, party=party
        )
        for unit in units if role not in ("holder", "nobody") else ():
            granted: Role = role  # type: ignore[assignment]  # the rest of ROLES are roles
            grant_role(connection, new, granted, unit, by=held.admin, at=held.at)
    return key_of(held, login)
