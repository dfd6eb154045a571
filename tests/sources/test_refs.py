import uuid

import pytest

from modelhub.core.errors import Invalid
from modelhub.sources.models import SOURCE_TYPES
from modelhub.sources.refs import SOURCE_WORDS, SourceRef, check_source_ref, source_key


def test_each_word_stands_for_a_stored_type() -> None:
    assert set(SOURCE_WORDS.values()) == set(SOURCE_TYPES)


def test_a_ref_keeps_the_names_as_they_were_sent() -> None:
    upper = str(uuid.uuid4()).upper()
    assert check_source_ref("observation_span", upper) == SourceRef("observation_span", "span", upper, upper.lower())


def test_all_spellings_of_a_uuid_have_one_key() -> None:
    one = uuid.uuid4()
    assert {source_key(text) for text in (str(one), one.hex, str(one).upper())} == {str(one)}
    assert source_key("Span_AB12") == "Span_AB12"


@pytest.mark.parametrize("source_id", ["", "a b", "a\nb", "\u200b", "x" * 256, 5, None])
def test_an_id_has_1_to_255_visible_characters(source_id: object) -> None:
    with pytest.raises(Invalid) as invalid:
        check_source_ref("trace", source_id)
    assert list(invalid.value.fields) == ["source_id"]


def test_both_names_are_reported_at_once() -> None:
    with pytest.raises(Invalid) as invalid:
        check_source_ref("robot", "")
    assert list(invalid.value.fields) == ["source_type", "source_id"]
    assert str(invalid.value).startswith("source_type must be one of trace, span, ")
    assert str(invalid.value).endswith('; source_id must be a string of 1 to 255 visible characters, got ""')
