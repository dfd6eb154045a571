"""An organization of the server: the world of one test."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from http.client import HTTPException
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode

from pytest_modelhub.controls import Controls
from pytest_modelhub.errors import ModelhubError
from pytest_modelhub.http import Response, send

PAGE_SIZE = 1000
LONGEST_SEED = 1000
# Those that a URL may have beside letters and digits (RFC 3986).
URL_CHARACTERS = "%/:?#[]@!$&'()*+,;="
Json = Mapping[str, Any]
Moment = datetime | str
Seconds = float | timedelta
Found = TypeVar("Found")


@dataclass(frozen=True)
class Person:
    """A person of the organization, with keys of their own."""

    id: str
    email: str
    api_key: str
    secret_key: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an authenticated request."""
        return {"X-Api-Key": self.api_key, "X-Secret-Key": self.secret_key}


@dataclass(frozen=True)
class RecordedRequest:
    """A request that the server received.

    `status` is None for a dropped answer, and `ms` while there is none yet.
    """

    at: str
    method: str
    path: str
    headers: dict[str, str] = field(repr=False)
    request_body: Any
    status: int | None
    response_body: Any
    ms: float | None
    fault: str | None


@dataclass(frozen=True)
class Fault:
    """A fault rule; `applied` is the number of its applications so far."""

    id: str
    applied: int
    match: dict[str, Any]
    then: dict[str, Any]
    probability: float | None = None


# The method `list` hides the type inside of the class.
FaultList = list[Fault]


class Faults:
    """Failures on command: the first matching rule wins.

    Without `times`, a rule stays until it is removed.
    """

    def __init__(self, controls: Controls, organization: str) -> None:
        self._controls = controls
        self._organization = organization
        self._has_added = False

    def add(
        self,
        then: Json,
        *,
        match: Json | None = None,
        times: int | None = None,
        probability: float | None = None,
        seed: int | None = None,
    ) -> Fault:
        """Add a rule as the test controls take it."""
        optional = {"times": times, "probability": probability, "seed": seed}
        body = {name: value for name, value in optional.items() if value is not None}
        rule = {"organization": self._organization, "match": match or {}, "then": then} | body
        self._has_added = True
        return _fault(self._controls.call("POST", "faults", body=rule))

    def status(
        self,
        status: int,
        *,
        retry_after: int | None = None,
        method: str | None = None,
        path: str | None = None,
        label_id: str | None = None,
        times: int | None = None,
    ) -> Fault:
        """Answer with this status instead of the request's own answer; nothing is stored."""
        then = _given(status=status, retry_after=retry_after)
        return self.add(then, match=_given(method=method, path=path, label_id=label_id), times=times)

    def drop(
        self,
        when: Literal["before", "after_commit"] = "before",
        *,
        method: str | None = None,
        path: str | None = None,
        label_id: str | None = None,
        times: int | None = None,
    ) -> Fault:
        """Close the connection without an answer, `before` the request or `after_commit`."""
        return self.add({"drop": when}, match=_given(method=method, path=path, label_id=label_id), times=times)

    def delay(
        self,
        seconds: float,
        *,
        method: str | None = None,
        path: str | None = None,
        label_id: str | None = None,
        times: int | None = None,
    ) -> Fault:
        """Answer after this time."""
        then = {"delay_ms": round(seconds * 1000)}
        return self.add(then, match=_given(method=method, path=path, label_id=label_id), times=times)

    def refuse_scores(
        self,
        indexes: int | Sequence[int],
        *,
        method: str | None = None,
        path: str | None = None,
        label_id: str | None = None,
        times: int | None = None,
    ) -> Fault:
        """Let the database refuse the score of this index or these, and store the others."""
        then = {"refuse_scores": [indexes] if isinstance(indexes, int) else [*indexes]}
        return self.add(then, match=_given(method=method, path=path, label_id=label_id), times=times)

    def list(self) -> FaultList:
        """Return the rules in the order of their creation."""
        answer = self._controls.call("GET", "faults", organization=self._organization)
        return [_fault(row) for row in answer["faults"]]

    def unused(self) -> FaultList:
        """Return the rules that met no request yet, except those that leave it to chance."""
        # Most tests have no fault, and need no request for this.
        if not self._has_added:
            return []
        return [fault for fault in self.list() if not fault.applied and fault.probability is None]

    def remove(self, fault: Fault) -> None:
        """Remove one rule."""
        self._controls.call("DELETE", f"faults/{fault.id}")

    def clear(self) -> None:
        """Remove all rules."""
        self._controls.call("DELETE", "faults", organization=self._organization)


class Clock:
    """The time of the organization: of its rows, keys and reservations."""

    def __init__(self, controls: Controls, organization: str) -> None:
        self._controls = controls
        self._organization = organization

    def now(self) -> datetime:
        """Return the time of the organization."""
        return _moment(self._controls.call("GET", "clock", organization=self._organization))

    def freeze(self, now: Moment | None = None) -> datetime:
        """Stop the clock at this time, else at its own, and return it."""
        return self._put(frozen=True) if now is None else self.set(now)

    def set(self, now: Moment, *, frozen: bool = True) -> datetime:
        """Set the clock to this time and return it."""
        return self._put(now=rfc3339(now), frozen=frozen)

    def offset(self, seconds: Seconds) -> datetime:
        """Run at this distance from the real time, and return the time."""
        return self._put(offset=_seconds(seconds))

    def advance(self, seconds: Seconds) -> datetime:
        """Move a running or frozen clock on, and return its time."""
        return self._put(advance=_seconds(seconds))

    def run(self) -> datetime:
        """Let a frozen clock run from its time on, and return it."""
        return self._put(frozen=False)

    def reset(self) -> None:
        """Return to the real time."""
        self._controls.call("DELETE", "clock", organization=self._organization)

    def _put(self, **change: object) -> datetime:
        return _moment(self._controls.call("PUT", "clock", body={"organization": self._organization, **change}))


