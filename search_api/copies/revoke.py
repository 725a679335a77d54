"""Ends a copy wrongly issued: CPY-8, at once and for everyone who verifies it."""

from sqlalchemy import select

from archive import failpoints
from archive.access.policy import Caller, may
from archive.database import writing
from archive.errors import NotFound
from archive.tables.copies import copy, copy_register
from search_api.copies.forms import check_reason
from search_api.copies.model import CopyDesk, CopyFacts
from search_api.copies.register import copy_facts, copy_of_request, end_copy
from search_api.copies.request_rows import require_somewhere
from search_api.errors import NotNow


def revoke_copy(desk: CopyDesk, caller: Caller, name: str, *, reason: str) -> CopyFacts:
    """Revoke an issued copy by its serial or its request's id, with the reason; return it. Its number stays used.

    Who may revoke is decided by the agency that issued it, not by what became of the record since: a copy of a
    record withdrawn or destroyed can be revoked. A copy revoked already stays as it is. One that a newer
    package or an effect has overtaken stays issued, and its verification says so. Raises RequestInvalid,
    ActForbidden, NotFound (unknown and forbidden alike), NotNow for a copy that was never issued; LogNotSecured
    when it is revoked and the vault does not know yet.
    """
    check_reason(reason)
    require_somewhere(caller, "copy.revoke")
    at = desk.now()
    with writing(desk.engine) as connection:
        row = connection.execute(
            select(copy.c.request_id, copy_register.c.agency_unit_id)
            .join(copy_register, copy_register.c.id == copy.c.register_id)
            .where((copy.c.serial == name) | (copy.c.request_id == name))
        ).one_or_none()
        if row is None or not may(caller, "copy.revoke", row.agency_unit_id):
            raise NotFound("copy", name)
        numbered = copy_of_request(connection, row.request_id, locked=True)
        assert numbered is not None
        if numbered.status not in ("issued", "revoked"):
            raise NotNow("revocation", numbered.status)
        if numbered.status == "issued":
            end_copy(connection, numbered, "revoked", reason=reason, at=at, principal=caller.principal)
        ended = copy_of_request(connection, row.request_id)
        assert ended is not None
    failpoints.passing("copy-revoked")
    desk.log.secure(ended.last_event)
    return copy_facts(ended)
