"""Admin pages of organizations, users and API keys."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
from django.contrib.auth.models import Group
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats
from django.utils.html import format_html

from modelhub.accounts.invitations import end_lost_access
from modelhub.accounts.keys import create_api_key, revoke_api_key, rotate_api_key, state_of
from modelhub.accounts.models import ROLES, SCOPES, ApiKey, Organization, User
from modelhub.core import clock
from modelhub.core.admin import NoDeleteAdmin, ended, link_column, link_to_list, path_of
from modelhub.core.admin_filters import WordFilter, related, words_of
from modelhub.core.errors import Conflict

RIGHTS = (
    "Staff log in here. Superusers among them see all organizations, others nothing. "
    "The keys of an inactive user are not valid."
)
LOGIN_WORDS = "Without a password the user cannot log in here. API keys of the user are not affected."
GRACE = timedelta(days=1)
# The question repeats their ids, and Django reads at most 1,000 fields of a form.
MOST_REVOKED = 500
TABLES = {
    "user": "Users",
    "apikey": "API keys",
    "project": "Projects",
    "label": "Labels",
    "source": "Sources",
    "score": "Scores",
}
admin.site.unregister(Group)


def flag_filter(field: str, yes: str, no: str, *, title: str) -> type[WordFilter]:
    """Return a filter by a boolean, in two words."""
    lookups = {yes: Q(**{field: True}), no: Q(**{field: False})}
    return type("Flag", (WordFilter,), {"title": title, "parameters": (field,), "lookups": lookups})


@admin.register(Organization)
class OrganizationAdmin(NoDeleteAdmin):
    list_display = ("name", "id", "created_at", "rows")
    search_fields = ("name", "=id")
    fields = ("name", "rows", "created_at", "id")
    readonly_fields = ("id", "created_at", "rows")

    @admin.display(description="rows")
    def rows(self, organization: Organization) -> str:
        """Return links to the lists of an organization's rows."""
        if organization._state.adding:
            return "-"
        links = [link_to_list(table, words, organization=organization.pk) for table, words in TABLES.items()]
        return format_html(" · ".join(["{}"] * len(links)), *links)


def compare_with_page(form: forms.BaseForm) -> None:
    """Let a field be changed if it differs from its page, not from the present row.

    An old page would take back changes since: clear the end that a rotation set, activate a deactivated user.
    """
    for field in form.fields.values():
        field.show_hidden_initial = not field.disabled


class NewUserForm(AdminUserCreationForm):
    usable_password = AdminUserCreationForm.create_usable_password_field(LOGIN_WORDS)


class UserForm(UserChangeForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        compare_with_page(self)


class PasswordForm(AdminPasswordChangeForm):
    usable_password_help_text = f"{LOGIN_WORDS} The present password is lost."

    def save(self, commit: bool = True) -> User:
        """Write the password alone: other fields may have changed since they were read."""
        user: User = super().save(commit=False)
        user.save(update_fields=["password"])
        return user


@admin.register(User)
class UserAdmin(NoDeleteAdmin, DjangoUserAdmin):
    """Users, with or without a password. Deactivated instead of deleted."""

    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    ordering = ("email",)
    list_display = ("email", "name", link_column("organization"), "role", "is_active", "is_staff", "rows")
    list_select_related = ("organization",)
    list_filter = (
        words_of("role", ROLES),
        flag_filter("is_active", "active", "inactive", title="state"),
        flag_filter("is_staff", "yes", "no", title="access to the admin"),
        related("organization"),
    )
    search_fields = ("email", "name", "=id")
    autocomplete_fields = ("organization",)
    readonly_fields = ("id", "created_at", "last_login", "rows")
    frozen_fields = ("organization",)  # that of its scores
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password", "name", "organization", "role", "rows", "id")}),
        ("Admin", {"fields": ("is_active", "is_staff", "is_superuser"), "description": RIGHTS}),
        ("Times", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "organization", "role", "usable_password", "password1", "password2")}),
    )

    def save_model(self, request: HttpRequest, obj: User, form: "forms.ModelForm[Any]", change: bool) -> None:
        if not change:
            super().save_model(request, obj, form, change)
            return
        # All fields would take back a deactivation or a new password of the same moment.
        obj.save(update_fields=form.changed_data)
        if {"is_active", "role"} & {*form.changed_data}:
            end_lost_access(obj)

    @admin.display(description="rows")
    def rows(self, user: User) -> str:
        """Return links to the user's scores and keys."""
        scores = link_to_list("score", "Scores", annotator=user.pk)
        return format_html("{} · {}", scores, link_to_list("apikey", "API keys", user=user.pk))


