"""Answers about agreement (contract 7.8)."""

from copy import deepcopy
from typing import Any, get_args

from drf_spectacular.utils import inline_serializer
from rest_framework import serializers

from modelhub.core.schema import counts
from modelhub.labels.types import LABEL_TYPES
from modelhub.labels.types.base import Level
from modelhub.scores.models import SCORE_SOURCES

LEVELS = get_args(Level)
Fields = dict[str, Any]


def figures(*names: str) -> Fields:
    """Return fields of figures, null where they are undefined."""
    return {name: serializers.FloatField(allow_null=True) for name in names}


def reason() -> serializers.CharField:
    return serializers.CharField(allow_null=True, help_text="Why alpha is null.")


def label_fields() -> Fields:
    return {
        "label_id": serializers.UUIDField(),
        "label_name": serializers.CharField(),
        "label_type": serializers.ChoiceField(LABEL_TYPES),
    }


OF_ITEMS: Fields = {
    **counts("disagreement_count"),
    "disagreement_items": serializers.ListField(child=serializers.UUIDField(), help_text="The oldest 20."),
}
OF_SOURCES: Fields = {
    **counts("disagreement_count"),
    "disagreement_sources": inline_serializer(
        "DisagreementSource",
        {"source_type": serializers.CharField(), "source_id": serializers.CharField()},
        many=True,
        help_text="The oldest 20.",
    ),
}


WEIGHTED_KAPPA = inline_serializer("WeightedKappa", figures("linear", "quadratic"))
INTERVAL = inline_serializer(
    "ConfidenceInterval",
    {
        "low": serializers.FloatField(),
        "high": serializers.FloatField(),
        "level": serializers.FloatField(),
        **counts("resamples"),
    },
    allow_null=True,
)
AGREEMENT_WITH_PEOPLE = inline_serializer(
    "AgreementWithPeople",
    {
        **counts("items"),
        **figures("alpha_of_people", "alpha_with_people", "difference"),
        "interval": INTERVAL,
        "reason": serializers.CharField(allow_null=True, help_text="Why the figures, or the interval, are null."),
    },
    help_text="A judge in place of a person, over the items of the judge and of two people or more.",
)
OPTION_AGREEMENT = inline_serializer(
    "OptionAgreement",
    {"option": serializers.CharField(), **figures("alpha"), "reason": reason(), **counts("selected")},
    many=True,
)


def label_answer(name: str, units: Fields) -> Any:
    return inline_serializer(
        name,
        {
            **label_fields(),
            "level": serializers.ChoiceField(LEVELS),
            **figures("agreement_pct", "agreement_score", "percent_agreement", "cohens_kappa"),
            "weighted_kappa": WEIGHTED_KAPPA,
            **figures("fleiss_kappa", "ac1", "alpha", "alpha_jaccard"),
            "alpha_interval": INTERVAL,
            "options": OPTION_AGREEMENT,
            **counts("items", "pairable_values", "annotators", "unusable"),
            **units,
            "reason": reason(),
            "reasons": serializers.DictField(child=serializers.CharField(), help_text="Sentences by null field."),
        },
        many=True,
    )


def judge_answer(name: str, units: Fields) -> Any:
    return inline_serializer(
        name,
        {
            **label_fields(),
            "judge_id": serializers.UUIDField(),
            "judge_name": serializers.CharField(),
            "score_sources": serializers.ListField(child=serializers.ChoiceField(SCORE_SOURCES)),
            **figures("agreement_pct", "cohens_kappa", "alpha"),
            **counts("total_comparisons", "ties"),
            **units,
            "reason": reason(),
            "with_people": AGREEMENT_WITH_PEOPLE,
        },
        many=True,
    )


PairsAnswer = inline_serializer(
    "AnnotatorPair",
    {
        "annotator_1_id": serializers.UUIDField(),
        "annotator_1_name": serializers.CharField(),
        "annotator_2_id": serializers.UUIDField(),
        "annotator_2_name": serializers.CharField(),
        **figures("agreement_pct"),
        **counts("total_comparisons"),
        "per_label": inline_serializer(
            "AnnotatorPairOfLabel",
            {
                "label_id": serializers.UUIDField(),
                **figures("agreement_pct"),
                **counts("total_comparisons"),
                **figures("cohens_kappa"),
                "weighted_kappa": WEIGHTED_KAPPA,
            },
            many=True,
        ),
    },
    many=True,
)


def answer(name: str, labels: Any, judges: Any, **more: Any) -> Any:
    """Return the serializer of an answer: `per_label` is `labels` again."""
    return inline_serializer(
        name,
        {
            **more,
            **figures("overall_agreement"),
            "labels": labels,
            # Of one instance, the schema has only the last field.
            "per_label": deepcopy(labels),
            "annotator_pairs": PairsAnswer,
            "annotator_pairs_reason": serializers.CharField(allow_null=True, help_text="Why pairs are missing."),
            "judge_vs_human": judges,
        },
    )


QueueAgreementAnswer = answer(
    "QueueAgreement",
    label_answer("LabelAgreement", OF_ITEMS),
    judge_answer("JudgeAgreement", OF_ITEMS),
    queue_id=serializers.UUIDField(),
)
AgreementAnswer = answer(
    "Agreement",
    label_answer("LabelAgreementOfSources", OF_SOURCES),
    judge_answer("JudgeAgreementOfSources", OF_SOURCES),
)
