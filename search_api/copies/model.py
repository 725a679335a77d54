"""The nouns of copies: kinds, requests, copies, and what issuing needs at hand."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Engine

from archive.log.keeper import LogKeeper
from archive.record import PartyId, PrincipalId, RecordId
from archive.sealing import Seal
from archive.signers.port import Signer
from archive.stores.port import ObjectStore

# The six products of the law and those of the archive are never one "certified copy" [CPY-1]; only the first
# two are issued here, every other is refused by the rule that refuses it.
CopyKind = Literal[
    "office-copy",  # sao y: paper -> electronic
    "original-book-copy",  # bản sao điện tử từ sổ gốc
    "certified-copy",  # chứng thực từ bản chính
    "transcript",  # sao lục
    "extract",  # trích sao
    "archive-copy",  # bản sao lưu trữ có xác thực
    "archive-reading-copy",  # bản sao lưu trữ không xác thực
    "paper-conversion",  # chuyển đổi số -> giấy
]
RequestState = Literal["received", "approved", "refused", "done"]
CopyStatus = Literal["reserved", "issued", "void", "revoked", "superseded"]
Capacity = Literal["holder", "representative", "relative", "agency", "officer"]


@dataclass(frozen=True, slots=True)
class CopySettings:
    """public_url: where the QR leads, `https://…` without a slash at the end, or empty: the serial alone.

    approval_units: units whose copies a second person approves; None: all of them. timestamp_url: RFC 3161
    authority of the signatures; None: B-B.
    """

    public_url: str = ""
    approval_units: frozenset[str] | None = frozenset()
    timestamp_url: str | None = None


@dataclass(frozen=True, slots=True)
class CopyDesk:
    """What requests and issues are done with. log: keeps each in the vault. scratch: a folder of this process."""

    engine: Engine
    store: ObjectStore
    log: LogKeeper
    signer: Signer
    seal: Seal
    settings: CopySettings
    scratch: Path
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class RequestForm:
    """What someone asks: exactly one record, one kind, what for.

    record: id or archive number. requester: the party it is for, if known; requester_name: as given, sealed at
    once. capacity and proof: by what right (CPY-5). target_system, target_dossier: the dossier it goes into.
    """

    record: str
    kind: CopyKind
    purpose: str
    capacity: Capacity
    requester: PartyId | None = None
    requester_name: str | None = None
    proof: str | None = None
    target_system: str | None = None
    target_dossier: str | None = None
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class CopyFacts:
    """A copy as its register has it. agency: its name as printed. number_text: as printed, `01/2026`.

    reserved_at: the time in its mark. sha256: of the whole file, once there is one.
    """

    serial: str
    status: CopyStatus
    reason: str | None
    kind: CopyKind
    record_id: RecordId
    agency: str
    number: int
    number_text: str
    demo: bool
    sha256: str | None
    length: int | None
    reserved_at: datetime
    issued_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """A request with its decision, and its copy once there is one.

    needs_approval: a second person has to decide. refusal_reason: the rule's sentence in Vietnamese, or what the
    person who refused wrote; refusal_reason_en: the rule's sentence in English.
    """

    id: str
    record_id: RecordId
    kind: CopyKind
    state: RequestState
    purpose: str
    capacity: Capacity
    target_system: str | None
    target_dossier: str | None
    requested_by: PrincipalId
    approver: PrincipalId | None
    received_at: datetime
    deadline: datetime
    decided_at: datetime | None
    refusal_rule: str | None
    refusal_reason: str | None
    refusal_citation: str | None
    needs_approval: bool
    copy: CopyFacts | None
    refusal_reason_en: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the request as the command line and the API show it; instants are RFC 3339 UTC."""

        def plain(value: Any) -> Any:
            if isinstance(value, dict):
                return {key: plain(one) for key, one in value.items()}
            return value.isoformat() if hasattr(value, "isoformat") else value

        shown: dict[str, Any] = plain(asdict(self))
        return shown
