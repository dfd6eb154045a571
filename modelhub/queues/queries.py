"""Reads of queues' items."""

import uuid
from collections.abc import Sequence

from modelhub.core.bounded import read_all
from modelhub.core.errors import NotFound
from modelhub.core.models import LIVE
from modelhub.core.structs import columns_of, read_structs
from modelhub.queues.access import Access
from modelhub.queues.models import Item
from modelhub.queues.rows import GoldItemRow, ItemRow


def item_rows(access: Access, item_ids: Sequence[uuid.UUID]) -> list[ItemRow]:
    """Return live items of the queue as the actor sees them, in the order of the ids.

    Ids of no live item of the queue are left out. Gold items are recognizable for managers and reviewers only.
    The number of statements does not grow with that of items. Raise `Invalid` above `MAX_ANSWER_BYTES`.
    """
    struct = GoldItemRow if access.sees_all else ItemRow
    organization_id = access.queue.organization_id
    items = Item.objects.filter(LIVE, organization_id=organization_id, queue=access.queue.pk, pk__in=item_ids)
    rows = read_structs(struct, read_all(items.values_list(*columns_of(struct))))
    found = {row.id: row for row in rows}
    return [found[str(item_id)] for item_id in item_ids if str(item_id) in found]


def get_item_row(access: Access, item_id: uuid.UUID) -> ItemRow:
    """Return one live item of the queue as the actor sees it. Raise `NotFound`."""
    rows = item_rows(access, [item_id])
    if not rows:
        raise item_not_found(item_id)
    return rows[0]


def item_not_found(item_id: object) -> NotFound:
    """Return the error of an item that is missing, removed or of another queue."""
    return NotFound(f"Item not found: {item_id}", code="item_not_found")
