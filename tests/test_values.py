"""Values: frozen, slotted dataclasses that compare by their fields."""

import pickle
from copy import copy, deepcopy
from dataclasses import FrozenInstanceError, asdict, field, fields, is_dataclass, replace

import numpy as np
import pytest

from sepfilter.values import value


@value
class Size:
    """Two numbers, one with a default."""

    height: int
    width: int = 1


@value
class Grid:
    """An array, something not compared, and something worked out."""

    taps: np.ndarray
    found: dict[int, int] = field(default_factory=dict, compare=False, repr=False)
    rows: int = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "rows", len(self.taps))


@value
class Loud:
    """A value that writes itself its own way."""

    word: str

    def __repr__(self):
        return self.word.upper()


@pytest.mark.parametrize(("name", "new"), [("height", 2), ("height", 1), ("rows", 3), ("other", 3)])
def test_nothing_can_be_assigned_to_a_value(name, new):
    """Neither a field, to something else or the same, nor a property, nor a name that it does not have."""
    with pytest.raises((FrozenInstanceError, AttributeError)):
        setattr(Size(1), name, new)


def test_no_field_can_be_deleted():
    """A value stays whole."""
    size = Size(1)
    with pytest.raises(FrozenInstanceError, match="height"):
        del size.height
    assert size.height == 1


def test_a_value_has_slots_and_no_dictionary():
    """A value costs no more memory than its fields."""
    assert not hasattr(Size(1), "__dict__")


def test_values_of_one_class_are_equal_where_their_fields_are():
    """Equality and hash go by the fields."""
    assert Size(2) == Size(2, 1)
    assert hash(Size(2)) == hash(Size(2, 1))
    assert Size(2) != Size(2, 2)


def test_a_value_equals_nothing_of_another_class():
    """Not a tuple of the same numbers, nor a subclass."""

    @value
    class Other(Size):
        pass

    assert Size(2) != (2, 1)
    assert Size(2) != Other(2)


def test_arrays_compare_by_shape_and_numbers():
    """Equal arrays make equal values, and the same numbers in another shape do not."""
    taps = np.arange(4.0)
    assert Grid(taps) == Grid(taps.copy())
    assert hash(Grid(taps)) == hash(Grid(taps.copy()))
    assert Grid(taps) != Grid(taps + 1)
    assert Grid(taps.reshape(4, 1)) != Grid(taps.reshape(4, 1, 1))


def test_a_field_may_be_left_out_of_comparison_and_representation():
    """As in any dataclass."""
    taps = np.arange(2.0)
    assert Grid(taps, {1: 2}) == Grid(taps, {})
    assert repr(Grid(taps, {1: 2})) == "Grid(taps=array([0., 1.]), rows=2)"


def test_the_functions_of_dataclasses_work():
    """`replace`, `fields`, `asdict` and matching by position."""
    assert is_dataclass(Size)
    assert replace(Size(2), width=3) == Size(2, 3)
    assert [one.name for one in fields(Size)] == ["height", "width"]
    assert asdict(Size(2)) == {"height": 2, "width": 1}
    match Size(2, 3):
        case Size(height, width):
            assert (height, width) == (2, 3)


def sent(one):
    """What another process would be given."""
    return pickle.loads(pickle.dumps(one))  # noqa: S301


@pytest.mark.parametrize("copied", [copy, deepcopy, sent])
def test_values_can_be_copied_and_sent(copied):
    """A copy is equal, and as frozen."""
    grid = copied(Grid(np.arange(3.0)))
    assert grid == Grid(np.arange(3.0))
    with pytest.raises(FrozenInstanceError):
        grid.rows = 4


def test_a_class_keeps_methods_of_its_own():
    """What the class defines is not replaced."""
    assert repr(Loud("word")) == "WORD"
