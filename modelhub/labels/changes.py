"""Verbs that change a label, take it away and bring it back. Scores stay whatever happens to their label."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from modelhub.core.errors import Conflict, Invalid, NotFound
from modelhub.core.exact_json import same
from modelhub.core.keyset import in_pieces
from modelhub.core.models import LIVE
from modelhub.core.text import show
from modelhub.core.transactions import in_one_transaction
from modelhub.labels.locks import labels_lock
from modelhub.labels.models import Label
from modelhub.labels.services import (
    check_description,
    check_flag,
    check_label_settings,
    check_name,
    check_project,
    save_label,
    wrong,
)
from modelhub.labels.types import get_type
from modelhub.labels.types.base import ValueRule

# Whoever had to wait for either lock sees the label as it is by then: PostgreSQL reads a locked row anew.
LOCK = """
SELECT *, pg_advisory_xact_lock(%s) FROM modelhub_label
WHERE organization_id = %s AND id = %s AND (deleted_at IS NOT NULL) = %s FOR NO KEY UPDATE
"""


@in_one_transaction
def update_label(
    *, organization_id: uuid.UUID, label_id: uuid.UUID, changes: Mapping[str, Any], force: bool = False
) -> Label:
    """Change what is given of name, description, settings, project and allow_notes; the type never changes.

    New settings are complete settings: what they leave out takes its default. Raises `NotFound`, `Invalid`, and
    `Conflict` when scores that are stored would not be legal any more, unless `force`.
    """
    label = _lock_label(organization_id, label_id)
    if changes.get("type", label.type) != label.type:
        raise wrong("type", f"type cannot be changed: it is {label.type}, got {show(changes['type'])}")
    if "name" in changes:
        label.name = check_name(changes["name"])
    if "description" in changes:
        label.description = check_description(changes["description"])
    if "allow_notes" in changes:
        label.allow_notes = check_flag("allow_notes", changes["allow_notes"])
    if "project" in changes:
        label.project = check_project(organization_id, changes["project"])
    if "settings" in changes:
        _change_settings(label, changes["settings"], force=force)
    label.updated_at = timezone.now()
    save_label(label)
    return label


def _change_settings(label: Label, given: object, *, force: bool) -> None:
    settings = check_label_settings(label.type, given)
    if not force and not same(settings, label.settings):
        illegal = count_illegal_scores(label, settings)
        if illegal:
            scores = "1 score" if illegal == 1 else f"{illegal} scores"
            raise Conflict(
                f"With these settings {scores} of this label would no longer be legal; "
                "repeat the request with ?force=true to change the settings and keep the scores as they are",
                code="scores_affected",
            )
    label.settings = settings


def count_illegal_scores(label: Label, settings: Mapping[str, Any]) -> int:
    """How many live scores of the label have values that these settings refuse; reads all of them."""
    rule = get_type(label.type).rule(settings)
    rows = label.scores.filter(LIVE, organization_id=label.organization_id).only("id", "created_at", "value")
    return sum(not _is_legal(rule, score.value) for piece in in_pieces(rows) for score in piece)


def _is_legal(rule: ValueRule, value: object) -> bool:
    try:
        rule(value)
    except Invalid:
        return False
    return True


@in_one_transaction
def delete_label(*, organization_id: uuid.UUID, label_id: uuid.UUID) -> None:
    """Delete softly: it takes no new scores, and its name is free again. Raises `NotFound`."""
    label = _lock_label(organization_id, label_id)
    label.deleted_at = label.updated_at = timezone.now()
    label.save(update_fields=["deleted_at", "updated_at"])


@in_one_transaction
def restore_label(*, organization_id: uuid.UUID, label_id: uuid.UUID) -> Label:
    """Bring a deleted label back. Raises `NotFound` for one that is not deleted, `Invalid` when its name is taken."""
    label = _lock_label(organization_id, label_id, deleted=True)
    label.deleted_at, label.updated_at = None, timezone.now()
    save_label(label)
    return label


def _lock_label(organization_id: uuid.UUID, label_id: uuid.UUID, *, deleted: bool = False) -> Label:
    """The label, once no score is being judged by it; raises `NotFound`."""
    parameters = [labels_lock(organization_id), organization_id, label_id, deleted]
    for label in Label.objects.raw(LOCK, parameters):
        return label
    raise NotFound(f"{'Deleted label' if deleted else 'Label'} not found: {label_id}", code="label_not_found")
