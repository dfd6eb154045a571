"""Filters of admin lists; none reads a whole table, and unusable ones are a 400."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR, SEARCH_VAR, ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from modelhub.core import clock
from modelhub.core.ids import parse_uuid
from modelhub.core.models import LISTED, LIVE
from modelhub.core.text import show


class Filter(admin.ListFilter):
    """Base of filters: reads `parameters` from the query; blank means not given."""

    parameters: ClassVar[tuple[str, ...]]

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.given = {name: params.pop(name)[-1].strip() for name in self.parameters if name in params}
        self.selected = {name: text for name, text in self.given.items() if text}
        # The other parameters, which the form of this filter repeats.
        own = {*self.parameters, PAGE_VAR}
        self.others = [(name, text) for name, texts in request.GET.lists() if name not in own for text in texts]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.parameters)

    def choice(self, changelist: ChangeList, words: str, selected: Mapping[str, str]) -> dict[str, Any]:
        """Return a link that selects exactly these parameters."""
        parameters = dict.fromkeys(self.parameters) | dict(selected)
        return {
            "selected": selected == self.selected,
            "query_string": changelist.get_query_string(parameters),
            "display": words,
        }


class WordFilter(Filter):
    """Filter by one word of a vocabulary."""

    lookups: ClassVar[Mapping[str, Q]]

    @property
    def word(self) -> str:
        word: str = self.selected.get(self.parameters[0], self.default())
        return word

    def default(self) -> str:
        return ""

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """Yield a link per word, and one for all unless there is a default."""
        [name] = self.parameters
        words = self.lookups if self.default() else {"": None, **self.lookups}
        for word in words:
            choice = self.choice(changelist, word.replace("_", " ") or "All", {name: word} if word else {})
            yield choice | {"selected": word == self.word}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the filtered rows. Raise `BadRequest` for an unknown word."""
        if not self.word:
            return queryset
        if self.word not in self.lookups:
            words = ", ".join(self.lookups)
            raise BadRequest(f"{self.parameters[0]} must be one of {words}, got {show(self.word)}")
        return queryset.filter(self.lookups[self.word])


def words_of(field: str, words: tuple[str, ...], *, parameter: str = "", name: str = "") -> type[WordFilter]:
    """Return a filter by the words of a field."""
    parameter = parameter or field
    more = {
        "title": name or parameter.replace("_", " "),
        "parameters": (parameter,),
        "lookups": {word: Q(**{field: word}) for word in words},
    }
    return type("FieldWords", (WordFilter,), more)


class DeletedFilter(WordFilter):
    """Show live rows, unless deleted ones are asked for; a search shows both."""

    title = "state"
    parameters = ("state",)
    lookups = {"live": LIVE, "deleted": ~LIVE, "all": Q()}

    def default(self) -> str:
        return "all" if self.request.GET.get(SEARCH_VAR) else "live"


class DateFilter(Filter):
    """Filter by the day of creation in UTC, both ends included."""

    title = "day of creation (UTC)"
    template = "modelhub/date_filter.html"
    parameters = ("from", "to")

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """Yield links to usual ranges."""
        today = clock.now().date()
        yield self.choice(changelist, "Any day", {})
        for words, days in (("Today", 0), ("Past 7 days", 6), ("Past 30 days", 29)):
            yield self.choice(changelist, words, {"from": str(today - timedelta(days=days))})

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the filtered rows. Raise `BadRequest` for other than a date."""
        days = {name: self._read(name) for name in self.selected}
        try:
            if first := days.get("from"):
                queryset = queryset.filter(created_at__gte=first)
            if last := days.get("to"):
                queryset = queryset.filter(created_at__lt=last + timedelta(days=1))
        except OverflowError:
            raise BadRequest("to must be before 9999-12-31") from None
        return queryset

    def _read(self, name: str) -> datetime:
        try:
            day = date.fromisoformat(self.selected[name])
        except ValueError:
            raise BadRequest(f"{name} must be a date such as 2026-01-31, got {show(self.selected[name])}") from None
        return datetime(day.year, day.month, day.day, tzinfo=UTC)


class RelatedFilter(Filter):
    """Filter by the row that a foreign key names, found by typing a part of it."""

    template = "modelhub/related_filter.html"
    # False: it is only set by links, because its table is too large to be searched by parts of names.
    searchable: ClassVar[bool] = True

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.field: Any = model._meta.get_field(self.parameters[0])
        self.admin_site = model_admin.admin_site

    def has_output(self) -> bool:
        return self.searchable or bool(self.selected)

    @property
    def chosen(self) -> uuid.UUID | None:
        """Return the id of the row. Raise `BadRequest` for other than a UUID."""
        [name] = self.parameters
        pk = parse_uuid(text := self.selected.get(name))
        if text and pk is None:
            raise BadRequest(f"{name} must be a UUID, got {show(text)}")
        return pk

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{f"{self.field.name}_id": self.chosen}) if self.chosen else queryset

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """Yield a link without the filter, and what is chosen."""
        rows = self.field.remote_field.model._default_manager.all()
        if self.searchable:
            widget = AutocompleteSelect(self.field, self.admin_site, {"aria-label": self.title, "class": "filter"})
            select = forms.ModelChoiceField(rows, required=False, widget=widget).widget
            select.is_required = False
            yield {"select": select.render(self.parameters[0], str(self.chosen or ""))}
        elif self.chosen:
            yield {"row": rows.filter(pk=self.chosen).first() or self.chosen} | self.choice(changelist, "Remove", {})


def related(field: str, *, searchable: bool = True) -> type[RelatedFilter]:
    """Return a filter by the row that a foreign key names."""
    more = {"title": field, "parameters": (field,), "searchable": searchable}
    return type("FieldRelated", (RelatedFilter,), more)


class OrganizationFilter(RelatedFilter):
    """Filter a large table by organization, by default that of the user.

    Indexes of lists begin with the organization. A blank parameter, a search, or another related row show all of them.
    """

    title = "organization"
    parameters = ("organization",)

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Model], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        # Parameters that select few rows by an index of their own.
        narrowing = [one.parameters[0] for one in model_admin.list_filter if issubclass(one, RelatedFilter)]
        self.is_open = bool(self.given) or any(request.GET.get(name) for name in (SEARCH_VAR, *narrowing))

    @property
    def chosen(self) -> uuid.UUID | None:
        """Return the id of the organization, or None for all."""
        user: Any = self.request.user
        return super().chosen if self.is_open else user.organization_id

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with the condition of the indexes behind lists."""
        return super().queryset(request, queryset.filter(LISTED))
