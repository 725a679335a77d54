"""Someone who searches an archive: the services a search is answered from, and callers by role."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import stack
from holdings import Holdings

from archive.access.policy import Caller
from archive.access.principals import caller_of
from archive.database import reading
from archive.record import Description, PrincipalId
from ocr.jail.parent import Jail
from search_api.copies.model import CopyDesk, CopySettings
from search_api.index.completeness import Completeness
from search_api.index.port import RecordIndex
from search_api.index.projector import Projector
from search_api.search import SearchAnswer, search
from search_api.services import ApiSettings, Services

# A record open to all, and one with every word of a decree on it.
OPEN = Description(subject="Cấp phép", access_mode="01", source_form="paper", source_status="authentic")
DECREE = replace(
    OPEN,
    document_type="28",
    code_number="96",
    code_notation="NĐ-CP",
    issued_on=date(2016, 7, 1),
    issued_on_precision="day",
    issuing_body="Chính phủ",
    subject="Quy định điều kiện về an ninh, trật tự",
    signer_name="Nguyễn Xuân Phúc",
)


@dataclass
class Searchers:
    """An archive with its index, and who looks into it."""

    holdings: Holdings
    index: RecordIndex
    scratch: Path
    _people: dict[tuple[str, str], PrincipalId] = field(default_factory=dict)

    @property
    def projector(self) -> Projector:
        """What brings the index up to date."""
        return Projector(self.holdings.engine, self.holdings.store, self.holdings.seal, self.index)

    def catch_up(self) -> Completeness:
        """Bring the index up to date."""
        return self.projector.catch_up()

    def services(self) -> Services:
        """Return what a search is answered from; a search starts no jail."""
        held = self.holdings
        return Services(
            engine=held.engine,
            store=held.store,
            seal=held.seal,
            index=self.index,
            copies=CopyDesk(
                engine=held.engine,
                store=held.store,
                log=held.log,
                signer=held.signer,
                seal=held.seal,
                settings=CopySettings(),
                scratch=self.scratch,
                now=lambda: held.at,
            ),
            jail=Jail(self.scratch),
            roots=(),
            scratch=self.scratch,
            settings=ApiSettings(),
            now=lambda: held.at,
        )

    def caller(self, role: str = "officer", unit_id: str = "so-a") -> Caller:
        """Return someone with one role over one unit."""
        known = self._people
        if (role, unit_id) not in known:
            known[role, unit_id] = self.holdings.principal(role, unit_id)
        with reading(self.holdings.engine) as connection:
            return caller_of(connection, known[role, unit_id], at=self.holdings.at)

    def find(
        self,
        text: str,
        caller: Caller | None = None,
        *,
        purpose: str | None = None,
        limit: int = 20,
        cursor: str | None = None,
    ) -> SearchAnswer:
        """Search as someone; an officer of so-a when nobody is named."""
        return search(self.services(), caller or self.caller(), text, purpose=purpose, limit=limit, cursor=cursor)


@contextmanager
def searchers_in(folder: Path, holdings: Holdings) -> Iterator[Searchers]:
    """Open an empty index beside an archive."""
    scratch = folder / "scratch"
    scratch.mkdir()
    index = stack.new_index(folder)
    yield Searchers(holdings, index, scratch)
    index.close()
    holdings.engine.dispose()
