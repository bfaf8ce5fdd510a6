"""Reading and printing what lies beyond the edge of an image."""

from __future__ import annotations

import pytest

from sepfilter.errors import OptionError
from sepfilter.plans.border import BORDER_MODES, Border


@pytest.mark.parametrize("mode", ["reflect", "mirror", "nearest", "wrap", "constant"])
def test_each_of_scipys_names_is_read(mode: str) -> None:
    """A bare name is the mode, and the constant is 0."""
    assert Border.parse(mode) == Border(mode, 0.0)


def test_there_are_no_other_modes() -> None:
    """The five modes are all that a border can be."""
    assert sorted(BORDER_MODES) == ["constant", "mirror", "nearest", "reflect", "wrap"]


@pytest.mark.parametrize(
    ("text", "value"),
    [("constant:128", 128.0), ("constant:-1.5", -1.5), ("constant:1e3", 1000.0), ("constant:0", 0.0)],
)
def test_a_constant_takes_a_value(text: str, value: float) -> None:
    """The value may be negative, fractional, and beyond the range of any sample."""
    assert Border.parse(text).value == value


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("edge", "use one of reflect, mirror, nearest, wrap, constant"),
        ("", "use one of"),
        ("Reflect", "use one of"),
        ("reflect:3", "only constant takes a value"),
        ("wrap:", "only constant takes a value"),
        ("constant:", "is not a number"),
        ("constant:grey", "'grey' is not a number"),
        ("constant:nan", "must be finite"),
        ("constant:inf", "must be finite"),
        ("constant:-1e999", "must be finite"),
    ],
)
def test_anything_else_is_refused_with_what_to_do(text: str, fragment: str) -> None:
    """The message names what is wrong and what would be right."""
    with pytest.raises(OptionError) as caught:
        Border.parse(text)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("text", ["reflect", "mirror", "nearest", "wrap", "constant:0", "constant:-1.5"])
def test_a_border_prints_as_it_is_written(text: str) -> None:
    """What is printed can be read again."""
    assert str(Border.parse(text)) == text
