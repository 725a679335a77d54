"""What a client waits for: started with an id, run in a thread of this process, ended in every case.

States: running, then done (with a result) or failed (with a reason). A job whose process is gone is ended as
failed, reason `interrupted`, when the next one starts; nothing of it is done again.
"""

import logging
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select, update

from archive.access.policy import Caller
from archive.database import reading, writing
from archive.errors import CatalogueBusy, NotFound
from archive.events import instant_text
from archive.identifiers import new_id
from archive.record import PrincipalId
from archive.tables.copies import job
from search_api.errors import Interrupted
from search_api.problem_words import INTERNAL

AGAIN_SECONDS = 2.0
_log = logging.getLogger("sohoa.jobs")


class Jobs:
    """The jobs of one process, one at a time: each may start jailed readers of its own."""

    def __init__(self, engine: Engine, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._now = now
        self._stopping = threading.Event()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sohoa-job")

    def start(self, kind: str, principal: PrincipalId, work: Callable[[], dict[str, Any]]) -> str:
        """Write a job down, have it run, and return its id."""
        job_id = new_id()
        with writing(self._engine) as connection:
            connection.execute(
                insert(job).values(
                    id=job_id,
                    kind=kind,
                    principal_id=principal,
                    state="running",
                    result={"owner": _owner()},
                    created_at=self._now(),
                )
            )
        self._pool.submit(self._run, job_id, work)
        return job_id

    def _run(self, job_id: str, work: Callable[[], dict[str, Any]]) -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 the outermost door of this thread: the job ends with a reason
            reason = getattr(error, "code", INTERNAL)
            if reason == INTERNAL:
                _log.exception("job %s failed", job_id)
            self._end(job_id, "failed", reason, None)
        else:
            self._end(job_id, "done", None, result)

    def _end(self, job_id: str, state: str, reason: str | None, result: dict[str, Any] | None) -> None:
        ending = {"state": state, "reason": reason, "result": result, "ended_at": self._now()}
        while True:
            try:
                with writing(self._engine) as connection:
                    connection.execute(update(job).where(job.c.id == job_id).values(**ending))
                return
            except CatalogueBusy as error:
                _log.warning("the end of job %s is written down later: %s", job_id, error.code)
                if self._stopping.wait(AGAIN_SECONDS):
                    return  # the next start ends it as interrupted

    def end_interrupted(self) -> int:
        """End the jobs whose process is gone; return how many."""
        with writing(self._engine) as connection:
            rows = connection.execute(select(job.c.id, job.c.result).where(job.c.state == "running")).all()
            gone = [row.id for row in rows if _is_gone(row.result)]
            if gone:
                connection.execute(
                    update(job)
                    .where(job.c.id.in_(gone))
                    .values(state="failed", reason=Interrupted.code, result=None, ended_at=self._now())
                )
        return len(gone)

    def go_on(self) -> None:
        """Called by a job between its steps. Raises Interrupted when this process is to stop."""
        if self._stopping.is_set():
            raise Interrupted()

    def close(self) -> None:
        """Have the job that runs stop at its next step; those that did not begin are ended by the next start."""
        self._stopping.set()
        self._pool.shutdown(wait=True, cancel_futures=True)


def _owner() -> dict[str, Any]:
    return {"host": socket.gethostname(), "pid": os.getpid()}


def _is_gone(result: dict[str, Any] | None) -> bool:
    """Whether the process that runs a job is no more; one on another machine can't be judged from here."""
    owner = (result or {}).get("owner", {})
    if owner.get("host") != socket.gethostname():
        return False
    if owner.get("pid") == os.getpid():
        return True  # this process has only begun
    try:
        os.kill(int(owner["pid"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False


def describe_job(engine: Engine, caller: Caller, job_id: str) -> dict[str, Any]:
    """Return a job of the caller's own as JSON-ready values. Raises NotFound for any other."""
    with reading(engine) as connection:
        row = connection.execute(
            select(job).where(job.c.id == job_id, job.c.principal_id == caller.principal)
        ).one_or_none()
    if row is None:
        raise NotFound("job", job_id)
    return {
        "job": row.id,
        "kind": row.kind,
        "state": row.state,
        "reason": row.reason,
        "result": row.result if row.state == "done" else None,
        "created_at": instant_text(row.created_at),
        "ended_at": instant_text(row.ended_at) if row.ended_at else None,
    }
