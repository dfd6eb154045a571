"""Permissions of API keys by scope (contract 0.9)."""

from typing import Any

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from modelhub.accounts.authentication import api_key_of
from modelhub.accounts.people import key_actor


class HasScope(BasePermission):
    """Require the scope `read` for safe methods, `write` for all others.

    A view names in `for_annotators` those of the two that `annotate` stands for.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise `Forbidden` with the missing scope."""
        key, scope = api_key_of(request), "read" if request.method in SAFE_METHODS else "write"
        if "annotate" not in key.scopes or scope not in getattr(view, "for_annotators", ()):
            key_actor(key).check_scope(scope)
        return True
