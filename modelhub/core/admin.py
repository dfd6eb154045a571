"""Base classes of admin pages: lists that stay fast on tables of millions of rows."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR, ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import EmptyPage, Page, Paginator
from django.db.models import Model, QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode

from modelhub.core.admin_filters import RelatedFilter
from modelhub.core.ids import parse_uuid
from modelhub.core.text import Hint, show

admin.site.site_header = admin.site.site_title = "modelhub"
admin.site.enable_nav_sidebar = False  # lists need the width
admin.site.index_title = "Scores, labels and access"

COUNTED = 10_000
# To skip more rows than this is a matter of a filter by date.
MAX_PAGE = 100_000
PARAMETERS = (SEARCH_VAR, PAGE_VAR, ORDER_VAR, ALL_VAR, ERROR_FLAG, "_popup", "_to_field", "_changelist_filters")


class BoundedPaginator(Paginator):
    """Count rows up to a limit; above, pages have only a next one."""

    object_list: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        return self.object_list.order_by()[: COUNTED + 1].count()

    @property
    def is_counted(self) -> bool:
        return self.count <= COUNTED

    def validate_number(self, number: Any) -> int:
        """Return the number of a page. Raise `InvalidPage`."""
        if self.is_counted:
            return super().validate_number(number)
        try:
            page = int(number)
        except (TypeError, ValueError):
            raise EmptyPage from None
        if not 1 <= page <= MAX_PAGE:
            raise EmptyPage
        return page

    def page(self, number: Any) -> Page[Any]:
        """Return a page; above the counted rows it may be empty."""
        if self.is_counted:
            counted: Page[Any] = super().page(number)
            return counted
        page = self.validate_number(number)
        start = (page - 1) * self.per_page
        return Page(self.object_list[start : start + self.per_page], page, self)


class IdSelect(AutocompleteSelect):
    """Select without a row for an id that is no UUID, where Django raises an error."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if parse_uuid(str(one))], attr)


class RowList(ChangeList):
    """A list that knows its next page without a count of all rows."""

    def get_results(self, request: HttpRequest) -> None:
        """Read one row more than the page shows, where rows are not counted."""
        super().get_results(request)
        self.is_counted, self.most_counted = self.paginator.is_counted, f"{COUNTED:,}"
        self.has_next = False
        if not self.is_counted:
            start = (self.page_num - 1) * self.list_per_page
            # An index alone skips to the page: joins of 250,000 rows before it take a second.
            ids = self.queryset.values_list("pk", flat=True)[start : start + self.list_per_page + 1]
            self.has_next = len(ids) > self.list_per_page
            self.result_list: Any = self.queryset.filter(pk__in=list(ids)[: self.list_per_page])

    @property
    def previous_page(self) -> str:
        return self.get_query_string({PAGE_VAR: self.page_num - 1})

    @property
    def next_page(self) -> str:
        return self.get_query_string({PAGE_VAR: self.page_num + 1})


class RowAdmin(admin.ModelAdmin):
    """List of rows, newest first."""

    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    ordering: ClassVar[Any] = ("-created_at", "-id")
    readonly_fields: ClassVar[Any] = ("id", "created_at")
    list_filter: ClassVar[Any] = ()
    # Fields that a stored row keeps.
    frozen_fields: ClassVar[tuple[str, ...]] = ()

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return self.readonly_fields if obj is None else (*self.readonly_fields, *self.frozen_fields)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row; a blank `_to_field` is none, which Django looks up as a name."""
        return super().get_object(request, object_id, from_field or None)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Return the field of a form, with a select that survives a wrong id."""
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = IdSelect(db_field, self.admin_site)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return RowList

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Return the list. Raise `BadRequest` for unknown and unusable parameters."""
        for name, texts in request.GET.lists():
            if "\0" in name or any("\0" in text for text in texts):
                raise BadRequest(f"{show(name)} must not contain NUL characters")
            if name not in self.list_parameters:
                raise BadRequest(f"Unknown filter {show(name)}{Hint(name, self.list_parameters)}")
        try:
            return super().get_changelist_instance(request)
        except admin.options.IncorrectLookupParameters:
            raise BadRequest(f"This list has no page {show(request.GET.get(PAGE_VAR))}") from None

    @cached_property
    def list_parameters(self) -> tuple[str, ...]:
        return (*PARAMETERS, *(name for one in self.list_filter for name in one.parameters))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup in self.list_parameters

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Return the list, or the answer to an action. Raise `BadRequest` for wrong ids."""
        title = str(self.opts.verbose_name_plural)
        try:
            return super().changelist_view(request, {"title": title[0].upper() + title[1:], **(extra_context or {})})
        except ValidationError:
            raise BadRequest("_selected_action must be ids of rows") from None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return the rows that fit, for lists and autocompletion."""
        if "\0" in search_term:
            raise BadRequest("The search must not contain NUL characters")
        return super().get_search_results(request, queryset, search_term)

    @property
    def media(self) -> Media:
        """Return the files of all pages, and those of searchable filters."""
        media = super().media
        for one in self.list_filter:
            if issubclass(one, RelatedFilter) and one.searchable:
                field = self.opts.get_field(one.parameters[0])
                media += AutocompleteSelect(field, self.admin_site).media
        return media + Media(js=["modelhub/admin.js"])


class NoDeleteAdmin(RowAdmin):
    """Rows that other rows refer to: never deleted."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class ReadOnlyAdmin(NoDeleteAdmin):
    """Rows that only the API may write, because it records their history."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def link_to(row: Model, words: object = None) -> str:
    """Return a link to the page of a row."""
    return format_html('<a href="{}">{}</a>', path_of(row), row if words is None else words)


def link_column(field: str, *, ordering: str | None = None) -> Callable[[Model], str]:
    """Return a column of a list: a link to the row that a foreign key names, or a dash."""

    @admin.display(description=field, ordering=ordering)
    def column(row: Model) -> str:
        related = getattr(row, field)
        return link_to(related) if related else "-"

    column.__name__ = f"{field}_link"  # in the class of the cells
    return column


def path_of(row: Model) -> str:
    return reverse(f"admin:modelhub_{row._meta.model_name}_change", args=[row.pk])


def link_to_list(table: str, words: str, **filters: object) -> str:
    """Return a link to the filtered list of a table."""
    path = reverse(f"admin:modelhub_{table}_changelist")
    return format_html(
        '<a href="{}?{}">{}</a>', path, urlencode({name: str(value) for name, value in filters.items()}), words
    )


def ended(words: str) -> str:
    """Return words struck through, for a row that is no longer in use."""
    return format_html("<s>{}</s>", words)


def one_line(text: str, length: int = 80) -> str:
    """Return the text in one line, cut to a length."""
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
