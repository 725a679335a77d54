"""The shapes of copies, requests for them, reuse and verification."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from search_api.copies.model import Capacity, CopyKind, RequestState
from search_api.schemas import PRINTABLE, Body, Instant, Line, Short, Shown


class CopyForm(Body):
    """What someone asks: one record, one kind, what for. requester_name, proof: sealed at once."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "dependentRequired": {"target_system": ["target_dossier"], "target_dossier": ["target_system"]}
        },
    )

    record: Annotated[str, StringConstraints(min_length=1, max_length=140, pattern=PRINTABLE)]
    kind: CopyKind = "office-copy"
    purpose: Line
    capacity: Capacity = "agency"
    requester: Short | None = Field(None, description="Party the copy is for.")
    requester_name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)] | None = (
        None
    )
    proof: Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=PRINTABLE)] | None = None
    target_system: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PRINTABLE)] | None = None
    target_dossier: Short | None = Field(None, description="Code of the dossier, in its system.")
    valid_until: date | None = None


class CopyShown(Shown):
    """A copy as its register has it."""

    serial: str
    status: str
    reason: str | None
    kind: str
    record_id: str
    agency: str
    number: int
    number_text: str
    demo: bool
    sha256: str | None
    length: int | None
    reserved_at: Instant
    issued_at: Instant | None
    ended_at: Instant | None


class RequestShown(Shown):
    """A request with its decision, and its copy once there is one."""

    id: str
    record_id: str
    kind: str
    state: RequestState
    purpose: str
    refusal_rule: str | None
    refusal_reason: str | None
    refusal_citation: str | None
    needs_approval: bool
    received_at: Instant
    deadline: Instant
    decided_at: Instant | None
    copy_: CopyShown | None = Field(alias="copy")


class RequestsShown(Shown):
    """A page of requests, newest first."""

    requests: list[RequestShown]
    next_cursor: str | None


class ReasonForm(Body):
    """Why: told to who asked, and kept."""

    reason: Line


class ResultForm(Body):
    """Is there a result of this procedure for this holder, for the dossier named."""

    procedure_code: Short
    holder_scheme: Literal["cccd", "cmnd", "tax-code", "branch-code", "passport", "other"]
    holder_value: Short
    purpose: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]
    target_system: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=PRINTABLE)]
    target_dossier: Short


class ResultsShown(Shown):
    """found, with immutable references; or none, whatever the reason."""

    answer: Literal["found", "none"]
    results: list[dict[str, Any]]


class VerdictShown(Shown):
    """One of the three answers. reason: a slug; sentence: what people read."""

    verdict: Literal["valid", "invalid", "unchecked"]
    reason: str
    sentence: str


class ReportShown(Shown):
    """Three verdicts on a file, each on its own, and what the register says of the copy; nothing personal."""

    integrity: VerdictShown
    status: VerdictShown
    issuer: VerdictShown
    sha256: str | None
    copy_: dict[str, Any] | None = Field(alias="copy")
    signed_at: str | None
    subject: str | None
