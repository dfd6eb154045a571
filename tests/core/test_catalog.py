"""Keys, indexes, triggers and functions in the catalog of PostgreSQL."""

from typing import Any

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

# The tenants themselves, and the tables of Django's permissions.
NOT_OF_TENANTS = {"modelhub_organization", "modelhub_user_groups", "modelhub_user_user_permissions"}
# The keys by which an organization is found.
WITHOUT_ORGANIZATION = {"user_email_is_unique", "apikey_api_key_is_unique", "invitation_token_is_unique"}
TRIGGERS = {
    ("modelhub_label", "labels_renew_version", "modelhub_renew_label_version_v1"),
    ("modelhub_scorerevision", "revisions_are_append_only", "modelhub_refuse_change_v1"),
}
FUNCTIONS = {
    "modelhub_labels_lock_v1",
    "modelhub_refuse_change_v1",
    "modelhub_renew_label_version_v1",
    "modelhub_share_labels_v1",
    "modelhub_store_scores_v1",
    "modelhub_store_scores_v2",
    "modelhub_store_scores_v3",
}

TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'modelhub\\_%'"
WITH_ORGANIZATION = """
SELECT attrelid::regclass::text FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE attname = 'organization_id' AND attnotnull AND relkind = 'r'
"""
DEFERRED = """
SELECT conrelid::regclass::text, conname FROM pg_constraint
WHERE contype = 'f' AND condeferred AND conrelid::regclass::text LIKE 'modelhub\\_%'
"""
# Columns and expressions in their order, without operator classes: one of another class serves no other statement here.
INDEXES = """
SELECT indrelid::regclass::text, indexrelid::regclass::text, indisunique, indisprimary,
       coalesce(pg_get_expr(indpred, indrelid), ''),
       array(SELECT pg_get_indexdef(indexrelid, place, false) FROM generate_series(1, indnkeyatts) AS place)
FROM pg_index WHERE indrelid::regclass::text LIKE 'modelhub\\_%'
"""
FIRED = """
SELECT tgrelid::regclass::text, tgname, tgfoid::regproc::text FROM pg_trigger WHERE NOT tgisinternal
"""
DEFINED = "SELECT proname FROM pg_proc WHERE proname LIKE 'modelhub\\_%'"


def rows(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        found: list[Any] = cursor.fetchall()
        return found


def test_foreign_keys_are_checked_by_the_statement() -> None:
    """A deferred one fails at COMMIT, outside of every savepoint."""
    assert rows(DEFERRED) == []


def test_every_table_of_a_tenant_names_the_organization() -> None:
    assert {table for (table,) in rows(TABLES)} - {table for (table,) in rows(WITH_ORGANIZATION)} == NOT_OF_TENANTS


def test_the_organization_comes_last_in_unique_keys() -> None:
    found = [
        (name, columns)
        for table, name, unique, primary, _, columns in rows(INDEXES)
        if unique and not primary and table not in NOT_OF_TENANTS and name not in WITHOUT_ORGANIZATION
    ]
    assert len(found) >= 5
    assert [(name, columns) for name, columns in found if columns[-1] != "organization_id"] == []


def test_no_index_repeats_the_beginning_of_a_unique_key() -> None:
    unique = [(table, name, where, key) for table, name, is_unique, _, where, key in rows(INDEXES) if is_unique]
    repeated = [
        (name, other)
        for table, name, is_unique, _, where, columns in rows(INDEXES)
        for its_table, other, its_where, key in unique
        if not is_unique
        and its_table == table
        and table not in NOT_OF_TENANTS
        and key[: len(columns)] == columns
        and its_where in {"", where}
    ]
    assert repeated == []


def test_indexes_that_begin_with_the_organization_serve_lists_only() -> None:
    """The organization comes last: else single rows could be read by such an index."""
    found = {name: where for _, name, _, _, where, columns in rows(INDEXES) if columns[0] == "organization_id"}
    whole = {name for name, where in found.items() if "'-infinity'" not in where}
    assert {name for name in whole if not name.startswith(("modelhub_user_", "modelhub_apikey_"))} == {
        "modelhub_labelversion_pkey"
    }


def test_triggers_and_functions_are_the_known_ones() -> None:
    assert set(rows(FIRED)) == TRIGGERS
    assert {name for (name,) in rows(DEFINED)} == FUNCTIONS
