"""The tables with rows of one organization, derived from the models."""

from functools import cache
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model

# With the id of an organization as $1.
OF_ORGANIZATION = "organization_id = $1"
OF_USERS = "{column} IN (SELECT id FROM {users} WHERE organization_id = $1)"


@cache
def tenant_tables() -> dict[str, str]:
    """Map each table with rows of organizations to the SQL condition of those of $1.

    Rows that name a user and no organization come first, then the models in the order of their definition: a row comes
    before those that refer to it.
    """
    users = get_user_model()
    organizations: Any = users._meta.get_field("organization").related_model
    of_users, of_organizations = {}, {organizations._meta.db_table: "id = $1"}
    for model in apps.get_models(include_auto_created=True):
        columns = {field.related_model: field.column for field in model._meta.concrete_fields if field.is_relation}
        table = model._meta.db_table
        if organizations in columns:
            of_organizations[table] = OF_ORGANIZATION
        elif users in columns:
            of_users[table] = OF_USERS.format(column=columns[users], users=users._meta.db_table)
    return of_users | of_organizations
