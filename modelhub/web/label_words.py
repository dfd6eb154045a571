"""Labels in words, the same on all pages."""

from modelhub.labels.models import Label
from modelhub.labels.rules import LabelRule

TYPE_NAMES = {
    "star": "Stars",
    "categorical": "Options",
    "thumbs_up_down": "Thumbs",
    "numeric": "Number",
    "text": "Text",
}


def legal_values(label: Label) -> str:
    """Return the legal values of a label, or the sentence about its unfit settings."""
    kind = LabelRule.of(label).kind
    return kind if isinstance(kind, str) else kind.legal_values(kind.settings)
