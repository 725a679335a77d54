"""The nouns of the archive as frozen values: what a record is, and what one package of it says.

`ContentPackage` is the whole of what the catalogue knows at deposit. It is frozen in the work item before
anything is packaged, written into the package as `metadata/other/catalogue.json`, and read back from there
when a catalogue is rebuilt: one shape for all three.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, NewType

RecordId = NewType("RecordId", str)
PartyId = NewType("PartyId", str)
PrincipalId = NewType("PrincipalId", str)

SourceForm = Literal["paper", "electronic", "mixed", "unknown"]
SourceStatus = Literal["original", "authentic", "office-copy", "certified-copy", "photocopy", "unknown"]
FieldSource = Literal["manifest", "book", "read", "person"]
SupplementAbout = Literal["text", "description", "evidence", "effect", "appraisal", "acceptance"]
RecordStatus = Literal["NEW", "SUPPLEMENT", "REPLACEMENT"]


@dataclass(frozen=True, slots=True)
class ArchivalFile:
    """Hồ sơ lưu trữ: where retention is counted from. paper_place: kho/giá/hộp of the paper, COD-4."""

    id: str
    fonds_code: str
    year: int
    code: str
    title: str
    closed_on: date | None
    paper_place: str | None


@dataclass(frozen=True, slots=True)
class UnitName:
    """A unit as named on the day of deposit; code is ours, the official codes are in `codes` by system."""

    id: str
    name: str
    codes: dict[str, str]


@dataclass(frozen=True, slots=True)
class SealedText:
    """AES-256-GCM ciphertext, base64 of nonce and sealed value, with the version of the key that sealed it."""

    ciphertext: str
    key_version: int


@dataclass(frozen=True, slots=True)
class PartyIdentifier:
    """One dated identifier; lookup is the keyed digest that finds it again."""

    scheme: str
    lookup: str
    lookup_key_version: int
    value: SealedText


@dataclass(frozen=True, slots=True)
class RecordParty:
    """A party of the record in its role. Nothing here is readable without the archive's keys."""

    party_id: PartyId
    kind: str
    role: str
    identifiers: tuple[PartyIdentifier, ...] = ()
    names: tuple[SealedText, ...] = ()


