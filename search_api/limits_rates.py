"""How often an address may ask what needs no key, and how often it may be wrong about one.

Counted in this process's memory over a moving minute. The address is the connection's own: a header that says
where a request came from is the client's word, and a proxy that should be believed is set up in the server.
"""

import ipaddress
import math
import time

from fastapi import Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from search_api.errors import TooManyRequests
from search_api.services import ApiSettings


class Rates:
    """The counters of one application."""

    def __init__(self, settings: ApiSettings) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._public = RateLimitItemPerMinute(settings.public_per_minute)
        self._failures = RateLimitItemPerMinute(settings.key_failures_per_minute)

    def count_public(self, request: Request) -> None:
        """Count a request that needs no key. Raises TooManyRequests."""
        self._count(self._public, "public", request)

    def count_failure(self, request: Request) -> None:
        """Count a key that was refused. Raises TooManyRequests."""
        self._count(self._failures, "key", request)

    def _count(self, rate: RateLimitItemPerMinute, kind: str, request: Request) -> None:
        address = address_of(request)
        if not self._limiter.hit(rate, kind, address):
            ends = self._limiter.get_window_stats(rate, kind, address).reset_time
            raise TooManyRequests(max(1, math.ceil(ends - time.time())))


def address_of(request: Request) -> str:
    """Return what one client is counted by: its IPv4 address, or the /64 network of its IPv6 address."""
    host = request.client.host if request.client else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
