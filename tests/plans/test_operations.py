"""Counting operations: the textbook's numbers, and those really made."""

from __future__ import annotations

from math import log2
from typing import Any

import numpy as np
import pytest

from sepfilter.engine.planning import make_plan
from sepfilter.geometry import ImageSpec
from sepfilter.plans.operations import Operations, count, separable_multiplications
from sepfilter.plans.passes import DirectPass, FFTPass, SeparablePass

GREY = ImageSpec(20, 30, 1, "uint8")


def counts(kernel: Any, spec: ImageSpec = GREY, **options: Any) -> Operations:
    """What a plan counts."""
    return make_plan(kernel, spec, **options).operations


@pytest.mark.parametrize(
    ("kernel", "separable", "direct"),
    [
        ("box:3", 6, 9),
        ("binomial:5", 10, 25),
        ("gaussian:3", 50, 625),
        ("sobel-x", 6, 9),
        ("sobel", 12, 18),
        ("scharr", 12, 18),
        ("box:height=3,width=11", 14, 33),
        (["gaussian:1", "sobel-x"], 18 + 6, 81 + 9),
        (["box:3", "sobel", "box:5"], 6 + 12 + 10, 9 + 18 + 25),
    ],
)
def test_the_textbook_counts_every_tap(kernel: Any, separable: int, direct: int) -> None:
    """R (kh + kw) against kh kw a sample; a gradient or a cascade is the sum over its kernels."""
    found = counts(kernel, border="nearest")
    assert found.multiplications_per_sample == separable
    assert found.multiplications == separable * 600
    assert found.direct_multiplications == direct * 600
    assert found.ratio == direct / separable


@pytest.mark.parametrize("kernel", ["box:3", "gaussian:3", "sobel", "laplacian"])
def test_a_direct_pass_is_its_own_measure(kernel: str) -> None:
    """Direct counts are the same on both sides, and their ratio 1."""
    found = counts(kernel, method="direct")
    assert found.multiplications == found.direct_multiplications
    assert found.ratio == 1


@pytest.mark.parametrize(
    ("kernel", "options", "executed"),
    [
        ("sobel-x", {}, 5),
        ("sobel-x", {"method": "direct"}, 6),
        ("sobel", {}, 10),
        ("laplacian", {}, 5),
        ("emboss", {}, 7),
        ("roberts", {}, 4),
        ("gaussian:3", {}, 50),
        ("box:3", {"method": "direct"}, 9),
        (["sobel-x", "laplacian"], {}, 10),
    ],
)
def test_executed_counts_skip_taps_of_0(kernel: Any, options: dict[str, str], executed: int) -> None:
    """What is really multiplied leaves out zero taps of the chosen passes."""
    assert counts(kernel, **options).executed_multiplications == executed * 600


@pytest.mark.parametrize(
    ("kernel", "options", "additions"),
    [
        ("box:3", {}, 2 + 2),
        ("box:3", {"method": "direct"}, 8),
        ("laplacian", {"method": "separable"}, 2 * (2 + 2) + 1),
        ("sobel", {}, 8),
    ],
)
def test_additions_are_one_less_than_taps_and_one_for_each_further_term(
    kernel: str, options: dict[str, str], additions: int
) -> None:
    """n products take n - 1 additions, and terms are added up."""
    assert counts(kernel, **options).additions == additions * 600


def test_each_channel_counts() -> None:
    """Counts are for samples: pixels times channels."""
    colour = ImageSpec(20, 30, 3, "uint8")
    assert counts("box:3", colour).multiplications == 3 * counts("box:3").multiplications
    assert counts("box:3", colour).samples == 1800


@pytest.mark.parametrize("kernel", ["box:5", "sobel"])
def test_valid_padding_counts_the_samples_that_come_out(kernel: str) -> None:
    """Fewer samples come out, and each takes as many multiplications."""
    same, valid = counts(kernel), counts(kernel, padding="valid")
    side = 5 if kernel == "box:5" else 3
    assert valid.samples == (21 - side) * (31 - side)
    assert valid.multiplications_per_sample == same.multiplications_per_sample


def test_opacity_that_is_filtered_counts() -> None:
    """Premultiplied, opacity is filtered as one more channel; kept, it costs nothing."""
    spec = ImageSpec(20, 30, 4, "uint8", alpha=True)
    assert counts("box:3", spec).multiplications == 4 * 600 * 6
    assert counts("box:3", spec, alpha="separate").multiplications == 4 * 600 * 6
    assert counts("box:3", spec, alpha="keep").multiplications == 3 * 600 * 6
    assert counts("sobel-x", spec).multiplications == 3 * 600 * 6


def test_low_rank_counts_its_terms() -> None:
    """Rank R takes R column and row passes, rank 0 nothing at all."""
    for rank in (1, 2, 3):
        assert counts("disk:4", rank=rank).multiplications_per_sample == rank * 18
        assert separable_multiplications(9, 9, rank) == rank * 18
    nothing = counts("disk:4", rank=0)
    assert (nothing.multiplications, nothing.additions, nothing.ratio) == (0, 0, 1.0)


def test_passes_over_the_same_image_add_up() -> None:
    """Two passes count what each of them counts."""
    one = DirectPass(np.array([[1.0, 0, 2]]))
    other = SeparablePass(np.array([[1.0, 2], [0, 1]]), np.array([[1.0, 1, 1], [0, 0, 3]]))
    first, second, both = count([one], 7), count([other], 7), count([one, other], 7)
    assert first == Operations(21, 14, 14, 21, 7)
    assert second == Operations(7 * 10, 7 * 7, 7 * (2 * 3 + 1), 7 * 6, 7)
    assert both == Operations.total([first, second], 7)


@pytest.mark.parametrize("block", [(64, 64), (128, 512)])
def test_transforms_are_counted_by_the_block(block: tuple[int, int]) -> None:
    """Two real transforms and a product of complex values, for the results that a block yields."""
    one = FFTPass(DirectPass(np.ones((9, 17))), block)
    points = block[0] * block[1]
    results = (block[0] - 8) * (block[1] - 16)
    found = count([one], results)
    assert found.multiplications == 2 * points * log2(points) + 2 * points
    assert found.executed_multiplications == found.multiplications
    assert found.direct_multiplications == 9 * 17 * results
