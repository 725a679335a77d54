"""The line to OpenSearch: every question has an end, and every failure one of our names.

Nothing here knows what is indexed. Retries are few and spread by chance; a question that runs out of time is not
asked again. While the engine does not answer, one caller at a time tries it and the others are told at once.
"""

import base64
import json
import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import Any

from opensearchpy import OpenSearch
from opensearchpy.exceptions import (
    AuthenticationException,
    ConnectionError,
    ConnectionTimeout,
    SerializationError,
    SSLError,
    TransportError,
)

from search_api.errors import IndexUnavailable, IndexUnfit
from search_api.index.port import IndexCredentials

OLDEST_MAJOR = 2
BUSY = frozenset((429, 502, 503, 504))
BLOCKED = "cluster_block_exception"  # of a disk at its flood stage, or of a cluster without a head
_JSON, _LINES = "application/json", "application/x-ndjson"
_CONNECTIONS = 32  # kept open
_CHANCE = SystemRandom()


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where the engine is. ca: certificates its own must lead to; None: those the system trusts."""

    host: str
    port: int
    tls: bool = True
    ca: Path | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EngineLimits:
    """How long, in seconds, and how much, in bytes. answer: one question with its tries. probe: one question to an
    engine that did not answer before. write: a bulk request with its tries, as many as there is time for. chunk,
    least_chunk: the most in a bulk request, and what it is halved down to under pressure."""

    answer: float = 4.0
    tries: int = 3
    probe: float = 1.0
    write: float = 60.0
    first_wait: float = 0.1
    longest_wait: float = 5.0
    chunk: int = 4 * 1024**2
    least_chunk: int = 64 * 1024


class Passing(Exception):
    """A failure that may pass by itself; reason as a person reads it."""

    def __init__(self, reason: str, *, is_pressure: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_pressure = is_pressure


class Engine:
    """One OpenSearch. Raises IndexUnavailable for what may pass, IndexUnfit for what somebody must mend."""

    def __init__(
        self,
        address: EngineAddress,
        credentials: IndexCredentials | None = None,
        *,
        limits: EngineLimits = EngineLimits(),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._address = address
        self.limits = limits
        self.pause = pause
        self._is_fit = False
        self._is_down: str | None = None
        self._trying = threading.Lock()
        self._headers = {} if credentials is None else {"authorization": _basic(credentials)}
        # The client tells what it sends, and so what people look for, to whoever listens at DEBUG.
        logging.getLogger("opensearch").setLevel(logging.ERROR)
        try:
            self._client = OpenSearch(
                hosts=[{"host": address.host, "port": address.port}],
                use_ssl=address.tls,
                ssl_context=ssl.create_default_context(cafile=address.ca) if address.tls else None,
                max_retries=0,
                retry_on_timeout=False,
                pool_maxsize=_CONNECTIONS,
            )
        except OSError as error:  # of ssl too
            raise IndexUnfit(f"the certificates at {address.ca} cannot be read") from error

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        params: Mapping[str, str] | None = None,
        allow: Sequence[int] = (),
        seconds: float | None = None,
    ) -> dict[str, Any]:
        """Ask one question and return its answer. allow: statuses that are answers too, told in `status`."""
        with self._one_at_a_time_while_down():
            return self._within(
                seconds or self.limits.answer,
                lambda left: self.once(method, path, body, params=params, allow=allow, seconds=left),
            )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _within(self, seconds: float, once: Callable[[float], dict[str, Any]]) -> dict[str, Any]:
        was_down = self._is_down is not None
        until = time.monotonic() + (min(seconds, self.limits.probe) if was_down else seconds)
        tries = 1 if was_down else self.limits.tries
        for tried, wait in enumerate(self.waits(), start=1):
            try:
                answer = once(max(until - time.monotonic(), self.limits.first_wait))
            except Passing as error:
                if tried >= tries or time.monotonic() + wait > until:
                    self._is_down = error.reason
                    raise IndexUnavailable(error.reason) from error
                self.pause(wait)
            else:
                self._is_down = None
                return answer
        raise AssertionError("waits have no end")

    def waits(self) -> Iterator[float]:
        """Yield how long to wait before each further try, without end: longer and longer, a little by chance."""
        wait = self.limits.first_wait
        while True:
            yield wait * _CHANCE.uniform(0.5, 1.5)
            wait = min(wait * 2, self.limits.longest_wait)

    @contextmanager
    def _one_at_a_time_while_down(self) -> Iterator[None]:
        reason = self._is_down
        if reason is None:
            yield
        elif self._trying.acquire(blocking=False):
            try:
                yield
            finally:
                self._trying.release()
        else:
            raise IndexUnavailable(reason)

    def once(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        params: Mapping[str, str] | None,
        allow: Sequence[int],
        seconds: float,
    ) -> dict[str, Any]:
        """Ask without another try, as for `ask`. Raises Passing for what another try may mend."""
        if not self._is_fit:
            self._check(self._perform("GET", "/", None, params=None, allow=(), seconds=seconds))
        return self._perform(method, path, body, params=params, allow=allow, seconds=seconds)

    def _check(self, told: Mapping[str, Any]) -> None:
        """Refuse what is not an OpenSearch of a version we know."""
        version = told.get("version")
        facts = version if isinstance(version, dict) else {}
        number = str(facts.get("number", "of no version"))
        if facts.get("distribution") != "opensearch":
            raise IndexUnfit(f"{self._address} is not OpenSearch; set SEARCH_INDEX_URL to one")
        major = number.split(".")[0]
        if not major.isdecimal() or int(major) < OLDEST_MAJOR:
            raise IndexUnfit(
                f"{self._address} is OpenSearch {number}; it must be {OLDEST_MAJOR}.0 or newer, so upgrade it"
            )
        self._is_fit = True

    def _perform(
        self,
        method: str,
        path: str,
        body: Any,
        *,
        params: Mapping[str, str] | None,
        allow: Sequence[int],
        seconds: float,
    ) -> dict[str, Any]:
        try:
            answer = self._client.transport.perform_request(
                method,
                path,
                params=dict(params or {}),
                body=json.dumps(body) if body is not None and not isinstance(body, str) else body,
                headers={"content-type": _LINES if isinstance(body, str) else _JSON, **self._headers},
                timeout=seconds,
                ignore=tuple(allow),
            )
        except ConnectionTimeout as error:
            self._is_down = f"{self._address} does not answer in time"
            raise IndexUnavailable(self._is_down) from error
        except SSLError as error:
            raise IndexUnfit(
                f"the certificate of {self._address} is not trusted; name its authority by ca="
            ) from error
        except ConnectionError as error:
            raise Passing(f"{self._address} cannot be reached") from error
        except AuthenticationException as error:
            raise IndexUnfit(
                f"{self._address} does not take our user and password; mend SEARCH_INDEX_USER and its password"
            ) from error
        except SerializationError as error:
            raise Passing(f"{self._address} answered no JSON") from error
        except TransportError as error:
            raise self._refusal(error) from error
        if not isinstance(answer, dict):
            raise IndexUnfit(f"{self._address} does not answer as OpenSearch does")
        return answer

    def _refusal(self, error: TransportError) -> Exception:
        status, kind = error.status_code, str(error.error)
        if kind == BLOCKED and status != 503:
            return blocked(status)
        if status in BUSY:
            return Passing(f"{self._address} is overloaded or not ready ({status})", is_pressure=status == 429)
        if status == 403:
            return IndexUnfit(f"our user of {self._address} may not do this; give it all rights on its indices")
        return IndexUnavailable(f"{self._address} answered {status} {kind}")


def _basic(credentials: IndexCredentials) -> str:
    """Return the header of a user and password, in UTF-8: the client itself writes Latin-1 only."""
    said = f"{credentials.user}:{credentials.password}".encode()
    return f"Basic {base64.b64encode(said).decode()}"


def type_of(told: Mapping[str, Any]) -> str | None:
    """Return the engine's name of what went wrong with an item of an answer, None if nothing did."""
    error = told.get("error")
    return str(error.get("type")) if isinstance(error, dict) else None


def blocked(status: int | str) -> IndexUnavailable:
    """Return what a block of writes means."""
    return IndexUnavailable(
        f"the engine takes no writes ({status}): its disk is too full, or somebody has blocked the index"
    )
