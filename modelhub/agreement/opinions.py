"""The scores of single cells as clients see them, their majority and median."""

from collections.abc import Hashable, Iterable, Sequence
from typing import Annotated, Any

import msgspec
from django.db.models import Q

from modelhub.agreement.levels import Raters, find_majority, get_median, has_steps
from modelhub.agreement.posteriors import plain_class
from modelhub.agreement.reading import is_chosen
from modelhub.core import exact_json
from modelhub.core.bounded import read_all
from modelhub.core.models import LIVE
from modelhub.core.structs import Choice, Moment, PlainValue, StructRows, Text, Uuid, columns_of, display_name
from modelhub.labels.rules import LabelRule
from modelhub.labels.types import get_type
from modelhub.queues.models import Queue
from modelhub.scores.models import SCORE_SOURCES, Score


class Opinion(msgspec.Struct, frozen=True, gc=False):
    """A score of a cell; `value` is JSON text."""

    annotator_id: Annotated[str, Uuid()]
    annotator_name: Annotated[str, Text(display_name("annotator"))]
    value: Annotated[Any, PlainValue()]
    score_source: Annotated[str, Choice(words=SCORE_SOURCES)]
    notes: Annotated[str, Text()]
    score_id: Annotated[str, Uuid("id")]
    updated_at: Annotated[str, Moment()]


class OpinionOfCell(Opinion, frozen=True, gc=False):
    item_id: Annotated[str, Uuid("queue_item")]
    label_id: Annotated[str, Uuid()]


class OpinionRows(StructRows[OpinionOfCell]):
    struct = OpinionOfCell


def read_opinions(
    queue: Queue, cells: Iterable[tuple[str, str]], raters: Raters
) -> dict[tuple[str, str], list[OpinionOfCell]]:
    """Return the scores of cells, oldest first.

    Raise `Invalid` above `MAX_ANSWER_BYTES`.
    """
    found: dict[tuple[str, str], list[OpinionOfCell]] = {cell: [] for cell in cells}
    by_label: dict[str, list[str]] = {}
    for item_id, label_id in found:
        by_label.setdefault(label_id, []).append(item_id)
    in_cells = Q(pk__in=())
    for label_id, item_ids in by_label.items():
        in_cells |= Q(label=label_id, queue_item__in=item_ids)
    scores = OpinionRows(Score).filter(LIVE, in_cells, organization_id=queue.organization_id, queue_id=queue.pk)
    rows = scores.order_by("created_at", "id").values_list(*columns_of(OpinionOfCell))
    for one in read_all(rows):
        if is_chosen(one.score_source, raters):
            found[one.item_id, one.label_id].append(one)
    return found


def describe_opinions(label: LabelRule, opinions: Iterable[OpinionOfCell]) -> dict[str, Any]:
    """Return the plain values of a cell's scores, their majority and their median.

    Values that the label cannot compare are in neither.
    """
    kind = get_type(label.type)
    values, usable = [], []
    numbers: list[Any] = []
    for one in opinions:
        stored = _read_value(one.value)
        content, plain = stored.get(kind.key), kind.plain(stored)
        shown = {name: getattr(one, name) for name in Opinion.__struct_fields__}
        values.append(shown | {"value": plain})
        try:
            usable.append((label.comparable(content), plain))
        except ValueError:
            continue
        numbers.append(content)
    return {
        "values": values,
        "majority": _find_majority(label, usable),
        "median": get_median(numbers) if numbers and has_steps(label.level) else None,
    }


def _read_value(text: str) -> dict[str, Any]:
    try:
        stored: dict[str, Any] = exact_json.loads(text)
    except ValueError:
        # Nested too deeply: only other writers than this API store such.
        return {}
    return stored


def _find_majority(label: LabelRule, usable: Sequence[tuple[Hashable, Any]]) -> Any:
    majority = find_majority(value for value, _ in usable) if usable else None
    if majority is None:
        return None
    # Comparable numbers and texts are no values of their labels.
    first: Any = next(plain for value, plain in usable if value == majority)
    return first if label.level in ("interval", "none") else plain_class(majority)
