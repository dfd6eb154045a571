"""The server that the tests of a run share."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pytest_modelhub.controls import Controls
from pytest_modelhub.errors import ModelhubError
from pytest_modelhub.organization import Clock, Faults, Ids, Modelhub, Person, namespaced, rfc3339

MAX_NAME_LENGTH = 255
Rows = Sequence[Mapping[str, Any]]


class ModelhubServer:
    """A running server with test controls."""

    def __init__(self, controls: Controls) -> None:
        self.controls = controls
        self.url = controls.url

    @contextmanager
    def organization(
        self,
        *,
        name: str = "",
        seed: int | str | None = None,
        now: datetime | str | None = None,
        labels: Rows = (),
        people: Rows = (),
        sources: Rows = (),
        scores: Rows = (),
    ) -> Iterator[Modelhub]:
        """Create an organization and remove it afterwards.

        The name is the namespace of its seeds, too. Raise `ModelhubError` with the reason of a rejection.
        """
        body: dict[str, Any] = {"labels": labels, "people": people, "sources": sources, "scores": scores}
        if name:
            body["name"] = name[-MAX_NAME_LENGTH:]
        if seed is not None:
            body["seed"] = namespaced(seed, name)
        if now is not None:
            body["now"] = rfc3339(now)
        answer = self.controls.call("POST", "organizations", body=body)
        try:
            yield self._modelhub(answer, body, namespace=name)
        finally:
            self._remove(answer["id"])

    def _modelhub(self, answer: dict[str, Any], body: dict[str, Any], *, namespace: str) -> Modelhub:
        seeded = answer["seeded"]
        people = [Person(one["id"], one["email"], one["api_key"], one["secret_key"]) for one in seeded["people"]]
        return Modelhub(
            id=answer["id"],
            name=answer["name"],
            # The answer's own URL is another one behind the port of a container.
            url=self.url,
            api_key=answer["api_key"],
            secret_key=answer["secret_key"],
            user=answer["user"],
            labels=_by_name(body["labels"], seeded["labels"]) | answer["label_names"] | answer["labels"],
            sources=_by_name(body["sources"], seeded["sources"]) | answer["sources"],
            people_by_email={row["email"]: person for row, person in zip(body["people"], people, strict=True)},
            seeded_scores=seeded["scores"],
            faults=Faults(self.controls, answer["id"]),
            clock=Clock(self.controls, answer["id"]),
            ids=Ids(self.controls, answer["id"], namespace),
            controls=self.controls,
        )

    def _remove(self, organization: str) -> None:
        try:
            self.controls.call("DELETE", f"organizations/{organization}")
        except ModelhubError as error:
            # Removed already, as by a reset. Without an answer the server has ended, with all organizations.
            if error.status not in {404, None}:
                raise


def _by_name(rows: Rows, ids: Sequence[str]) -> dict[str, str]:
    return {row["name"]: id_ for row, id_ in zip(rows, ids, strict=True) if "name" in row}
