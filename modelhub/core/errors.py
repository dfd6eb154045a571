"""Errors of the domain, each with its HTTP status.

`str(error)` is the sentence that the client reads: it names the rule and the value that was sent, never the database's
own words. `code` is the stable name of the rule (listed in docs/errors.md).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MAX_HINTS = 20


class Refused(Exception):
    """Base of all errors that a client caused or may retry.

    `field` is the one to blame, if there is one. `extensions` are further members of the problem (RFC 9457). `hint` is
    appended where `str(error)` is read, because it may take time; `sentence` is without it.
    """

    status = 400
    code = "refused"
    headers: Mapping[str, str] = {}
    extensions: Mapping[str, str] = {}

    def __init__(self, sentence: str, *, code: str = "", field: str | None = None, hint: object = "") -> None:
        super().__init__(sentence)
        self.sentence, self.field, self.hint = sentence, field, hint
        self.code = code or self.code

    def __str__(self) -> str:
        return f"{self.sentence}{self.hint}"

    @property
    def fields(self) -> dict[str, list[str]]:
        """Return the sentences by field."""
        return {self.field: [str(self)]} if self.field is not None else {}


@dataclass(slots=True)
class Sentences:
    """The sentences of many errors, of which the first 20 have their hints.

    A hint costs up to 1.6 ms, and a client that repeats one mistake learns nothing from more of them.
    """

    hints: int = 0

    def of(self, refused: Refused) -> str:
        """Return the sentence of the next error."""
        self.hints += bool(refused.hint)
        return str(refused) if self.hints <= MAX_HINTS else refused.sentence


class Invalid(Refused):
    """Raised for a request or value that breaks a rule, or several rules of `fields`."""

    code = "invalid"

    def __init__(
        self,
        sentence: str,
        *,
        code: str = "",
        field: str | None = None,
        hint: object = "",
        fields: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        super().__init__(sentence, code=code, field=field, hint=hint)
        self._fields = {name: list(sentences) for name, sentences in (fields or {}).items()}

    @property
    def fields(self) -> dict[str, list[str]]:
        return self._fields or super().fields

    def prefixed(self, words: str, *, field: str | None = None) -> "Invalid":
        """Return a copy with words before the sentence, and a field if it has none."""
        return Invalid(
            f"{words}{self.sentence}",
            code=self.code,
            field=field if self.field is None else self.field,
            hint=self.hint,
            fields=self._fields,
        )


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


class Overdue(Refused):
    """Raised when a request is stopped at its timeout, with nothing stored."""

    status = 503
    code = "too_slow"
    headers: Mapping[str, str] = {"Retry-After": "1"}


class Unavailable(Refused):
    """Raised when a service that the request needs does not answer."""

    status = 503
    code = "service_unavailable"
    headers: Mapping[str, str] = {"Retry-After": "1"}


class OutcomeUnknown(Refused):
    """Raised when the connection is lost during a commit, with unknown outcome."""

    status = 503
    code = "outcome_unknown"
    headers: Mapping[str, str] = {"Retry-After": "1"}
