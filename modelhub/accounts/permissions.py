"""Permissions of API keys by scope (contract 0.9)."""

from typing import Any, cast

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from modelhub.accounts.keys import check_scope
from modelhub.accounts.models import ApiKey


class HasScope(BasePermission):
    """Require the scope `read` for safe methods, `write` for all others."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True, or raise `Forbidden` with the missing scope."""
        check_scope(cast(ApiKey, request.auth), "read" if request.method in SAFE_METHODS else "write")
        return True
