"""Rate limits (429): per API key, per address, and for logins to the admin.

Counts are kept in Django's cache: exact over all workers with `MODELHUB_CACHE_URL`, else per worker.
"""

import ipaddress
import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from rest_framework.throttling import SimpleRateThrottle

from modelhub.core import problems
from modelhub.core.errors import RateLimited
from modelhub.core.middleware import PROBES

log = structlog.get_logger(__name__)

UNKNOWN_ADDRESS = "an unknown address"


class RateThrottle(SimpleRateThrottle):
    """Base of the limits: raise `RateLimited` above the rate of the scope."""

    def subject(self, request: Any) -> str:
        """Return the words for the counted requests."""
        raise NotImplementedError

    def allow_request(self, request: Any, view: Any) -> bool:
        """Return True, or raise `RateLimited`. A cache that fails limits nothing."""
        try:
            allowed = super().allow_request(request, view)
        except Exception as error:  # noqa: BLE001 - each cache backend has errors of its own
            log.warning("request_not_counted", kind=type(error).__name__)
            return True
        if not allowed:
            raise RateLimited(f"Too many {self.subject(request)}: {limit(self.rate)}", wait=math.ceil(self.wait() or 1))
        return True


class KeyThrottle(RateThrottle):
    """Limit the requests of one API key to `MODELHUB_RATE_PER_KEY`."""

    scope = "key"

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        """Return the key's entry, or None on routes without authentication."""
        return f"throttle:key:{request.auth.pk}" if request.auth else None

    def subject(self, request: Any) -> str:
        return "requests with this API key"


class AddressThrottle(RateThrottle):
    """Limit the requests from one address to `MODELHUB_RATE_PER_ADDRESS`."""

    scope = "address"

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"throttle:address:{client_address(request)}"

    def subject(self, request: Any) -> str:
        return f"requests from {client_address(request)}"


class AddressThrottleMiddleware:
    """Apply `AddressThrottle` to all paths but probes, before authentication."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Return the response, or a 429."""
        try:
            if request.path not in PROBES:
                AddressThrottle().allow_request(request, None)
        except RateLimited as error:
            return problems.refusal_response(request, error)
        return self.get_response(request)


def login_name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the name for django-axes to count by: emails ignore case."""
    return str(request.POST.get("username", "")).strip().lower()


def reject_login(request: HttpRequest, response: object, credentials: object) -> HttpResponse:
    """Return the 429 of a login that django-axes locks out."""
    seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
    sentence = f"Too many failed logins with this name or from this address: {limit(settings.RATE_FAILED_LOGINS)}"
    return problems.refusal_response(request, RateLimited(sentence, wait=seconds))


def limit(rate: str | None) -> str:
    """Return the end of a sentence about a rate such as `600/minute`."""
    return f"the limit is {(rate or '').replace('/', ' per ')}."


def client_address(request: Any) -> str:
    """Return the address to count by: IPv4, or the /64 network of IPv6.

    Each proxy appends its peer to `X-Forwarded-For`. Only entries of the last `MODELHUB_TRUSTED_PROXIES` proxies count;
    clients can write the others.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    if settings.TRUSTED_PROXIES and (header := request.META.get("HTTP_X_FORWARDED_FOR")):
        entries = header.split(",")
        address = entries[-min(settings.TRUSTED_PROXIES, len(entries))].strip() or address
    return normalize_address(address[:64])


@lru_cache(maxsize=4096)
def normalize_address(address: str) -> str:
    """Strip the port and widen IPv6 to the /64 network, which one client owns."""
    bare = address.removeprefix("[").partition("]")[0] if address.startswith("[") else address
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))
