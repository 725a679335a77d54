"""Many acts at once: in requests of few enough bytes, smaller ones while the engine is pressed."""

import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from search_api.errors import IndexUnavailable
from search_api.index.opensearch_client import BLOCKED, BUSY, Engine, Passing, blocked, type_of

_PRESSED = "the engine does not keep up with what is written"


@dataclass(frozen=True, slots=True)
class BulkAct:
    """One act: what is done, and with which document (both JSON on one line)."""

    head: str
    body: str | None = None

    @property
    def text(self) -> str:
        """Its lines."""
        return f"{self.head}\n" if self.body is None else f"{self.head}\n{self.body}\n"

    @property
    def size(self) -> int:
        """Its bytes."""
        return len(self.text.encode())


class Bulk:
    """Sends acts to one engine, and remembers how much at once it bore."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._chunk = engine.limits.chunk

    def write(self, acts: Iterable[BulkAct]) -> None:
        """Do all acts; those that are refused for now are tried again, alone. Raises IndexUnavailable.

        What a newer version stands in the way of counts as done, and so does deleting what is not there. While one
        request is sent the next is made ready; no more than the two is held in memory.
        """
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="bulk") as sender:
            sending: Future[None] | None = None
            for request in self._requests(acts):
                if sending is not None:
                    sending.result()
                sending = sender.submit(self._send, request)
            if sending is not None:
                sending.result()

    def _requests(self, acts: Iterable[BulkAct]) -> Iterator[list[BulkAct]]:
        waiting: list[BulkAct] = []
        size = 0
        for act in acts:
            if waiting and size + act.size > self._chunk:
                yield waiting
                waiting, size = [], 0
            waiting.append(act)
            size += act.size
        if waiting:
            yield waiting

    def _send(self, acts: list[BulkAct]) -> None:
        limits = self._engine.limits
        until = time.monotonic() + limits.write
        waits = self._engine.waits()
        while acts:
            part, rest = _cut(acts, self._chunk)
            try:
                left, reason = self._post(part, max(until - time.monotonic(), limits.first_wait)), _PRESSED
            except Passing as error:
                left, reason = part, error.reason
                pressed = error.is_pressure
            else:
                pressed = bool(left)
            acts = left + rest
            if not left:
                self._chunk = min(limits.chunk, self._chunk + self._chunk // 4)
                continue
            if pressed:
                self._chunk = max(limits.least_chunk, self._chunk // 2)
            wait = next(waits)
            if time.monotonic() + wait > until:
                raise IndexUnavailable(reason)
            self._engine.pause(wait)

    def _post(self, acts: Sequence[BulkAct], seconds: float) -> list[BulkAct]:
        """Send acts in one request and return those that were refused for now."""
        answer = self._engine.once(
            "POST",
            "/_bulk",
            "".join(act.text for act in acts),
            params={"require_alias": "true"},
            allow=(),
            seconds=seconds,
        )
        if not answer["errors"]:
            return []
        left = []
        for act, item in zip(acts, answer["items"], strict=True):
            ((kind, told),) = item.items()
            status, refusal = told["status"], type_of(told)
            if status < 300 or status == 409 or (kind == "delete" and status == 404 and refusal is None):
                continue
            if refusal == BLOCKED and status != 503:
                raise blocked(status)
            if status not in BUSY:
                raise IndexUnavailable(f"the engine refused a document ({status} {refusal})")
            left.append(act)
        return left


def _cut(acts: list[BulkAct], size: int) -> tuple[list[BulkAct], list[BulkAct]]:
    """Cut off as many acts as have so many bytes, one at least."""
    taken = 0
    for count, act in enumerate(acts):
        taken += act.size
        if count and taken > size:
            return acts[:count], acts[count:]
    return acts, []
