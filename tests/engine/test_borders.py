"""Which pixel stands in for one beyond the edge, against NumPy's own padding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepfilter.engine.borders import border_indices

NUMPY_MODES = {"reflect": "symmetric", "mirror": "reflect", "nearest": "edge", "wrap": "wrap"}


@pytest.mark.parametrize("mode", NUMPY_MODES)
@given(length=st.integers(1, 7), before=st.integers(0, 30), after=st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_each_mode_goes_on_as_numpy_pads(mode: str, length: int, before: int, after: int) -> None:
    """At any distance from the edge the indices are those that np.pad repeats."""
    expected = np.pad(np.arange(length), (before, after), mode=NUMPY_MODES[mode])
    np.testing.assert_array_equal(border_indices(-before, length + after, length, mode), expected)


@given(length=st.integers(1, 7), before=st.integers(0, 30), after=st.integers(0, 30))
@settings(max_examples=40, deadline=None)
def test_a_constant_border_has_no_index(length: int, before: int, after: int) -> None:
    """Beyond the edge a constant border gives -1, inside the position itself."""
    expected = np.pad(np.arange(length), (before, after), constant_values=-1)
    np.testing.assert_array_equal(border_indices(-before, length + after, length, "constant"), expected)


@pytest.mark.parametrize("mode", [*NUMPY_MODES, "constant"])
def test_a_part_of_the_range_is_the_same_part_of_the_indices(mode: str) -> None:
    """Indices depend on the position alone, not on where the range begins or ends."""
    whole = border_indices(-20, 25, 5, mode)
    for first, last in ((-20, -11), (-3, 3), (4, 9), (17, 25)):
        np.testing.assert_array_equal(border_indices(first, last, 5, mode), whole[first + 20 : last + 20])


@pytest.mark.parametrize("mode", [*NUMPY_MODES, "constant"])
def test_inside_every_position_is_itself(mode: str) -> None:
    """No mode moves a position that lies inside."""
    assert border_indices(0, 4, 4, mode).tolist() == [0, 1, 2, 3]
