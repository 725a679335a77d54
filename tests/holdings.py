"""An archive filled directly: real packages of a real signed PDF/A, with the texts, units and states a test wants.

Nothing is read and nothing waits in a batch: what is deposited here went through the package writer, the store
and the ledger, but its one PDF/A is the same for every record and shows none of the texts given.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import packages
import scans
import stack
from sqlalchemy import Engine, Table, insert, update

from archive import events, ledger, reservations
from archive.access.principals import LEGAL_TIME, add_principal, find_principal, grant_role
from archive.codes import record_units, shipped_codes, store_codes
from archive.database import reading, writing
from archive.deposit import put_or_adopt
from archive.digest import sha256_of_file
from archive.effects import EffectKind, record_effect
from archive.identifiers import new_id
from archive.keys import package_key
from archive.log.keeper import LogKeeper
from archive.log.notes import LogKey
from archive.package.layout import alto_member, archived_member, received_member
from archive.package.write import write_content
from archive.pades.font import find_font
from archive.pades.sign import sign_archived_file
from archive.pades.stamp import MarkPlace, agency_mark, digitizer_mark, mark_size
from archive.record import (
    Agent,
    ArchivalFile,
    ContentPackage,
    Description,
    Member,
    PageFacts,
    Part,
    PartyId,
    PartyIdentifier,
    PreservationEvent,
    PrincipalId,
    ReceivedFile,
    RecordId,
    RecordParty,
    Retention,
    UnitName,
)
from archive.retrieve import current_package
from archive.sealing import Seal
from archive.signers.demo import make_demo_authority
from archive.signers.file import FileSigner
from archive.stores.port import ObjectStore
from archive.tables.holdings import fonds, hold, record
from archive.tables.units import unit, unit_code, unit_name, unit_parent
from archive.text_deposit import deposit_text
from ocr import alto, images
from ocr.options import ReadingOptions
from ocr.page import Block, Box, Line, PageText, Word
from ocr.pdfa.build import build_rendition
from ocr.pdfa.rendition import Rendition

# own unit, one below it, and a stranger; every one keeps a fonds of its own.
UNITS = {"so-a": None, "chi-cuc-a1": "so-a", "so-b": None}
LONG_AGO = date(2000, 1, 1)


@dataclass(frozen=True)
class ArchivedFile:
    """One signed PDF/A and the scan it was made from, shared by all records of a run."""

    received: Path
    archived: Path
    rendition: Rendition
    image_sha256: str


LOG_KEY = "log.key"


def keep_log(folder: Path, engine: Engine, store: ObjectStore, now: Callable[[], datetime]) -> LogKeeper:
    """Open what keeps the log of a home of `Holdings` in its vault."""
    key = LogKey.load(folder / "keys" / LOG_KEY)
    return LogKeeper(engine, store, key, locked_days=3650, scratch=folder / "log-scratch", now=now)


@dataclass
class Holdings:
    """An archive in a folder. at: when everything in it happened."""

    folder: Path
    at: datetime
    records: list[RecordId] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "keys").mkdir(mode=0o700)
        self.engine: Engine = stack.new_engine(self.folder)
        self.seal = Seal.create(self.folder / "keys" / "sealing.json")
        self.store = stack.new_store(self.folder)
        LogKey.generate("kho-thu").write(self.folder / "keys" / LOG_KEY)
        self.log = keep_log(self.folder, self.engine, self.store, lambda: self.at)
        with writing(self.engine) as connection:
            self.admin: PrincipalId = add_principal(
                connection,
                kind="administrator",
                login="local",
                display_name="Người quản trị",
                by=None,
                at=self.at,
            )
        self._make_units()
        authority = make_demo_authority(self.folder / "keys", now=self.at, agency_name="Sở A")
        authority.ensure_role(f"digitizer:{self.admin}", "Người quản trị", now=self.at)
        for name in UNITS:
            authority.ensure_role(f"agency:{name}", name, now=self.at)
            authority.ensure_role(f"copies:{name}", name, now=self.at)
        self.signer = FileSigner(self.folder / "keys")

    @classmethod
    def reopen(cls, folder: Path, at: datetime) -> "Holdings":
        """Open an archive that is there, as another process would."""
        held = cls.__new__(cls)
        held.folder, held.at, held.records = folder, at, []
        held.engine, held.store = stack.known_engine(folder), stack.new_store(folder)
        held.seal = Seal.load(folder / "keys" / "sealing.json")
        held.signer = FileSigner(folder / "keys")
        held.log = keep_log(folder, held.engine, held.store, lambda: held.at)
        with reading(held.engine) as connection:
            held.admin = PrincipalId(str(find_principal(connection, "local").id))
        return held

    def _make_units(self) -> None:
        given: dict[Table, list[dict[str, Any]]] = {
            unit: [{"id": name, "kind": "department"} for name in UNITS],
            unit_name: [{"unit_id": name, "valid_from": LONG_AGO, "name": f"Đơn vị {name}"} for name in UNITS],
            unit_code: [
                {"system": "QD20", "value": name.upper(), "valid_from": LONG_AGO, "unit_id": name}
                for name in UNITS
            ],
            fonds: [{"code": name.upper(), "title": name, "unit_id": name} for name in UNITS],
            unit_parent: [
                {"unit_id": name, "valid_from": LONG_AGO, "parent_id": above}
                for name, above in UNITS.items()
                if above
            ],
        }
        with writing(self.engine) as connection:
            store_codes(connection, shipped_codes())
            record_units(connection, given, principal=self.admin, at=self.at)

    def principal(
        self, role: str, unit_id: str, *, login: str | None = None, kind: str = "officer"
    ) -> PrincipalId:
        """Add someone with one role over one unit."""
        with writing(self.engine) as connection:
            new = add_principal(
                connection,
                kind=kind,
                login=login or f"{role}-{len(self.records)}-{new_id()[:6]}",
                display_name=role,
                by=self.admin,
                at=self.at,
            )
            grant_role(connection, new, role, unit_id, by=self.admin, at=self.at)  # type: ignore[arg-type]
        return new

    @cached_property
    def file(self) -> ArchivedFile:
        """Draw a page, build its PDF/A with the text below and sign it."""
        work = self.folder / "file"
        work.mkdir(exist_ok=True)
        received = scans.save(scans.page(), work / "received.png")
        probe = images.probe(received, ReadingOptions())
        font = find_font()
        marks = (
            digitizer_mark(f"digitizer:{self.admin}", name="Người quét", scanned_at=self.at),
            agency_mark("agency:so-a", agency_name="Đơn vị so-a", signed_at=self.at, converter="Người quét"),
        )
        sizes = [mark_size(mark, width=200.0, demo=True, font=font) for mark in marks]
        room = [(max(w, 200.0), max(h, 110.0)) for w, h in sizes]
        rendition = build_rendition(
            received,
            probe,
            [page_text(scans.LINES)],
            work / "rendition.pdf",
            title="bản số hóa",
            made_at=self.at,
            document_id="uuid-1",
            mark_sizes=(room[0], room[1]),
            options=ReadingOptions(),
        )
        first, second = (
            MarkPlace(p.x0, p.y0, p.x1, p.y1, p.rotation, p.page_index) for p in rendition.mark_places
        )
        sign_archived_file(
            work / "rendition.pdf",
            work / "archived.pdf",
            signer=self.signer,
            digitizer=marks[0],
            agency=marks[1],
            places=(first, second),
            signed_at=self.at,
        )
        return ArchivedFile(received, work / "archived.pdf", rendition, probe.captures[0].sha256)

    def read_again(self, record_id: RecordId, *lines: str, adopt: bool) -> tuple[int, int]:
        """Deposit a later reading, a line on each page; return the numbers of the package read and of its text."""
        with reading(self.engine) as connection:
            content = current_package(connection, record_id)
        documents = [
            alto.to_alto(page_text([line]), file_sha256="ab" * 32, file_index=n, image_sha256="cd" * 32)
            for n, line in enumerate(lines)
        ]
        done = deposit_text(
            self.engine,
            self.store,
            record_id,
            packages.read_again(*documents),
            packages.texts_of(*documents),
            parent_sha256=content.sha256,
            adopt=adopt,
            principal=self.admin,
            at=self.at,
            scratch=self.folder / "scratch",
        )
        return content.number, done.number

    def deposit(
        self,
        *,
        unit_id: str = "so-a",
        state: str = "accepted",
        pages: Sequence[Sequence[str]] = (scans.LINES,),
        description: Description | None = None,
        holder: tuple[str, str] | None = None,
        held: bool = False,
    ) -> RecordId:
        """Deposit one record. pages: lines of each page's text. holder: (name, CCCD number)."""
        described = description or Description(
            subject="Cấp phép", access_mode="01", source_form="paper", source_status="authentic"
        )
        content, members = self._content(unit_id, pages, described, holder)
        out = self.folder / f"{content.objid}.zip"
        written = write_content(content, members, out)
        stored = put_or_adopt(
            self.store,
            package_key(content.record_id, 1),
            out,
            sha256=written.sha256,
            objid=content.objid,
            retain_until=self.at + timedelta(days=3650),
            now=self.at,
        )
        out.unlink()
        with writing(self.engine) as connection:
            ledger.record_deposit(connection, content, stored, at=self.at, principal=self.admin)
            if held:
                connection.execute(
                    insert(hold).values(
                        id=new_id(),
                        record_id=content.record_id,
                        placed_at=self.at,
                        placed_by=self.admin,
                        basis="QĐ phong tỏa 1",
                    )
                )
        if state != "candidate":
            self.change(content.record_id, state)
        self.records.append(content.record_id)
        return content.record_id

    def change(self, record_id: RecordId, state: str, **values: Any) -> None:
        """Give a record another state (and other values), with an event as the act that does so would write."""
        with writing(self.engine) as connection:
            connection.execute(update(record).where(record.c.id == record_id).values(state=state, **values))
            events.append(
                connection,
                "records",
                f"record.{state}",
                principal=self.admin,
                at=self.at,
                payload={"record": record_id},
            )

    def effect(self, record_id: RecordId, kind: EffectKind, **changes: Any) -> str:
        """Enter an effect on a record by its own act, the day and instant of everything else; return its id."""
        told: dict[str, Any] = {
            "on": self.at.astimezone(LEGAL_TIME).date(),
            "basis": "QĐ 9/QĐ-SA",
            "principal": self.admin,
            "at": self.at,
            "scratch": self.folder / "effects",
        }
        return record_effect(self.engine, self.store, record_id, kind, **{**told, **changes})

    def _content(
        self,
        unit_id: str,
        pages: Sequence[Sequence[str]],
        description: Description,
        holder: tuple[str, str] | None,
    ) -> tuple[ContentPackage, list[Member]]:
        with writing(self.engine) as connection:
            file: ArchivalFile = reservations.find_archival_file(
                connection,
                fonds_code=unit_id.upper(),
                year=2026,
                code="HS1",
                title="Hồ sơ",
                closed_on=date(2026, 12, 31),
                paper_place="1.2.3",
                at=self.at,
                principal=self.admin,
            )
            work = new_id()
            record_id, number, ordinal = reservations.reserve_record(
                connection, file, custodian_id=unit_id, work_item_id=work, at=self.at, principal=self.admin
            )
            package_number, objid, _ = reservations.reserve_package(
                connection, record_id, kind="content", about=None, work_item_id=work
            )
        received_sha256, received_length = sha256_of_file(self.file.received)
        archived_sha256, archived_length = sha256_of_file(self.file.archived)
        received_name = received_member(received_sha256, "image/png")
        texts = [page_text(lines) for lines in pages]
        facts = [
            PageFacts(
                number=n,
                part_number=1,
                file_sha256=received_sha256,
                file_index=n - 1,
                image_sha256=self.file.image_sha256,
                width_px=text.width_px,
                height_px=text.height_px,
                dpi=text.dpi,
                colour="grey",
                quarter_turns=0,
                state="read",
                failure=None,
                confidence=0.9,
                rung="image-passed",
                text_member=alto_member(n),
            )
            for n, text in enumerate(texts, start=1)
        ]
        rendition = self.file.rendition
        part = Part(
            number=1,
            kind="main",
            title=description.subject,
            member=archived_member(1),
            page_count=1,
            rendition_length=rendition.length,
            rendition_sha256=rendition.sha256,
            archived_length=archived_length,
            archived_sha256=archived_sha256,
            conformance=rendition.conformance,
            signatures=(),
        )
        agent = Agent(self.admin, "person", "local")
        content = ContentPackage(
            objid=objid,
            work_item_id=work,
            record_id=record_id,
            package_number=package_number,
            archive_number=number,
            ordinal=ordinal,
            status="NEW",
            created_at=self.at.replace(microsecond=0),
            archival_file=file,
            custodian=UnitName(unit_id, f"Đơn vị {unit_id}", {"QD20": unit_id.upper()}),
            description=description,
            fields=(),
            parties=self._parties(holder),
            retention=Retention("05", date(2046, 12, 31), False, "x", "TT 10/2022/TT-BNV", "S"),
            received=(ReceivedFile(received_sha256, received_length, "image/png", "a.png", received_name),),
            parts=(part,),
            pages=tuple(facts),
            source_signatures=(),
            review=(),
            derivation={"rendition": rendition.describe()},
            agents=(agent,),
            events=(
                PreservationEvent(
                    f"{objid}-0", "transfer", self.at.replace(microsecond=0), agent.id, "x", "success"
                ),
            ),
            batch_id="batch",
            item_id="item",
        )
        members = [
            Member(part.member, "application/pdf", self.file.archived),
            Member(received_name, "image/png", self.file.received),
        ]
        for page, text in zip(facts, texts, strict=True):
            body = alto.to_alto(
                text,
                file_sha256=page.file_sha256,
                file_index=page.file_index,
                image_sha256=page.image_sha256,
            )
            members.append(Member(alto_member(page.number), "application/xml", body))
        return content, members

    def _parties(self, holder: tuple[str, str] | None) -> tuple[RecordParty, ...]:
        if holder is None:
            return ()
        name, number = holder
        identifier = PartyIdentifier(
            "cccd",
            self.seal.lookup("cccd", number),
            self.seal.version,
            self.seal.seal("party-identifier", number),
        )
        return (
            RecordParty(
                PartyId(new_id()), "person", "holder", (identifier,), (self.seal.seal("party-name", name),)
            ),
        )


def page_text(lines: Sequence[str]) -> PageText:
    """Return a reading of these lines, each word in a box of its own."""
    made = []
    for row, line in enumerate(lines):
        words = [
            Word(text, text, 0.95, Box(40 + 60 * column, 60 + 48 * row, 52, 26))
            for column, text in enumerate(line.split())
        ]
        made.append(Line(tuple(words), Box.around(word.box for word in words)))
    block = Block("text", tuple(made), Box.around(line.box for line in made))
    width, height = scans.SIZE
    return replace(PageText(width, height, scans.DPI, 0, 0.0), blocks=(block,))
