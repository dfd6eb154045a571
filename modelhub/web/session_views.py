"""Log in, log out, change the password, accept an invitation."""

from typing import Any

from django import forms
from django.contrib.auth import views
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.generic import View

from modelhub.web.page import Page


class LoginForm(AuthenticationForm):
    """Django's form with the email as login; a wrong pair has one sentence."""

    error_messages = {
        "invalid_login": "Email or password is wrong, or the account is not active.",
        "inactive": "Email or password is wrong, or the account is not active.",
    }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["username"].label = "Email"
        self.fields["username"].widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True})


class Login(views.LoginView):
    template_name = "web/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True


class Logout(views.LogoutView):
    next_page = "web:start"


class Password(Page):
    """Change the own password."""

    def show(self, **ids: Any) -> HttpResponseBase:
        return self.render("password.html")


class AcceptInvitation(View):
    """Choose a password by a one-time link."""

    def get(self, request: HttpRequest, token: str) -> HttpResponseBase:
        return render(request, "web/invitation.html", {"token": token})
