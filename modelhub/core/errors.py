"""How the domain refuses: an exception whose `str()` is the sentence that the caller reads.

A sentence names the rule and what was sent, never the database's own words. `code` is the stable name of
the rule (docs/errors.md lists them); clients may branch on it, so a code never changes its meaning.
"""

from collections.abc import Mapping, Sequence


class Refused(Exception):
    """Something that was asked for and is not done."""

    code = "refused"

    def __init__(self, sentence: str, *, code: str = "") -> None:
        super().__init__(sentence)
        self.code = code or self.code


class Invalid(Refused):
    """What was sent breaks a rule; `fields` names the rule by field where several are broken at once."""

    code = "invalid"

    def __init__(self, sentence: str, *, code: str = "", fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(sentence, code=code)
        self.fields = {name: list(sentences) for name, sentences in (fields or {}).items()}

    def prefixed(self, words: str) -> "Invalid":
        """The same refusal, said of something that `words` name."""
        return Invalid(f"{words}{self}", code=self.code, fields=self.fields)


class TooLarge(Refused):
    """What was sent is right in kind and more than a limit allows."""

    code = "too_large"


class NotFound(Refused):
    """What was named does not exist, or belongs to another organization: the same to the caller."""

    code = "not_found"


class Forbidden(Refused):
    """What was asked for is somebody else's to do."""

    code = "permission_denied"


class Conflict(Refused):
    """What was asked for contradicts something that is stored."""

    code = "conflict"


class Mismatch(Refused):
    """What was sent is right by itself and is not what it claims to repeat."""

    code = "idempotency_mismatch"


class OutcomeUnknown(Refused):
    """What was asked for may have been done or not: nobody can know."""

    code = "outcome_unknown"


class RateLimited(Refused):
    """What was asked for was asked for too often; `wait` is the seconds after which it may be asked for again."""

    code = "rate_limited"

    def __init__(self, sentence: str, *, wait: int) -> None:
        super().__init__(f"{sentence} Try again in {wait} {'second' if wait == 1 else 'seconds'}.")
        self.wait = wait


class Unauthenticated(Refused):
    """Who asks is not known: no key, a wrong pair, or a pair that is no longer valid; never which of them."""

    code = "not_authenticated"
