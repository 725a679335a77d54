"""What the routes and pages are served from: opened once at a door and passed on as one value."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from sqlalchemy import Engine

from archive.sealing import Seal
from archive.stores.port import ObjectStore
from ocr.jail.parent import Jail
from search_api.copies.model import CopyDesk
from search_api.index.port import RecordIndex


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """Limits of the HTTP interface. upload_bytes: largest body taken; the rates are per minute and caller
    (address where there is no key)."""

    upload_bytes: int = 2 * 1024**3
    body_bytes: int = 64 * 1024
    verify_bytes: int = 128 * 1024**2
    public_per_minute: int = 60
    key_failures_per_minute: int = 30
    trusted_hosts: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True)
class Services:
    """Everything a request may need. roots: certificates that copies and archived files must lead to."""

    engine: Engine
    store: ObjectStore
    seal: Seal
    index: RecordIndex
    copies: CopyDesk
    jail: Jail
    roots: tuple[x509.Certificate, ...]
    scratch: Path
    settings: ApiSettings
    now: Callable[[], datetime]
