"""Who calls: the bearer of a key, and whether they may do an act at all before anything is looked up.

Every key that does not work is answered alike. A key is 256 random bits, so guessing is hopeless however often
it is tried; failures are counted to keep logs and database quiet, and a good key is never refused for what a
neighbour behind the same address does.
"""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from archive.access.api_keys import caller_by_key
from archive.access.policy import ACTS_OF, HOLDER_ACTS, Act, Caller, units_for
from archive.access.principals import LEGAL_TIME
from archive.access.units import root_units
from archive.database import reading
from archive.errors import ActForbidden, KeyRefused
from search_api.limits_rates import Rates
from search_api.services import Services

_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="bearer",
    bearerFormat="sohoa_…",
    description="`Authorization: Bearer sohoa_…`: a key made by an administrator.",
)


def services_of(request: Request) -> Services:
    """Return what this application serves from."""
    services: Services = request.app.state.services
    return services


def rates_of(request: Request) -> Rates:
    """Return this application's counters."""
    rates: Rates = request.app.state.rates
    return rates


Given = Annotated[Services, Depends(services_of)]


def public(request: Request) -> None:
    """Let an address ask without a key, so often a minute. Raises TooManyRequests."""
    rates_of(request).count_public(request)


def caller_by_token(
    request: Request,
    services: Given,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Caller:
    """Return whom the request's key stands for. Raises KeyRefused, or TooManyRequests after too many."""
    try:
        # Two headers could be read as one by us and as another by whoever stands before us.
        if credentials is None or len(request.headers.getlist("authorization")) != 1:
            raise KeyRefused()
        with reading(services.engine) as connection:
            caller = caller_by_key(connection, services.seal, credentials.credentials, at=services.now())
    except KeyRefused:
        rates_of(request).count_failure(request)
        raise
    request.state.principal = caller.principal
    return caller


def may_anywhere(caller: Caller, act: Act) -> bool:
    """Say whether a caller may do an act on any record, in any unit, for any purpose."""
    if caller.scopes is not None and act not in caller.scopes:
        return False
    granted = any(act in ACTS_OF[grant.role] and grant.units for grant in caller.grants)
    return granted or (caller.party is not None and act in HOLDER_ACTS)


def acting(act: Act, *others: Act) -> Callable[..., Caller]:
    """Return the dependency of an operation that is one of these acts. It raises KeyRefused, ActForbidden."""

    def allowed(caller: Annotated[Caller, Depends(caller_by_token)]) -> Caller:
        if not any(may_anywhere(caller, one) for one in (act, *others)):
            raise ActForbidden(act)
        return caller

    return allowed


def acting_for_all(act: Act) -> Callable[..., Caller]:
    """Return the dependency of an act over the whole archive: every unit that stands below no other."""

    def allowed(caller: Annotated[Caller, Depends(caller_by_token)], services: Given) -> Caller:
        with reading(services.engine) as connection:
            roots = root_units(connection, services.now().astimezone(LEGAL_TIME).date())
        if not roots or not units_for(caller, act, purpose=None) >= set(roots):
            raise ActForbidden(act)
        return caller

    return allowed
