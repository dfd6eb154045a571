"""Generated JSON values: nested, and near the shapes of label types."""

from decimal import Decimal

from hypothesis import strategies as st

numbers = st.integers() | st.decimals() | st.floats() | st.sampled_from([10**400, Decimal("1E+400"), -(10**4000)])
scalars = st.none() | st.booleans() | numbers | st.text(st.characters(codec=None)) | st.sampled_from(["up", "positive"])
keys = st.text(max_size=5) | st.sampled_from(["rating", "selected", "text", "value"])
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
)
