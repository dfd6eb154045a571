"""Every statement of the product is explained: its scans name an organization.

A statement is looked at once per process, when it is first sent, by the plan that PostgreSQL has for it. Statements of
the tests themselves, of the admin and of Django are left out: the innermost frame of this project decides.
"""

import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import psycopg
from django.apps import apps
from psycopg.pq import TransactionStatus

from tests.folders import ROOT

# Modules and functions whose statements are about all organizations, or about one that is not known yet.
EXEMPT = (
    "accounts/admin.py",
    "scores/admin.py:get_search_results",
    "accounts/commands.py",
    "accounts/invitations.py:find_invitation",
    "accounts/invitations.py:purge_invitations",
    "accounts/keys.py:_read_key",
    "accounts/models.py",
    "accounts/people.py:draft_annotator",
    "idempotency/services.py:purge",
    "management/commands/",
    "serving/bootstrap.py",
)
CONDITIONS = ("Index Cond", "Recheck Cond", "Filter")


class Plans:
    """A wrapper of `execute` that collects scans of all organizations."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.found: list[str] = []

    def __call__(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if "modelhub_" in sql and sql not in self.seen and (place := place_of(sys._getframe(1))):
            self.seen.add(sql)
            if not place.startswith(EXEMPT):
                scans = list(unbounded_scans(context["connection"].connection, sql, params))
                self.found += [f"{place} scans {scan}:\n{sql}" for scan in scans]
        return execute(sql, params, many, context)


def place_of(frame: FrameType | None) -> str:
    """Return the module and function that sends a statement.

    Return "" for tests, the admin and Django's auth. Frames of `core` are passed over: its callers name the tables.
    """
    while frame is not None:
        path = frame.f_code.co_filename
        if "/django/contrib/" in path or (path.startswith(f"{ROOT}/tests/") and path != __file__):
            return ""
        if path.startswith(f"{ROOT}/modelhub/") and not path.startswith(f"{ROOT}/modelhub/core/"):
            return f"{path.removeprefix(f'{ROOT}/modelhub/')}:{frame.f_code.co_name}"
        frame = frame.f_back
    return ""


def unbounded_scans(connection: psycopg.Connection[Any], sql: str, params: Any) -> Iterator[str]:
    """Yield the tenants' tables that a statement scans for all organizations."""
    if connection.info.transaction_status == TransactionStatus.INERROR:
        return
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}".encode(), params)
            [(plans,)] = cursor.fetchall()
    except psycopg.Error:  # not a statement with a plan, or one that fails anyway
        return
    tables = {model._meta.db_table for model in apps.get_models() if has_organization(model)}
    for node in nodes(plans[0]["Plan"]):
        conditions = " ".join(str(node.get(name, "")) for name in CONDITIONS)
        scans = node["Node Type"] != "ModifyTable" and node.get("Relation Name") in tables
        if scans and "organization_id" not in conditions:
            yield f"{node['Relation Name']} ({conditions.strip() or 'all of it'})"


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def has_organization(model: Any) -> bool:
    return any(field.name == "organization" for field in model._meta.fields)
