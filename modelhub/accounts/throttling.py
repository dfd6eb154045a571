"""Rate limits (429): per API key, per address, and for logins to the admin.

Counts are kept in Django's cache: exact over all workers with `MODELHUB_CACHE_URL`, else per worker.
"""

import ipaddress
import math
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any

import structlog
from axes.handlers.cache import AxesCacheHandler
from axes.helpers import get_client_cache_keys, get_credentials
from django.conf import settings
from django.core.cache.backends.base import BaseCache
from django.http import HttpRequest, HttpResponse
from rest_framework.throttling import SimpleRateThrottle

from modelhub.accounts.models import User, normalize_login
from modelhub.core import problems
from modelhub.core.errors import RateLimited, Unavailable
from modelhub.core.middleware import PROBES

log = structlog.get_logger(__name__)

UNKNOWN_ADDRESS = "an unknown address"


def count_up(cache: BaseCache, key: str, seconds: int) -> int:
    """Count in a window of `seconds`, which its first count begins. Return the number.

    Atomic in every cache backend: requests of the same moment are counted one by one.
    """
    if cache.add(key, 1, seconds):
        return 1
    try:
        number = cache.incr(key)
    except ValueError:  # the window ended after `add`
        return 1
    if number <= 1:
        # Django's `incr` is two commands of Redis, EXISTS and INCR. Of a window that ends in between, INCR makes a key
        # that never ends.
        cache.touch(key, seconds)
    return number


class RateThrottle(SimpleRateThrottle):
    """Base of the limits: raise `RateLimited` above the rate of the scope.

    DRF's own list of times loses requests that are counted at the same moment.
    """

    # Set by DRF from the rate.
    num_requests: int | None
    duration: int | None

    def subject(self, request: Any) -> str:
        """Return the words for the counted requests."""
        raise NotImplementedError

    def allow_request(self, request: Any, view: Any) -> bool:
        """Return True, or raise `RateLimited`. A cache that fails limits nothing."""
        key = self.get_cache_key(request, view)
        if key is None or self.num_requests is None or self.duration is None:
            return True
        now = time.time()
        try:
            if (number := count_up(self.cache, key, self.duration)) == 1:
                self.cache.set(f"{key}:end", now + self.duration, self.duration)
            end = self.cache.get(f"{key}:end", now + self.duration) if number > self.num_requests else None
        except Exception as error:  # noqa: BLE001 - each cache backend has errors of its own
            log.warning("request_not_counted", kind=type(error).__name__)
            return True
        if end is not None:
            raise self.refusal(request, wait=max(1, math.ceil(end - now)))
        return True

    def refusal(self, request: Any, *, wait: int) -> RateLimited:
        return RateLimited(f"Too many {self.subject(request)}: {limit(self.rate)}", wait=wait)


class KeyThrottle(RateThrottle):
    """Limit the requests of one API key to `MODELHUB_RATE_PER_KEY`."""

    scope = "key"

    def get_cache_key(self, request: Any, view: Any) -> str | None:
        """Return the key's entry, or None on routes without authentication."""
        return key_entry(request.auth.pk) if request.auth else None

    def subject(self, request: Any) -> str:
        return "requests with this API key"


def key_entry(key_id: uuid.UUID) -> str:
    return f"throttle:key:{key_id}"


def remove_counts(key_ids: Iterable[uuid.UUID]) -> None:
    """Remove the counts of keys that are gone for good."""
    entries = [key_entry(key_id) for key_id in key_ids]
    KeyThrottle.cache.delete_many([*entries, *(f"{entry}:end" for entry in entries)])


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


@contextmanager
def counting_logins() -> Iterator[None]:
    """Raise `Unavailable` if the cache fails: an uncounted login would have no limit."""
    try:
        yield
    except Exception as error:
        log.warning("login_not_counted", kind=type(error).__name__)
        raise Unavailable("Logins cannot be counted at the moment, and are not possible. Try again later.") from error


class LoginHandler(AxesCacheHandler):
    """Count a login before its password is checked, and take a success back.

    django-axes counts failures after the check: passwords that are checked at the same moment would all pass the limit.
    """

    @counting_logins()
    def is_locked(self, request: Any, credentials: dict[str, Any] | None = None) -> bool:
        """Count the login. Return True above the limit of its name or address."""
        keys = get_client_cache_keys(request, credentials)
        seconds = int(settings.AXES_COOLOFF_TIME.total_seconds())
        if max(count_up(self.cache, key, seconds) for key in keys) <= settings.AXES_FAILURE_LIMIT:
            return False
        self._take_back(keys)
        return True

    @counting_logins()
    def user_login_failed(
        self, sender: object, credentials: dict[str, Any], request: Any = None, **options: Any
    ) -> None:
        """Begin the period again. Reject the failure that reaches the limit, too."""
        if request is None or request.axes_locked_out:
            return
        for key in get_client_cache_keys(request, credentials):
            self.cache.touch(key, int(settings.AXES_COOLOFF_TIME.total_seconds()))
        request.axes_locked_out = self.get_failures(request, credentials) >= settings.AXES_FAILURE_LIMIT

    @counting_logins()
    def user_logged_in(self, sender: object, request: HttpRequest, user: User, **options: Any) -> None:
        """Take the login back: only failures count."""
        self._take_back(get_client_cache_keys(request, get_credentials(user.get_username())))

    def _take_back(self, keys: list[str]) -> None:
        for key in keys:
            with suppress(ValueError):  # the period is over
                self.cache.decr(key)


def login_name(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the name for django-axes to count by, which is no address."""
    return f"login {normalize_login(str((credentials or {}).get(settings.AXES_USERNAME_FORM_FIELD, '')))}"


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
