"""Options that have no meaning or contradict one another, and the words in which they are refused."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import pytest

from sepfilter.engine.planning import make_plan
from sepfilter.errors import OptionError, SepfilterError, ShapeError
from sepfilter.geometry import ImageSpec
from sepfilter.plans.border import Border
from sepfilter.plans.options import Options

GREY = ImageSpec(20, 30, 1, "uint8")
FLOAT = ImageSpec(20, 30, 1, "float32")
OPAQUE = ImageSpec(20, 30, 4, "uint8", alpha=True)


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"border": "edge"}, "border 'edge': use one of reflect, mirror"),
        ({"border": "constant:x"}, "'x' is not a number"),
        ({"padding": "full"}, "padding 'full': use one of same, valid"),
        ({"method": "quick"}, "method 'quick': use one of auto, direct, separable"),
        ({"precision": "half"}, "precision 'half': use one of auto, exact"),
        ({"alpha": "drop"}, "alpha 'drop': use one of premultiply, separate, keep"),
        ({"rank": -1}, "rank -1: it must be a whole number, at least 0"),
        ({"rank": 1.5}, "rank 1.5"),
        ({"max_error": -0.1}, "max error -0.1"),
        ({"max_error": float("nan")}, "max error nan"),
        ({"max_error": float("inf")}, "max error inf"),
        ({"levels": 0}, "levels 0: it must be a number above 0"),
        ({"levels": -1.0}, "levels -1.0"),
        ({"levels": float("nan")}, "levels nan"),
        ({"rank": 1, "max_error": 1.0}, "give one of them"),
        ({"method": "direct", "rank": 1}, "a direct pass has no rank"),
        ({"method": "direct", "max_error": 0.5}, "a direct pass has no rank"),
    ],
)
def test_options_are_checked_as_they_are_given(options: dict[str, Any], fragment: str) -> None:
    """The message names the option, its value, and what would be right."""
    with pytest.raises(OptionError) as caught:
        Options(**options)
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    ("kernel", "spec", "options", "fragment"),
    [
        ("box:3", GREY, {"levels": 255}, "levels are for float images: uint8 has 255"),
        ("box:3", FLOAT, {"precision": "exact"}, "samples of type float32 are not integers"),
        ("box:3", OPAQUE, {"precision": "exact"}, "multiplied by alpha are not integers"),
        ("box:3", GREY, {"precision": "exact", "border": "constant:0.5"}, "constant:0.5 is not an integer"),
        ("box:3", GREY, {"precision": "exact", "scale": 0.3}, "round the result a second time"),
        ("box:3", GREY, {"precision": "exact", "offset": 0.5}, "round the result a second time"),
        ("box:3", GREY, {"precision": "exact", "dtype": "uint16"}, "round the result a second time"),
        ("gaussian:1", GREY, {"precision": "exact"}, "gaussian:1 has no factors or taps"),
        ([[1e12]], ImageSpec(4, 4, 1, "uint16"), {"precision": "exact"}, "sums beyond 2**51"),
        (
            ["box:3", "box:5"],
            GREY,
            {"precision": "exact", "border": "nearest"},
            "box:3 does not leave integers",
        ),
        (["sobel", "laplacian"], GREY, {"precision": "exact"}, "sobel does not leave integers"),
        ("box:3", GREY, {"output_range": "float", "dtype": "uint8"}, "keeps fractions"),
        ("box:3", GREY, {"output_range": "none"}, "range 'none'"),
        ("box:3", GREY, {"scale": float("inf")}, "scale inf"),
        ("box:3", GREY, {"dtype": "complex64"}, "images of type complex64 are not filtered"),
        ("box:3", GREY, {"dtype": "int64"}, "use one of uint8, uint16"),
        ("box:3", GREY, {"dtype": "nonsense"}, "images of type nonsense are not filtered"),
    ],
)
def test_options_that_an_image_or_kernel_cannot_have_are_refused(
    kernel: Any, spec: ImageSpec, options: dict[str, Any], fragment: str
) -> None:
    """What contradicts the image or the kernel is refused before a pixel is read, and why."""
    with pytest.raises(OptionError) as caught:
        make_plan(kernel, spec, **options)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("options", [{"precision": "exact"}, {"method": "quick"}])
def test_errors_are_the_packages_and_value_errors(options: dict[str, str]) -> None:
    """A caller may catch either."""
    with pytest.raises(SepfilterError):
        make_plan("box:3", FLOAT, **options)
    with pytest.raises(ValueError, match=r"precision|method"):
        make_plan("box:3", FLOAT, **options)


@pytest.mark.parametrize(
    ("kernel", "height", "width"),
    [("box:5", 4, 9), ("box:5", 9, 4), ("sobel", 2, 9), (["box:3", "box:3"], 4, 9)],
)
def test_valid_padding_of_an_image_smaller_than_the_kernel_is_refused(
    kernel: Any, height: int, width: int
) -> None:
    """Nothing would be left; the message says what to use."""
    with pytest.raises(ShapeError, match="valid padding leaves nothing; use --padding same"):
        make_plan(kernel, ImageSpec(height, width, 1, "uint8"), padding="valid")


def test_an_option_of_no_such_name_is_refused() -> None:
    """A misspelt keyword does not pass silently."""
    with pytest.raises(TypeError, match="boarder"):
        make_plan("box:3", GREY, boarder="wrap")


def test_a_border_may_be_given_as_a_value() -> None:
    """A Border says the same as its text."""
    given = make_plan("box:3", GREY, border=Border("constant", 7.0))
    assert given == make_plan("box:3", GREY, border="constant:7")


def test_options_cannot_be_changed() -> None:
    """What was checked stays as it was checked."""
    with pytest.raises(FrozenInstanceError):
        Options().rank = 3  # type: ignore[misc]


@pytest.mark.parametrize("rank", [2, np.int64(2), np.uint8(2)])
def test_a_rank_is_any_whole_number(rank: Any) -> None:
    """Whole numbers of other types mean the same."""
    assert make_plan("disk:3", GREY, rank=rank).rank == 2
