"""Update, delete and restore labels; settings that scores violate are a 409."""

import uuid
from collections.abc import Mapping
from typing import Any

from django.utils import timezone

from modelhub.core.errors import Conflict, Invalid, NotFound
from modelhub.core.exact_json import same
from modelhub.core.keyset import in_batches
from modelhub.core.models import LISTED, LIVE
from modelhub.core.text import show
from modelhub.core.transactions import in_transaction, repeat_aborted
from modelhub.labels.models import Label
from modelhub.labels.services import complete_settings, get_project_of_label, save_label
from modelhub.labels.types import get_type
from modelhub.labels.types.base import ValueRule

# After the wait for either lock the row is current: PostgreSQL reads a locked row again (READ COMMITTED).
LOCK_LABEL = """
SELECT *, pg_advisory_xact_lock(modelhub_labels_lock_v1(organization_id)) FROM modelhub_label
WHERE organization_id = %s AND id = %s AND (deleted_at IS NOT NULL) = %s FOR NO KEY UPDATE
"""


@repeat_aborted
@in_transaction
def update_label(
    *, organization_id: uuid.UUID, label_id: uuid.UUID, changes: Mapping[str, Any], force: bool = False
) -> Label:
    """Update the given fields of a label, except for its type.

    New settings are complete: omitted ones take their defaults. Raise `NotFound`, `Invalid`, and `Conflict` if stored
    scores would be illegal under the new settings, unless `force`.
    """
    label = _lock_label(organization_id, label_id)
    if changes.get("type", label.type) != label.type:
        sentence = f"type cannot be changed: it is {label.type}, got {show(changes['type'])}"
        raise Invalid.of_field("type", sentence)
    label.name = changes.get("name", label.name)
    label.allow_notes = changes.get("allow_notes", label.allow_notes)
    if "description" in changes:
        label.description = changes["description"] or ""
    if "project_id" in changes:
        label.project = get_project_of_label(organization_id, changes["project_id"])
    if "settings" in changes:
        settings = complete_settings(label.type, changes["settings"])
        if not force and not same(settings, label.settings):
            _reject_illegal_scores(label, settings)
        label.settings = settings
    label.updated_at = timezone.now()
    save_label(label)
    return label


def _reject_illegal_scores(label: Label, settings: Mapping[str, Any]) -> None:
    """Raise `Conflict` if these settings reject a live score; reads all of them."""
    rule = get_type(label.type).rule(settings)
    # With the label's id: without it, Django reads it again for each score.
    rows = label.scores.filter(LIVE, LISTED, organization_id=label.organization_id)
    batches = in_batches(rows.only("label_id", "created_at", "value"))
    if illegal := sum(not _is_legal(rule, score.value) for batch in batches for score in batch):
        scores = "1 score" if illegal == 1 else f"{illegal} scores"
        raise Conflict(
            f"With these settings {scores} of this label would no longer be legal; "
            "repeat the request with ?force=true to change the settings and keep the scores as they are",
            code="scores_affected",
        )


def _is_legal(rule: ValueRule, value: object) -> bool:
    try:
        rule(value)
    except Invalid:
        return False
    return True


@repeat_aborted
@in_transaction
def delete_label(*, organization_id: uuid.UUID, label_id: uuid.UUID) -> None:
    """Mark a label as deleted, which frees its name. Raise `NotFound`."""
    label = _lock_label(organization_id, label_id)
    label.deleted_at = label.updated_at = timezone.now()
    label.save(update_fields=["deleted_at", "updated_at"])


@repeat_aborted
@in_transaction
def restore_label(*, organization_id: uuid.UUID, label_id: uuid.UUID) -> Label:
    """Restore a deleted label. Raise `NotFound`, or `Invalid` for a taken name."""
    label = _lock_label(organization_id, label_id, deleted=True)
    label.deleted_at, label.updated_at = None, timezone.now()
    save_label(label)
    return label


def _lock_label(organization_id: uuid.UUID, label_id: uuid.UUID, *, deleted: bool = False) -> Label:
    """Return the label, locked against writers of its scores. Raise `NotFound`."""
    for label in Label.objects.raw(LOCK_LABEL, [organization_id, label_id, deleted]):
        return label
    raise NotFound(f"{'Deleted label' if deleted else 'Label'} not found: {label_id}", code="label_not_found")