class ApiKeyForm(forms.ModelForm):
    scopes = forms.MultipleChoiceField(
        choices=[(word, f"{word}: {words}") for word, words in SCOPES.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=ApiKey._meta.get_field("scopes").get_default,
    )

    class Meta:
        help_texts = {"expires_at": "In UTC. Without a time the key does not expire."}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        compare_with_page(self)

    def clean_expires_at(self) -> datetime | None:
        """Reject a new time in the past: that would be a revocation."""
        ends: datetime | None = self.cleaned_data["expires_at"]
        if ends and "expires_at" in self.changed_data and ends <= clock.now():
            raise forms.ValidationError(f"The key must expire in the future, got {formats.localize(ends)}")
        return ends


class KeyStateFilter(WordFilter):
    title = "state"
    parameters = ("state",)
    lookups = {
        "valid": Q(revoked_at=None, user__is_active=True) & (Q(expires_at=None) | Q(expires_at__gt=Now())),
        "revoked": ~Q(revoked_at=None),
        "expired": Q(revoked_at=None, expires_at__lte=Now()),
        "user_inactive": Q(revoked_at=None, user__is_active=False),
    }


@admin.register(ApiKey)
class ApiKeyAdmin(NoDeleteAdmin):
    """API keys. A secret is shown once, in the message after its creation."""

    form = ApiKeyForm
    list_display = (
        *("key_name", "state", link_column("user", ordering="user__email"), "words_of_scopes"),
        *("public_key", "last_used_at", "expires_at"),
    )
    list_select_related = ("user", "use", "successor")
    list_filter = (KeyStateFilter, related("user"), related("organization"))
    search_fields = ("name", "api_key", "user__email", "=id")
    autocomplete_fields = ("user",)
    actions = ("rotate", "revoke")
    fields = (
        *("name", "user", "scopes", "expires_at", "state", "public_key"),
        *("last_used_at", "revoked_at", "created_at"),
    )
    readonly_fields = ("state", "public_key", "last_used_at", "revoked_at", "created_at")
    frozen_fields = ("user",)  # a key never changes hands

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        """Allow no change of a revoked key, which no change makes valid."""
        return super().has_change_permission(request, obj) and (obj is None or obj.revoked_at is None)

    def get_fields(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        return self.fields if obj else ("name", "user", "scopes", "expires_at")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: "forms.ModelForm[Any]", change: bool) -> None:
        if change:
            # All fields would take back a revocation of the same moment.
            obj.save(update_fields=form.changed_data)
            return
        key, secret = create_api_key(user=obj.user, name=obj.name, scopes=obj.scopes, expires_at=obj.expires_at)
        obj.pk, obj.organization_id, obj.api_key = key.pk, key.organization_id, key.api_key
        _show_secret(request, key, secret)

    @admin.display(description="name", ordering="name")
    def key_name(self, key: ApiKey) -> str:
        return key.name if state_of(key) == "valid" else ended(key.name)

    @admin.display(description="API key")
    def public_key(self, key: ApiKey) -> str:
        return key.api_key

    @admin.display(description="scopes")
    def words_of_scopes(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    @admin.display(description="state")
    def state(self, key: ApiKey) -> str:
        state = state_of(key)
        if state == "valid":
            return "valid, replaced" if key.successor and key.successor.revoked_at is None else state
        return format_html('<span class="state-ended">{}</span>', state)

    @admin.display(ordering="use__last_used_at")
    def last_used_at(self, key: ApiKey) -> str:
        """Return the last use. Raise `ObjectDoesNotExist`, which Django shows as a dash."""
        # Django formats the time in a list, and not on the page of a key.
        return formats.localize(key.use.last_used_at)

    @admin.action(description="Rotate: a new pair, the old one valid for a day", permissions=["change"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> TemplateResponse | None:
        """Replace one key, after a question: each secret is shown once."""
        keys = list(queryset.select_related("user")[:2])
        if len(keys) > 1:
            messages.error(request, "Rotate one key at a time: the secret of each new pair is shown once.")
            return None
        if "confirmed" not in request.POST:
            ends = min([clock.now() + GRACE, *(key.expires_at for key in keys if key.expires_at)])
            words = f"A new pair is made. The old one is valid until {formats.localize(ends)}."
            return self._ask(request, keys, "rotate", words)
        for key in keys:
            try:
                new, secret = rotate_api_key(key, grace=GRACE)
            except Conflict as error:
                messages.error(request, str(error))
                return None
            self.log_change(request, key, f"Rotated: replaced by {new.api_key}.")
            self.log_addition(request, new, f"Created in place of {key.api_key}.")
            _show_secret(request, new, secret)
            messages.info(request, f"The old pair {key.api_key} is valid until {formats.localize(key.expires_at)}.")
        return None

    @admin.action(description="Revoke at once", permissions=["change"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> TemplateResponse | None:
        """Revoke keys, after a question."""
        keys = list(queryset.select_related("user").filter(revoked_at=None)[: MOST_REVOKED + 1])
        if len(keys) > MOST_REVOKED:
            messages.error(request, f"Revoke at most {MOST_REVOKED} API keys at a time.")
            return None
        if not keys:
            messages.info(request, "These keys are revoked already.")
            return None
        if "confirmed" not in request.POST:
            words = "The requests of its clients fail at once, on every server. This cannot be undone."
            return self._ask(request, keys, "revoke", words)
        for key in keys:
            revoke_api_key(key)
            self.log_change(request, key, "Revoked.")
        names = ", ".join(key.api_key for key in keys[:10]) + (", …" if len(keys) > 10 else "")
        messages.success(request, f"Revoked {len(keys)} API key{'' if len(keys) == 1 else 's'}: {names}.")
        return None

    def _ask(self, request: HttpRequest, keys: list[ApiKey], action: str, words: str) -> TemplateResponse:
        """Return the page that asks whether an action is meant."""
        context = {
            **self.admin_site.each_context(request),
            "title": f"{action.capitalize()} {'this API key' if len(keys) == 1 else f'these {len(keys)} API keys'}?",
            "opts": self.opts,
            "media": self.media,
            "keys": keys,
            "back": path_of(keys[0]) if len(keys) == 1 else reverse("admin:modelhub_apikey_changelist"),
            "action": action,
            "words": words,
        }
        return TemplateResponse(request, "admin/modelhub/apikey/confirm.html", context)


def _show_secret(request: HttpRequest, key: ApiKey, secret: str) -> None:
    row = '<div class="secret">{} <code id="{}">{}</code> <button type="button" data-copy="{}">Copy</button></div>'
    pair = [
        format_html(row, words, name, text, name)
        for words, name, text in (
            ("API key", "new-key", key.api_key),
            ("Secret key", "new-secret", secret),
        )
    ]
    messages.warning(request, format_html("Copy the new pair now: the secret is not shown again.{}{}", *pair))
