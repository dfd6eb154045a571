"""What is at hand of a label and of a score while many are judged, written and shown: plain values, no model.

A model costs ten microseconds to make, and a request may carry a thousand scores. `gc=False`: none of these is ever
part of a cycle, and thousands of them would set the garbage collector to work.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec
from django.db.models import Func, QuerySet, TextField
from django.db.models.functions import Cast
from django.db.models.query import ValuesListIterable

from modelhub.accounts.models import User
from modelhub.core.exact_json import timestamp
from modelhub.labels.rows import LabelView
from modelhub.scores.models import Score

# `exact_json.timestamp` in SQL.
TIME = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


class ScoreView(msgspec.Struct, gc=False):
    """A score as it is stored, or will be, with all that an answer shows of it.

    `value` is an object, or the JSON of one that goes from the database to the client as it is. Times are text, too:
    PostgreSQL spells them faster than Python reads them and spells them again.
    """

    id: str
    source_type: str
    source_id: str
    label_id: str
    label_name: str
    label_type: str
    value: dict[str, Any] | msgspec.Raw
    score_source: str
    notes: str
    annotator_id: str
    annotator_name: str
    annotator_email: str
    queue_item: str | None
    created_at: str
    updated_at: str

    @classmethod
    def of(cls, score: Score) -> "ScoreView":
        """The view of a model whose source, label and annotator are at hand."""
        source, label, annotator = score.source, score.label, score.annotator
        return cls(
            str(score.pk),
            source.source_type,
            source.source_id,
            str(label.pk),
            label.name,
            label.type,
            score.value,
            score.score_source,
            score.notes,
            str(annotator.pk),
            annotator.name,
            annotator.email,
            str(score.queue_item) if score.queue_item else None,
            timestamp(score.created_at),
            timestamp(score.updated_at),
        )


ViewMaker = Callable[[str, LabelView, dict[str, Any] | msgspec.Raw, str, str, str, str], ScoreView]


def view_maker(source_type: str, source_id: str, annotator: User) -> ViewMaker:
    """What makes views of an annotator's scores of a source outside of any queue, of what differs between them."""
    annotator_id = str(annotator.pk)

    def view(  # noqa: PLR0917 - thousands of calls
        score_id: str,
        label: LabelView,
        value: dict[str, Any] | msgspec.Raw,
        score_source: str,
        notes: str,
        created_at: str,
        updated_at: str,
    ) -> ScoreView:
        return ScoreView(
            score_id,
            source_type,
            source_id,
            label.id,
            label.name,
            label.type,
            value,
            score_source,
            notes,
            annotator_id,
            annotator.name,
            annotator.email,
            None,
            created_at,
            updated_at,
        )

    return view


# Where the value stands among the fields.
VALUE = ScoreView.__struct_fields__.index("value")


def as_views(rows: QuerySet[Score]) -> "QuerySet[Score, ScoreView]":
    """The same scores as views, read without a model each; filters, order and slices go on working."""
    views = rows.values_list(
        _text("id"),
        "source__source_type",
        "source__source_id",
        _text("label_id"),
        "label__name",
        "label__type",
        _text("value"),
        "score_source",
        "notes",
        _text("annotator_id"),
        "annotator__name",
        "annotator__email",
        _text("queue_item"),
        _time("created_at"),
        _time("updated_at"),
    )
    views._iterable_class = _Views  # how values_list itself does it
    return cast("QuerySet[Score, ScoreView]", views)


def _text(column: str) -> Cast:
    return Cast(column, TextField())


def _time(column: str) -> Func:
    return Func(column, template=TIME.format("%(expressions)s"), output_field=TextField())


class _Views(ValuesListIterable):  # type: ignore[type-arg] # it takes one in the stubs only
    def __iter__(self) -> Iterator[ScoreView]:
        for row in super().__iter__():
            view = ScoreView(*row)
            view.value = msgspec.Raw(row[VALUE].encode())
            yield view
