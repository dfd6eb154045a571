"""Sentences of the API in the words of a form."""

import pytest

from modelhub.core.errors import Invalid
from modelhub.web.form_errors import errors_by_field, name_fields

TITLES = {"min": "From", "max": "To", "label_ids": "Labels"}


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ('min must be a number, got ""', 'From must be a number, got ""'),
        ("min must be less than max, got 9 and 1", "From must be less than To, got 9 and 1"),
        ("label_ids[3] must be the id of a label", "Labels must be the id of a label"),
        ("must have at least one of min, max", "must have at least one of From, To"),
        ('A label named "a, min" exists', 'A label named "a, min" exists'),
        ('max must be a number, got "say \\"of min"', 'To must be a number, got "say \\"of min"'),
        ("the minimum of min", "the minimum of min"),
    ],
)
def test_fields_have_their_titles_and_sent_words_stay(sentence: str, shown: str) -> None:
    assert name_fields(sentence, TITLES) == shown


def test_a_sentence_belongs_to_the_field_that_it_begins_with() -> None:
    refused = Invalid("max must be a number", fields={"settings": ["max must be a number", "options must differ"]})
    errors = errors_by_field(refused, TITLES, str.upper)
    assert errors == {"max": ["MAX MUST BE A NUMBER"], "settings": ["OPTIONS MUST DIFFER"]}
    assert errors_by_field(None, TITLES, str.upper) == {}