@dataclass(frozen=True, slots=True)
class FieldValue:
    """One field as one source gave it. problem: slug of why raw could not be normalised."""

    name: str
    source: FieldSource
    raw: str | None
    normalised: str | None
    confidence: float | None = None
    problem: str | None = None
    page_number: int | None = None
    boxes: tuple[tuple[int, int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Retention:
    """Why and until when. keep_until: last day of the rule; None and not permanent: unknown."""

    retention_class: str | None
    keep_until: date | None
    permanent: bool
    rule: str | None
    citation: str | None
    mark: Literal["V", "S", "U"] | None


@dataclass(frozen=True, slots=True)
class Description:
    """What the record is about: the normalised values in force, drawn from `fields`."""

    document_type: str | None = None
    code_number: str | None = None
    code_notation: str | None = None
    issued_on: date | None = None
    issued_on_precision: Literal["day", "month", "year", "unknown"] = "unknown"
    issuing_body: str | None = None
    subject: str | None = None
    signer_name: str | None = None
    signer_position: str | None = None
    languages: tuple[str, ...] = ("01",)
    valid_from: date | None = None
    valid_until: date | None = None
    source_form: SourceForm = "unknown"
    source_status: SourceStatus = "unknown"
    original_book_body: str | None = None
    original_book: str | None = None
    original_number: str | None = None
    original_date: date | None = None
    dossier_code: str | None = None
    procedure_code: str | None = None
    access_mode: Literal["01", "02", "03"] = "02"
    sensitivity_level: int = 1
    personal_data_class: Literal["none", "basic", "sensitive"] = "basic"
    note: str | None = None


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """One incoming file, kept byte-exact once per package. name: as it came, NFC, for people only."""

    sha256: str
    length: int
    media_type: str
    name: str
    member: str


@dataclass(frozen=True, slots=True)
class PageFacts:
    """One page, counted from 1, and the capture it was made from.

    state failed: the page could not be read (failure says why); it is never taken as blank.
    rung: how the page came into the PDF/A. text_member is None for a failed page. doubts: slugs of why a person
    should look at it, of its reading (`reading-...`) and of its image (`quality-...`).
    """

    number: int
    part_number: int
    file_sha256: str
    file_index: int
    image_sha256: str
    width_px: int
    height_px: int
    dpi: float
    colour: str
    quarter_turns: int
    state: Literal["read", "blank", "failed"]
    failure: str | None
    confidence: float | None
    rung: str
    text_member: str | None
    operator: str | None = None
    device: str | None = None
    scanned_at: datetime | None = None
    scanned_at_source: Literal["file", "modified"] | None = None
    sheet: int | None = None
    face: str | None = None
    note: str | None = None
    doubts: tuple[str, ...] = ()

    @property
    def reading_doubts(self) -> tuple[str, ...]:
        """Those of its doubts that a later reading takes the place of."""
        return tuple(doubt for doubt in self.doubts if doubt.startswith("reading-"))


@dataclass(frozen=True, slots=True)
class SignatureFacts:
    """A signature of an archived file (role of ours) or found on a received one (role `foreign`)."""

    field: str
    role: str
    certificate_sha256: str | None
    signed_at: datetime | None
    level: str | None
    demo: bool
    validation: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """Main document or annex: revision 1 by length and digest, then the archived file with its signatures."""

    number: int
    kind: Literal["main", "annex"]
    title: str | None
    member: str
    page_count: int
    rendition_length: int
    rendition_sha256: str
    archived_length: int
    archived_sha256: str
    conformance: str
    signatures: tuple[SignatureFacts, ...]


@dataclass(frozen=True, slots=True)
class PreservationEvent:
    """A PREMIS event: vocabulary type, when, by which agent, with what outcome."""

    id: str
    type: str
    at: datetime
    agent: str
    detail: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Agent:
    """A PREMIS agent: a person by principal id, an organisation, or a program with its version."""

    id: str
    type: Literal["person", "organization", "software"]
    name: str
    version: str | None = None


@dataclass(frozen=True, slots=True)
class ContentPackage:
    """Everything one content package carries beside its data files, fixed before it is written."""

    objid: str
    work_item_id: str
    record_id: RecordId
    package_number: int
    archive_number: str
    ordinal: int
    status: RecordStatus
    created_at: datetime
    archival_file: ArchivalFile
    custodian: UnitName
    description: Description
    fields: tuple[FieldValue, ...]
    parties: tuple[RecordParty, ...]
    retention: Retention
    received: tuple[ReceivedFile, ...]
    parts: tuple[Part, ...]
    pages: tuple[PageFacts, ...]
    source_signatures: tuple[SignatureFacts, ...]
    review: tuple[str, ...]
    derivation: dict[str, Any]
    agents: tuple[Agent, ...]
    events: tuple[PreservationEvent, ...]
    batch_id: str
    item_id: str
    format: str = "sohoa-content/1"


@dataclass(frozen=True, slots=True)
class SupplementPackage:
    """One new thing about a content package, which it names by digest."""

    objid: str
    record_id: RecordId
    package_number: int
    archive_number: str
    about: SupplementAbout
    parent_number: int
    parent_sha256: str
    created_at: datetime
    principal_id: PrincipalId
    custodian: UnitName
    body: dict[str, Any]
    agents: tuple[Agent, ...]
    events: tuple[PreservationEvent, ...]
    status: RecordStatus = "SUPPLEMENT"
    format: str = "sohoa-supplement/1"


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a package by its name below the top folder; bytes come from a file or from memory."""

    name: str
    media_type: str
    body: Path | bytes = field(repr=False)
