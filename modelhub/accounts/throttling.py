"""Whoever asks too often hears 429 and when to come back: requests per address and per key, and wrong keys.

Everything is counted in memory that the workers of this server share (rates.py): no statement, no network, a
few microseconds a request.
"""

import ipaddress
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse

from modelhub.accounts.rates import Buckets, Marks, Rate, hashed
from modelhub.core import problems
from modelhub.core.errors import RateLimited
from modelhub.core.middleware import QUIET

BUCKETS = Buckets()
# Logins that succeeded from an address.
KNOWN = Marks()


class ThrottleMiddleware:
    """Requests per address, on every path except those that watch the server."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if settings.RATE_PER_ADDRESS is None:
            raise MiddlewareNotUsed
        self.get_response, self.rate = get_response, settings.RATE_PER_ADDRESS

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Refuse, or go on."""
        if request.path not in QUIET:
            address = client_address(request.META)
            try:
                refuse_if(BUCKETS.take(hashed("address", address), self.rate), f"requests from {address}", self.rate)
            except RateLimited as refusal:
                return problems.refusal_response(refusal)
        return self.get_response(request)


def check_key(key_id: str) -> None:
    """Count a request of this key. Raises `RateLimited` when it had too many."""
    if rate := settings.RATE_PER_KEY:
        refuse_if(BUCKETS.take(hashed("key", key_id), rate), "requests with this API key", rate)


def check_login(meta: Mapping[str, Any], login: str) -> int:
    """Count an attempt to log in to the admin; answers the mark to add to `KNOWN` when it succeeds.

    Raises `RateLimited` when there were too many from this address, or from everywhere for this login; the second does
    not hold where this login succeeded before from this address: nobody else can lock its owner out.
    """
    address, login = client_address(meta), login.strip().lower()
    mark = hashed("logged in", address, login)
    if rate := settings.RATE_FAILED_LOGINS:
        refuse_if(BUCKETS.take(hashed("login", address), rate), f"attempts to log in from {address}", rate)
        if mark not in KNOWN:
            rate = third(rate)
            refuse_if(BUCKETS.take(hashed("login of", login), rate), "attempts to log in with this name", rate)
    return mark


def third(rate: Rate) -> Rate:
    """What one name may fail of what an address may."""
    return Rate(max(1, rate.events // 3), rate.period)


def refuse_if(wait: float, words: str, rate: Rate) -> None:
    """Raises `RateLimited` with the limit and when to come back, unless there is nothing to wait for."""
    if wait > 0:
        raise RateLimited(f"Too many {words}: the limit is {rate}.", wait=math.ceil(wait))


def client_address(meta: Mapping[str, Any]) -> str:
    """Who is counted: the peer, or whom the last `MODELHUB_TRUSTED_PROXIES` proxies say that they saw.

    Each proxy appends its own peer to `X-Forwarded-For`; what stands before that was written by the client.
    """
    peer = str(meta.get("REMOTE_ADDR", ""))
    if settings.TRUSTED_PROXIES and (header := meta.get("HTTP_X_FORWARDED_FOR")):
        seen = header.split(",")
        peer = seen[-min(settings.TRUSTED_PROXIES, len(seen))].strip() or peer
    return network(peer[:64])


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """An IPv4 address, or the /64 of an IPv6 address, which one client has all of. A port beside it does not count."""
    bare = address.removeprefix("[").partition("]")[0] if address.startswith("[") else address
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return "an unknown address"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
