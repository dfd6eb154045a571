"""Errors of the domain, each with its HTTP status.

`str(error)` is the sentence that the client reads: it names the rule and the value that was sent, never the database's
own words. `code` is the stable name of the rule (listed in docs/errors.md).
"""

from collections.abc import Mapping, Sequence


class Refused(Exception):
    """Base of all errors that a client caused or may retry."""

    status = 400
    code = "refused"
    headers: Mapping[str, str] = {}

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code or self.code


class Invalid(Refused):
    """Raised for a request or value that breaks a rule."""

    code = "invalid"

    def __init__(self, sentence: str, *, code: str = "", fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(sentence, code=code)
        self.fields = {name: list(sentences) for name, sentences in (fields or {}).items()}

    def prefixed(self, words: str) -> "Invalid":
        """Return a copy with words before the sentence."""
        return Invalid(f"{words}{self}", code=self.code, fields=self.fields)

    @classmethod
    def of_field(cls, field: str, sentence: str, *, code: str = "") -> "Invalid":
        """Return the error of one field."""
        return cls(sentence, code=code, fields={field: [sentence]})


class Unauthenticated(Refused):
    """Raised without a valid API key; the sentence is the same for every cause."""

    status = 401
    code = "not_authenticated"
    headers: Mapping[str, str] = {"WWW-Authenticate": "ApiKey"}


class Forbidden(Refused):
    """Raised when the caller lacks a scope or a role, or does not own the object."""

    status = 403
    code = "permission_denied"


class NotFound(Refused):
    """Raised for missing objects and, in the same words, other organizations' ones."""

    status = 404
    code = "not_found"


class Conflict(Refused):
    """Raised when the request contradicts stored data."""

    status = 409
    code = "conflict"


class TooLarge(Refused):
    """Raised above a limit of bytes or entries."""

    status = 413
    code = "too_large"


class Mismatch(Refused):
    """Raised when an Idempotency-Key is reused with a different request."""

    status = 422
    code = "idempotency_mismatch"


class RateLimited(Refused):
    """Raised above a rate limit; `wait` is in seconds."""

    status = 429
    code = "rate_limited"

    def __init__(self, sentence: str, *, wait: int) -> None:
        super().__init__(f"{sentence} Try again in {wait} {'second' if wait == 1 else 'seconds'}.")
        self.headers = {"Retry-After": str(wait)}


class Unimplemented(Refused):
    """Raised for a path of the hosted service that this server does not implement."""

    status = 501
    code = "not_implemented"


class OutcomeUnknown(Refused):
    """Raised when the connection is lost during a commit, with unknown outcome."""

    status = 503
    code = "outcome_unknown"
    headers: Mapping[str, str] = {"Retry-After": "1"}