class Ids:
    """The ids of the organization's new rows."""

    def __init__(self, controls: Controls, organization: str, namespace: str) -> None:
        self._controls = controls
        self._organization = organization
        self._namespace = namespace

    def seed(self, seed: int | str, *, namespace: str | None = None) -> None:
        """Make the ids from now on the same in every run, with a frozen clock.

        Ids begin with the time. They differ per namespace, by default the test: one server has the rows of many tests.
        """
        body = {"organization": self._organization, "seed": namespaced(seed, namespace or self._namespace)}
        self._controls.call("PUT", "ids", body=body)

    def reset(self) -> None:
        """Return to random ids."""
        self._controls.call("DELETE", "ids", organization=self._organization)


@dataclass(frozen=True)
class Modelhub:
    """A fresh organization: address, keys, ids and test controls."""

    id: str
    name: str
    url: str
    api_key: str
    secret_key: str = field(repr=False)
    user: dict[str, str] = field(repr=False)
    labels: dict[str, str] = field(repr=False)
    sources: dict[str, str] = field(repr=False)
    people_by_email: dict[str, Person] = field(repr=False)
    seeded_scores: list[str] = field(repr=False)
    faults: Faults = field(repr=False)
    clock: Clock = field(repr=False)
    ids: Ids = field(repr=False)
    controls: Controls = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of an authenticated request."""
        return {"X-Api-Key": self.api_key, "X-Secret-Key": self.secret_key}

    @property
    def people(self) -> list[Person]:
        """The people of the marker, in its order."""
        return [*self.people_by_email.values()]

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the official clients."""
        return {"FI_BASE_URL": self.url, "FI_API_KEY": self.api_key, "FI_SECRET_KEY": self.secret_key}

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests of the organization that the server received, newest first."""
        return self.recorded_requests()

    def recorded_requests(self, limit: int | None = None) -> list[RecordedRequest]:
        """Return at most so many requests of the organization, newest first."""
        answer = self.controls.call("GET", "requests", organization=self.id, limit=limit)
        names = [one.name for one in fields(RecordedRequest)]
        return [RecordedRequest(**{name: row[name] for name in names}) for row in answer["requests"]]

    def label(self, name: str) -> str:
        """Return the id of a label by its name, or of a first label by its type."""
        return _find("label", self.labels, name)

    def source(self, name: str) -> str:
        """Return the id of a source by its type, or by the name that the marker gives it."""
        return _find("source", self.sources, name)

    def person(self, email: str) -> Person:
        """Return a person by the email that the marker gives."""
        return _find("person", self.people_by_email, email)

    def request(
        self, method: str, path: str, *, json: object = None, headers: dict[str, str] | None = None
    ) -> Response:
        """Send a request with the keys. Raise `OSError` without an answer."""
        if not path.startswith("/"):
            raise ModelhubError(f"path must begin with /, got {path!r}")
        url = self.url + quote(path, safe=URL_CHARACTERS)
        return send(method, url, body=json, headers=self.headers | (headers or {}))

    def scores(self, **filters: str) -> list[dict[str, Any]]:
        """Return all stored scores, newest first, as the API has them.

        The query parameters of `GET /model-hub/scores/` filter them. Raise `ModelhubError` for an error.
        """
        scores: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = urlencode({"limit": PAGE_SIZE, "cursor": cursor} | filters)
            page = self._read(f"/model-hub/scores/?{query}")
            scores += page["results"]
            cursor = page["next_cursor"]
        return scores

    def _read(self, path: str) -> Any:
        try:
            response = self.request("GET", path)
        except (OSError, HTTPException) as error:
            raise ModelhubError(f"GET {path}: {error}.{self._hint()}") from None
        if response.status != 200:
            raise ModelhubError(
                f"GET {path}: {response.status} {response.sentence}{self._hint()}", status=response.status
            )
        return response.json()

    def _hint(self) -> str:
        # Neither an organization that is gone nor a server that has ended has faults.
        with suppress(ModelhubError):
            if self.faults.list():
                return " The organization has faults: one without a method or a path meets this request, too."
        return ""


def namespaced(seed: int | str, namespace: str) -> str:
    """Return the seed of a namespace, as a digest if it is too long for the server."""
    text = f"{namespace}:{seed}" if namespace else str(seed)
    return text if len(text) <= LONGEST_SEED else hashlib.sha256(text.encode()).hexdigest()


def rfc3339(moment: Moment) -> str:
    """Return a time as text. Raise `ModelhubError` without a time zone."""
    if isinstance(moment, str):
        return moment
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ModelhubError(
            f"now must be a datetime with a time zone or a text like 2026-01-31T12:00:00Z, got {moment!r}."
        )
    return moment.isoformat()


def _find(kind: str, ids: Mapping[str, Found], name: str) -> Found:
    try:
        return ids[name]
    except KeyError:
        raise ModelhubError(f"There is no {kind} {name!r}; there are {', '.join(ids) or 'none'}.") from None


def _given(**members: object) -> dict[str, object]:
    return {name: value for name, value in members.items() if value is not None}


def _fault(row: Json) -> Fault:
    return Fault(row["id"], row["applied"], row["match"], row["then"], row.get("probability"))


def _moment(answer: Json) -> datetime:
    # Before Python 3.11, fromisoformat does not read Z.
    return datetime.fromisoformat(answer["now"].replace("Z", "+00:00"))


def _seconds(duration: Seconds) -> float:
    return duration.total_seconds() if isinstance(duration, timedelta) else duration
