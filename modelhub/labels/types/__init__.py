"""Register the label types, one file each."""

from modelhub.labels.types.base import LabelType
from modelhub.labels.types.categorical import Categorical
from modelhub.labels.types.numeric import Numeric
from modelhub.labels.types.star import Star
from modelhub.labels.types.text import Text
from modelhub.labels.types.thumbs_up_down import ThumbsUpDown

_TYPES: dict[str, type[LabelType]] = {one.name: one for one in (Text, Numeric, Categorical, Star, ThumbsUpDown)}

LABEL_TYPES = tuple(_TYPES)


def get_type(name: str) -> type[LabelType]:
    """Return a label type by its name in `LABEL_TYPES`. Raise `KeyError`."""
    return _TYPES[name]
