"""The generations of an index in OpenSearch: found, made, moved on, swapped."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from archive.identifiers import new_id
from search_api.errors import IndexUnavailable, IndexUnfit
from search_api.index.opensearch_client import Engine, type_of
from search_api.index.opensearch_shape import FORMAT_NUMBER, POSITION, Layout

_ABSENT = "index_not_found_exception"
_ATTEMPTS = 5  # to agree with others who begin or move the same generation at once
_MAKING_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation as its position says. key: of the cursors given out from it. mark: of this very state of the
    position, None of one that is not there yet."""

    number: int
    alias: str
    index: str
    name: str
    key: bytes
    cursor: int
    format_number: int
    mark: tuple[int, int] | None

    def refuse_other_format(self) -> None:
        """Raise IndexUnfit for a generation laid out otherwise than we do."""
        if self.format_number != FORMAT_NUMBER:
            raise IndexUnfit(
                f"{self.index} was made by another version of this program; run `sohoa index rebuild`"
            )


class Generations:
    """Those of one archive. Every method raises IndexUnavailable."""

    def __init__(self, engine: Engine, layout: Layout) -> None:
        self._engine = engine
        self._layout = layout

    def both(self) -> tuple[Generation, Generation | None]:
        """Return the one that answers, made when there is none, and the one being built."""
        wanted = (self._layout.prefix, self._layout.building)
        reason = "others keep changing them"
        for _, wait in zip(range(_ATTEMPTS), self._engine.waits(), strict=False):
            answer = self._engine.ask("POST", "/_mget", {"docs": [_position_of(alias) for alias in wanted]})
            refusals = {type_of(told) for told in answer["docs"]} - {None, _ABSENT}
            if refusals:  # of shards that are not there yet, or not any more
                reason = ", ".join(map(str, refusals))
                self._engine.pause(wait)
                continue
            answering, building = (self._read(told) for told in answer["docs"])
            if answering is None:
                self._make(1, self._layout.prefix)
            elif fresh := [one for one in (answering, building) if one is not None and one.mark is None]:
                for one in fresh:
                    self._begin(one)
            else:
                return answering, building
        raise IndexUnavailable(f"the generations of {self._layout.prefix} cannot be told apart: {reason}")

    def begin(self, *, afresh: bool) -> None:
        """Make a generation to be built, if there is none; afresh: in any case."""
        answering, building = self.both()
        if building is not None and afresh:
            self._engine.ask("DELETE", f"/{building.index}", allow=(404,), seconds=_MAKING_SECONDS)
        if building is None or afresh:
            self._make((building or answering).number + 1, self._layout.building)
            self.both()

    def move(self, one: Generation, cursor: int) -> bool:
        """Move a generation's cursor; False if it was moved, or dropped, since it was read."""
        assert one.mark is not None
        sequence, term = one.mark
        answer = self._engine.ask(
            "PUT",
            f"/{one.alias}/_doc/{POSITION}",
            _position(one.name, one.key, cursor),
            params={
                "routing": POSITION,
                "if_seq_no": str(sequence),
                "if_primary_term": str(term),
                "require_alias": "true",
            },
            allow=(404, 409),
        )
        return "error" not in answer

    def swap(self) -> None:
        """Let the one being built answer and drop the other, in one step; without one, do nothing."""
        answering, building = self.both()
        if building is None:
            return
        self._engine.ask("POST", f"/{building.alias}/_refresh", seconds=_MAKING_SECONDS)
        acts = [
            {"remove_index": {"index": answering.index}},
            {"remove": {"index": building.index, "alias": self._layout.building}},
            {"add": {"index": building.index, "alias": self._layout.prefix}},
        ]
        answer = self._engine.ask("POST", "/_aliases", {"actions": acts}, allow=(404,), seconds=_MAKING_SECONDS)
        if "error" in answer and self.both()[0].number < building.number:
            raise IndexUnavailable(f"{building.index} was dropped while it was finished")

    def _read(self, told: Mapping[str, Any]) -> Generation | None:
        """Return the generation a position's document tells of; None where nothing has the alias."""
        if "error" in told:
            return None
        number = self._layout.number(told["_index"])
        if number is None:
            raise IndexUnfit(f"{told['_index']} stands where our index should, and is not ours; use another name")
        source = told.get("_source", {})
        return Generation(
            number=number,
            alias=self._layout.alias(number),
            index=told["_index"],
            name=source.get("name", ""),
            key=base64.b64decode(source.get("key", "")),
            cursor=source.get("cursor", 0),
            format_number=source.get("format", FORMAT_NUMBER),
            mark=(told["_seq_no"], told["_primary_term"]) if told["found"] else None,
        )

    def _make(self, number: int, alias: str) -> None:
        """Make the index of a generation; when another has made it first, that is as good."""
        name = self._layout.prefix
        self._engine.ask("PUT", f"/_index_template/{name}-pages", self._layout.template(), seconds=_MAKING_SECONDS)
        self._engine.ask(
            "PUT",
            f"/{self._layout.index(number)}",
            {"aliases": {alias: {}, self._layout.alias(number): {}}},
            allow=(400,),
            seconds=_MAKING_SECONDS,
        )

    def _begin(self, one: Generation) -> None:
        """Write the first position of a generation; when another has written it first, that is as good."""
        self._engine.ask(
            "PUT",
            f"/{one.alias}/_create/{POSITION}",
            _position(new_id(), secrets.token_bytes(32), 0),
            params={"routing": POSITION, "require_alias": "true"},
            allow=(404, 409),
        )


def _position_of(alias: str) -> dict[str, str]:
    return {"_index": alias, "_id": POSITION, "routing": POSITION}


def _position(name: str, key: bytes, cursor: int) -> dict[str, Any]:
    return {
        "kind": POSITION,
        "format": FORMAT_NUMBER,
        "cursor": cursor,
        "name": name,
        "key": base64.b64encode(key).decode(),
    }
