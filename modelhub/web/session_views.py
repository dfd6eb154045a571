"""Log in, log out, change the password, accept an invitation."""

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.contrib.auth import authenticate, login, views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from modelhub.accounts.invitations import accept_invitation, change_password, check_password, find_invitation
from modelhub.accounts.models import User
from modelhub.core.errors import Invalid, NotFound, Refused
from modelhub.web.page import Page

# Of the two backends; the other one only counts failures.
BACKEND = "django.contrib.auth.backends.ModelBackend"
DIFFERENT = "The two passwords differ."
NOT_CHANGED = "The password was not changed."
WRONG = "The present password is wrong."


class EmailWidget(forms.EmailInput):
    """An email that is shown again up to the length of one."""

    def format_value(self, value: Any) -> Any:
        return super().format_value(value and str(value)[:254])


class LoginForm(AuthenticationForm):
    """Django's form with the email as login; a wrong pair has one sentence."""

    error_messages = {
        "invalid_login": "Email or password is wrong, or the account is not active.",
        "inactive": "Email or password is wrong, or the account is not active.",
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].label = "Email"
        self.fields["username"].widget = EmailWidget(attrs={"autocomplete": "username", "autofocus": True})


class Login(views.LoginView):
    template_name = "web/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True
    # In place of the admin, for a login whose `next` is another site or empty.
    next_page = "web:start"

    def get_success_url(self) -> str:
        """Return the page that asked for the login, the start page if it was this one."""
        url = super().get_success_url()
        return reverse("web:start") if urlsplit(url).path == self.request.path else url


class Logout(views.LogoutView):
    next_page = "web:start"


@method_decorator(sensitive_post_parameters(), name="dispatch")
class Password(Page):
    """Change the own password; the other sessions and the links of the person end."""

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("password.html")

    def act(self, **ids: Any) -> HttpResponseBase:
        password = self.request.POST.get("new_password1", "")
        if password != self.request.POST.get("new_password2", ""):
            raise Invalid(NOT_CHANGED, fields={"new_password2": [DIFFERENT]})
        try:
            check_password(self.actor.user, password)
        except Invalid as refused:
            raise Invalid(NOT_CHANGED, fields={"new_password1": refused.fields["password"]}) from None
        # Counted as a login: a stolen session must not guess.
        present = self.request.POST.get("old_password", "")
        user = authenticate(self.request, username=self.actor.user.email, password=present)
        if not isinstance(user, User):
            raise Invalid(WRONG, field="old_password")
        login(self.request, change_password(user, password), backend=BACKEND)
        return self.back_to("password", done="The password is changed. Other sessions of yours have ended.")


@method_decorator(sensitive_post_parameters(), name="dispatch")
class AcceptInvitation(View):
    """Choose a password by a one-time link."""

    http_method_names = ["get", "head", "post"]

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        return self._show(request, token)

    def post(self, request: HttpRequest, token: str) -> HttpResponseBase:
        """Set the password and begin a session, or show the error."""
        password = request.POST.get("password", "")
        try:
            if password != request.POST.get("password_again", ""):
                raise Invalid(DIFFERENT, field="password_again")
            user = accept_invitation(token, password, request.POST.get("name"))
        except NotFound:
            return self._show(request, token)
        except Refused as refused:
            return self._show(request, token, refused)
        login(request, user, backend=BACKEND)
        messages.success(request, "Your password is set, and you are logged in.")
        return HttpResponseRedirect(reverse("web:start"))

    def _show(self, request: HttpRequest, token: str, refused: Refused | None = None) -> HttpResponseBase:
        invitation = find_invitation(token)
        if invitation is None:
            return render(request, "web/invitation.html", status=404)
        given = request.POST.get("name", invitation.user.name)
        context = {"invited": invitation.user, "invitation": invitation, "refused": refused, "name": given}
        return render(request, "web/invitation.html", context, status=refused.status if refused else 200)
