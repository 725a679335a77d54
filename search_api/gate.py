"""What routes of other packages are given, so that they answer as ours do without importing us."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Request

from archive.access.policy import Act, Caller
from archive.record import PrincipalId
from search_api.errors import CursorInvalid
from search_api.idempotency import Answer, fingerprint, once
from search_api.jobs import Jobs
from search_api.openapi import problems_declared
from search_api.services import Services
from search_api.tokens import acting
from search_api.uploads import Upload, receive_form


class Gate:
    """Authentication, idempotency, jobs, uploads and errors of this interface for routes mounted in it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.jobs = Jobs(services.engine, services.now)
        self.upload_bytes = services.settings.upload_bytes

    def acting(self, act: Act) -> Callable[..., Caller]:
        """Return the dependency that resolves the caller and refuses who may do the act nowhere."""
        return acting(act)

    def once(
        self, caller: Caller, key: str | None, operation: str, said: Any, act: Callable[[], Answer]
    ) -> Answer:
        """Do an act once under a key. said: the values the request is known again by."""
        services = self._services
        known = fingerprint(operation, said)
        return once(services.engine, caller.principal, key, known, at=services.now(), act=act)

    def start_job(self, kind: str, principal: PrincipalId, work: Callable[[], dict[str, Any]]) -> str:
        """Start what takes long and return the id a client waits by."""
        return self.jobs.start(kind, principal, work)

    def go_on(self) -> None:
        """Called by a job between its steps. Raises an error that ends it when this process is to stop."""
        self.jobs.go_on()

    async def receive_form(self, request: Request, folder: Path) -> Upload:
        """Stream a form's files into a folder. Raises UploadInvalid."""
        return await receive_form(request, folder)

    def cursor_invalid(self) -> Exception:
        """Return the error of a cursor that is not one of ours."""
        return CursorInvalid()

    def problems(self, *slugs: str) -> dict[int | str, dict[str, Any]]:
        """Return the error answers of an operation, for its description."""
        return problems_declared(*slugs)
