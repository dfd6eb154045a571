"""The base of pages of results: filters, parts and files.

Agreement and disagreements take up to a second. They are parts that the page asks for when it is there, with `?part=`;
without JavaScript a link does.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, NamedTuple
from urllib.parse import urlencode

from django.http.response import HttpResponseBase

from modelhub.agreement.levels import RATERS, Raters
from modelhub.core.errors import Invalid, NotFound, Refused
from modelhub.core.text import show
from modelhub.core.views import FLAG_VALUES
from modelhub.web.page import Page
from modelhub.web.plots import Bars, Columns
from modelhub.web.tables import Table, csv_response

RATERS_WORDS = {"people": "People", "judges": "Judges", "all": "People and judges"}


class Shown(NamedTuple):
    """A plot with its table, for the template."""

    plot: Bars | Columns | None
    table: Table
    note: str = ""


class Results(Page):
    """Filters, parts and files of both pages."""

    # Parameters that every link of the page repeats.
    filters: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[str] = ""
    # Of the whole page and of its parts.
    subject: dict[str, Any]

    @property
    def given(self) -> dict[str, str]:
        """Return the filters that are given and not blank."""
        return {name: value for name in self.filters if (value := self.request.GET.get(name, ""))}

    def address(self, **more: object) -> str:
        """Return the address of the page with its filters, as of a file or a part."""
        query = {name: str(value) for name, value in (self.given | more).items()}
        return f"{self.request.path}?{urlencode(query)}" if query else self.request.path

    def path_of(self, table: str) -> str:
        return self.address(table=table, format="csv")

    def read_word(self, name: str, words: Mapping[str, str], default: str) -> str:
        word = self.given.get(name, default)
        if word not in words:
            raise Invalid(f"{name} must be one of {', '.join(filter(None, words))}, got {show(word)}", field=name)
        return word

    def read_raters(self, default: Raters = "people") -> Raters:
        word = self.read_word("raters", RATERS_WORDS, default)
        return next(raters for raters in RATERS if raters == word)

    def read_flag(self, name: str, *, default: bool) -> bool:
        word = self.given.get(name, str(default).lower())
        self.read_word(name, dict.fromkeys(FLAG_VALUES, ""), word)
        return FLAG_VALUES[word]

    def file_of(self, tables: dict[str, Callable[[], dict[str, Table]]], pk: uuid.UUID) -> HttpResponseBase:
        """Return a table as CSV. Raise `NotFound`.

        `tables` has the functions that compute tables, by the beginnings of their names.
        """
        name = self.request.GET["table"]
        compute = tables.get(name.partition("_")[0])
        table = compute().get(name) if compute else None
        if table is None:
            raise NotFound(f"There is no table {show(name)} here")
        return csv_response(table, f"{self.kind}_{pk}")

    def show_part(self, parts: dict[str, Callable[[], dict[str, Any]]]) -> HttpResponseBase | None:
        """Return the part that htmx asks for, None for a whole page."""
        part = self.request.GET.get("part", "")
        if not self.is_htmx or part not in parts:
            return None
        return self.render(f"results_{part}.html", **self.compute_parts({part: parts[part]}))

    def compute_parts(self, parts: dict[str, Callable[[], dict[str, Any]]]) -> dict[str, Any]:
        """Return the context of the part that is asked for, with its error as a sentence."""
        wanted = self.request.GET.get("part", "")
        context = self.subject | {"given": self.given}
        context |= {f"{name}_path": self.address(part=name) for name in parts}
        if wanted in parts:
            try:
                context |= parts[wanted]()
            except Refused as refused:
                # Its sentence only: the traceback would hold the cursor of an unfinished read, and its transaction.
                context[f"{wanted}_refused"] = str(refused)
        return context
