"""The shapes of what is asked and answered; unknown fields and control characters are refused."""

from datetime import date
from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from archive.access.policy import Act, Role
from archive.effects import EffectKind

# Something visible, and no control character, hard space or soft hyphen: PostgreSQL takes no NUL, and what is
# printed or logged must read as it is.
PRINTABLE = r"^[^\x00-\x1f\x7f-\xa0\xad]*[^\s\x00-\x1f\x7f-\xa0\xad][^\x00-\x1f\x7f-\xa0\xad]*$"
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PRINTABLE)]
Short = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=PRINTABLE)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Instant = Annotated[str, Field(examples=["2026-11-24T03:04:05.000000Z"], description="RFC 3339, UTC")]

RecordName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=140,
        pattern=PRINTABLE,
        description="Record id or archive number.",
        examples=["aqsrzpnqx3gmvqzzbhwqpd5vwe"],
    ),
]
Name = Annotated[str, Path(min_length=1, max_length=64, pattern=PRINTABLE)]
Purpose = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=200,
        pattern=PRINTABLE,
        description="What it is needed for; without it, records under conditional access are refused.",
        examples=["giải quyết hồ sơ cấp đổi"],
    ),
]
Cursor = Annotated[
    str | None,
    Query(
        min_length=1,
        max_length=1000,
        pattern=r"^[!-~]+$",
        description="`next_cursor` of the page before; opaque.",
    ),
]
Limit = Annotated[int, Query(ge=1, le=200, description="How many at most.")]


class Body(BaseModel):
    """What a client sends: nothing but the fields named."""

    model_config = ConfigDict(extra="forbid", strict=False)


class Shown(BaseModel):
    """What is answered; fields may be added in later versions."""

    model_config = ConfigDict(extra="allow")


class RecordShown(Shown):
    """A record as its catalogue describes it."""

    record: str
    archive_number: str
    state: str
    package: int
    sha256: str = Field(description="SHA-256 of the current package")
    access_mode: str
    held: bool
    subject: str | None = None
    code_number: str | None = None
    code_notation: str | None = None
    issued_on: date | None = None
    archival_file: dict[str, Any]
    packages: list[dict[str, Any]]
    parties: list[dict[str, Any]]
    effects: list[dict[str, Any]]


class HitShown(Shown):
    """One page that matches. page: from 1; null: the described fields. boxes: x, y, width, height in pixels of the
    page image as stored. snippet: each hit word in «…»."""

    record: str
    archive_number: str
    page: int | None
    boxes: list[tuple[int, int, int, int]]
    snippet: str
    score: float


class CompletenessShown(Shown):
    """indexed_to: the next event that is not in the index yet; behind: how many there are. from_catalogue: the
    index cannot be used for now; only described fields are searched, the newest records first, all on one page."""

    indexed_to: int
    behind: int
    rebuilding: bool
    from_catalogue: bool


class SearchShown(Shown):
    """total: pages that match; where more match than are ranked it is a bound, and ranking_capped is true."""

    total: int
    total_is_exact: bool
    ranking_capped: bool
    hits: list[HitShown]
    next_cursor: str | None
    completeness: CompletenessShown


class WordShown(Shown):
    """One word. box: x, y, width, height in pixels of the page image as stored; masked: its text is hidden."""

    text: str
    confidence: float
    box: tuple[int, int, int, int]
    masked: bool = False


class PageTextShown(Shown):
    """The accepted reading of one page. quarter_turns: clockwise, until the stored image stands upright."""

    record: str
    page: int
    state: str
    failure: str | None
    width_px: int
    height_px: int
    dpi: float
    quarter_turns: int
    text: str
    words: list[WordShown]


class EffectForm(Body):
    """A change of a record's legal effect."""

    kind: EffectKind = Field(examples=["revoked"])
    on: date = Field(description="The first day it holds.")
    basis: Line = Field(description="The decision it rests on.", examples=["QĐ 12/QĐ-UBND ngày 01/11/2026"])
    part: Line | None = Field(None, description="Which part; none: the whole.")
    linked: Short | None = Field(None, description="Id of the record that replaces or amends it.")


class EffectShown(Shown):
    """A recorded effect."""

    effect: str
    record: str


class EventShown(Shown):
    """One event. body: its canonical bytes (RFC 8785) as text; leaf_hash: hex of SHA-256(0x00 || body)."""

    sequence: int
    body: str
    leaf_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class EventsShown(Shown):
    """A stretch of a stream; next_cursor leads on even when nothing is there yet."""

    stream: str
    events: list[EventShown]
    next_cursor: str


class GrantForm(Body):
    """A role over a unit's sub-tree."""

    role: Role
    unit: Short
    purpose: Short | None = None
    valid_until: date | None = None


class PrincipalForm(Body):
    """Someone, or a system, who may be given keys."""

    kind: Slug = Field(examples=["officer"])
    login: Slug = Field(examples=["can-bo-1"])
    display_name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=PRINTABLE)]
    grants: list[GrantForm] = Field(default_factory=list, max_length=50)


class PrincipalShown(Shown):
    """A principal. grants: those in force today; keys: how many of theirs work."""

    id: str
    kind: str
    login: str
    display_name: str
    created_at: Instant
    disabled_at: Instant | None
    grants: list[dict[str, str | None]]
    keys: int


class PrincipalsShown(Shown):
    """A page of principals, in order of login."""

    principals: list[PrincipalShown]
    next_cursor: str | None


class KeyForm(Body):
    """What a new key may do. scopes: acts it is limited to; unit: where; none: all its principal may."""

    expires_at: AwareDatetime
    scopes: list[Act] | None = Field(None, max_length=30)
    unit: Short | None = None


class KeyShown(Shown):
    """A new key. key: its text, in this answer only; a repeat under the same idempotency key has null."""

    login: str
    key: str | None
    expires_at: Instant


class KeysRevoked(Shown):
    """How many keys stopped working."""

    login: str
    revoked: int


class JobShown(Shown):
    """Something waited for. state: running, done (with result), failed (with reason)."""

    job: str
    kind: str
    state: str
    reason: str | None
    result: dict[str, Any] | None
    created_at: Instant
    ended_at: Instant | None


class Live(Shown):
    """The process answers."""

    status: str


class PartReady(Shown):
    """One dependency. why: a slug when it is not there."""

    name: str
    ok: bool
    why: str | None


class Ready(Shown):
    """status: ok, or degraded when something is missing without which most things are still done."""

    status: str
    parts: list[PartReady]
