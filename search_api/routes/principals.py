"""Who may act: principals, their roles and their keys, for administrators of the whole archive."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse

from archive.access.api_keys import make_key, revoke_keys
from archive.access.policy import Caller
from archive.access.principals import (
    PrincipalFacts,
    add_principal,
    disable_principal,
    grant_role,
    list_principals,
)
from archive.database import reading, writing
from archive.errors import NotFound
from archive.events import instant_text
from search_api.errors import CursorInvalid
from search_api.idempotency import Answer, IdempotencyKey, fingerprint, once
from search_api.openapi import PREFIX, problems_declared
from search_api.schemas import (
    Cursor,
    KeyForm,
    KeyShown,
    KeysRevoked,
    Limit,
    Name,
    PrincipalForm,
    PrincipalShown,
    PrincipalsShown,
)
from search_api.services import Services
from search_api.tokens import Given, acting_for_all

router = APIRouter(prefix=f"{PREFIX}/principals", tags=["principals"])
Administrator = Annotated[Caller, Depends(acting_for_all("principal.manage"))]
_REFUSED = ("key-refused", "act-forbidden")
_POSTED = (*_REFUSED, "json-invalid", "principal-refused", "idempotency-conflict", "request-in-flight")


@router.get(
    "",
    summary="Liệt kê các chủ thể / List principals",
    response_model=PrincipalsShown,
    dependencies=[Depends(acting_for_all("principal.manage"))],
    responses=problems_declared(*_REFUSED, "cursor-invalid"),
)
def list_all(services: Given, cursor: Cursor = None, limit: Limit = 100) -> Any:
    """In order of login."""
    if cursor is not None and not cursor.startswith("p"):
        raise CursorInvalid()
    after = cursor[1:] if cursor else ""
    with reading(services.engine) as connection:
        everyone = sorted(list_principals(connection, at=services.now()), key=lambda one: one.login)
    left = [one for one in everyone if one.login > after]
    following = f"p{left[limit - 1].login}" if len(left) > limit else None
    return JSONResponse({"principals": [_shown(one) for one in left[:limit]], "next_cursor": following})


@router.post(
    "",
    status_code=201,
    summary="Thêm một chủ thể / Add a principal",
    response_model=PrincipalShown,
    responses=problems_declared(*_POSTED),
)
def add(services: Given, caller: Administrator, form: PrincipalForm, key: IdempotencyKey = None) -> Any:
    """With their roles; a key is made for them separately."""

    def act() -> Answer:
        at = services.now()
        with writing(services.engine) as connection:
            new = add_principal(
                connection,
                kind=form.kind,
                login=form.login,
                display_name=form.display_name,
                by=caller.principal,
                at=at,
            )
            for grant in form.grants:
                grant_role(
                    connection,
                    new,
                    grant.role,
                    grant.unit,
                    by=caller.principal,
                    at=at,
                    purpose=grant.purpose,
                    valid_until=grant.valid_until,
                )
        return 201, _one(services, form.login)

    return _answer(services, caller, key, "POST /principals", form.model_dump(mode="json"), act)


@router.post(
    "/{login}/disabling",
    summary="Ngừng một chủ thể / Disable a principal",
    response_model=PrincipalShown,
    responses=problems_declared(*_POSTED, "not-found"),
)
def disable(login: Name, services: Given, caller: Administrator, key: IdempotencyKey = None) -> Any:
    """All their keys stop working at once; what they did stays theirs."""

    def act() -> Answer:
        with writing(services.engine) as connection:
            disable_principal(connection, login, by=caller.principal, at=services.now())
        return 200, _one(services, login)

    return _answer(services, caller, key, f"POST /principals/{login}/disabling", None, act)


@router.post(
    "/{login}/keys",
    status_code=201,
    summary="Tạo khóa truy cập / Make a key",
    response_model=KeyShown,
    responses=problems_declared(*_POSTED, "not-found"),
)
def add_key(login: Name, services: Given, caller: Administrator, form: KeyForm, key: IdempotencyKey = None) -> Any:
    """The key's text is in this answer and nowhere else."""

    def act() -> Answer:
        with writing(services.engine) as connection:
            text = make_key(
                connection,
                services.seal,
                login,
                expires_at=form.expires_at,
                by=caller.principal,
                at=services.now(),
                scopes=frozenset(form.scopes) if form.scopes is not None else None,
                unit_id=form.unit,
            )
        return 201, {"login": login, "key": text, "expires_at": instant_text(form.expires_at)}

    said = form.model_dump(mode="json")
    return _answer(services, caller, key, f"POST /principals/{login}/keys", said, act, unkept="key")


@router.delete(
    "/{login}/keys",
    summary="Thu hồi mọi khóa / Revoke all keys",
    response_model=KeysRevoked,
    responses=problems_declared(*_REFUSED, "not-found"),
)
def delete_keys(login: Name, services: Given, caller: Administrator) -> Any:
    """Of one principal; repeating it revokes nothing more."""
    with writing(services.engine) as connection:
        count = revoke_keys(connection, login, by=caller.principal, at=services.now())
    return JSONResponse({"login": login, "revoked": count})


def _answer(
    services: Services,
    caller: Caller,
    key: str | None,
    operation: str,
    said: Any,
    act: Callable[[], Answer],
    *,
    unkept: str | None = None,
) -> JSONResponse:
    status, body = once(
        services.engine,
        caller.principal,
        key,
        fingerprint(operation, said),
        at=services.now(),
        act=act,
        kept=lambda found: {**found, unkept: None} if unkept else found,
    )
    return JSONResponse(body, status)


def _one(services: Services, name: str) -> dict[str, Any]:
    with reading(services.engine) as connection:
        for one in list_principals(connection, at=services.now()):
            if name in (one.login, one.id):
                return _shown(one)
    raise NotFound("principal", name)


def _shown(facts: PrincipalFacts) -> dict[str, Any]:
    return {
        "id": facts.id,
        "kind": facts.kind,
        "login": facts.login,
        "display_name": facts.display_name,
        "created_at": instant_text(facts.created_at),
        "disabled_at": instant_text(facts.disabled_at) if facts.disabled_at else None,
        "grants": [{"role": role, "unit": unit, "purpose": purpose} for role, unit, purpose in facts.grants],
        "keys": facts.keys,
    }
