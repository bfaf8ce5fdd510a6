"""What `analyze-kernel` prints: the answer first, in lines that fit, without a word that misleads."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepfilter.geometry import ImageSpec
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.notation import parse_kernel
from sepfilter.plans.analysis import KernelAnalysis, analyze
from sepfilter.plans.speeds import AVX2
from sepfilter.reports.figures import exact_or_short, rounded_up, vector
from sepfilter.reports.kernel_heading import WIDTH
from sepfilter.reports.kernel_json import kernel_json
from sepfilter.reports.kernel_text import kernel_text

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "schemas" / "kernel-1.json"

NOISE = np.random.default_rng(0)


def text_of(taps: np.ndarray) -> str:
    """Taps as they are typed."""
    return "; ".join(" ".join(f"{tap:.6f}" for tap in row) for row in taps)


CURVE = np.exp(-(np.arange(-7.0, 8.0) ** 2) / 8)
SIX_DIGITS = text_of(np.outer(CURVE, CURVE) / CURVE.sum() ** 2)

KERNELS = {
    "sobel-x": "sobel-x",
    "gradient": "sobel",
    "identity": "identity",
    "gaussian": "gaussian:2",
    "wide": "gaussian:200",
    "box": "box:101",
    "laplacian": "laplacian",
    "disk": "disk:5",
    "motion": "motion:15,45",
    "log": "log:4",
    "random": text_of(NOISE.normal(size=(31, 31))),
    "long": text_of(NOISE.normal(size=(66, 66))),
    "six digits": SIX_DIGITS,
    "zero": "0 0 0; 0 0 0; 0 0 0",
    "single": "3",
    "row": "1 2 1",
    "column": "1; 2",
    "even": "1 2; 2 4",
    "huge": "1e308 1e308; 1e308 1e308",
    "huge diagonal": "1e308 0; 0 1e308",
    "denormal": "5e-324 0; 0 5e-324",
    "beyond float64": "1 1; 1 1.00000000000000000001",
    "offset": '{"kernel": [[1, 2], [3, 4]], "offset": 128, "anchor": [0, 0]}',
}


@cache
def analysis_of(name: str) -> KernelAnalysis:
    """One of `KERNELS`, analysed once."""
    return analyze(parse_kernel(KERNELS[name]), AVX2)


def shown(name: str) -> str:
    """Its text with every run of blanks as one, so that wrapping does not matter."""
    return " ".join(kernel_text(analysis_of(name)).split())


@pytest.mark.parametrize("name", KERNELS)
def test_every_line_fits(name: str) -> None:
    """No line is longer than a terminal is wide, and none ends in a blank."""
    lines = kernel_text(analysis_of(name)).splitlines()
    assert max(map(len, lines)) <= WIDTH
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("name", KERNELS)
def test_nothing_is_nan(name: str) -> None:
    """Numbers are finite, or said to be too large."""
    words = kernel_text(analysis_of(name)).replace("[", " ").replace("]", " ").lower().split()
    assert not {"nan", "-nan", "inf", "-inf"} & set(words)


@pytest.mark.parametrize("name", KERNELS)
def test_the_json_follows_its_schema(name: str) -> None:
    """Kernels of every kind, the degenerate among them; what is not finite is null."""
    jsonschema.validate(json.loads(kernel_json(analysis_of(name))), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(
    ("name", "answer", "saving"),
    [
        ("sobel-x", "3 x 3, separable (rank 1): column [1 2 1] x row [-1 0 1]", "6 multiplications"),
        ("gaussian", "17 x 17, separable (rank 1)", "34 multiplications a sample instead of 289, 8.5 times"),
        ("disk", "not separable (rank 4)", "Yet 4 separable terms with 39 nonzero taps beat its 81"),
        ("log", "not separable (rank 2)", "Yet 2 separable terms take 132 multiplications a sample instead"),
        ("motion", "not separable (rank 11)", "One direct pass of 31 nonzero taps: predicted"),
        ("random", "not separable (rank 31)", "Fourier transforms take about"),
        (
            "six digits",
            "nearly separable: rank 8 exactly, but 1 within",
            "--max-error 0.0057 would separate it",
        ),
        ("zero", "all taps are 0 (rank 0): every result is 0", ""),
        ("identity", "the identity: samples are copied", ""),
        ("single", "a single tap", ""),
        ("row", "a single row (rank 1): one 1-D pass of 3 multiplications", ""),
        ("column", "a single column (rank 1): one 1-D pass of 2 multiplications", ""),
        ("even", "separable (rank 1)", "would take 4 multiplications a sample, one direct pass 4: no gain"),
        ("beyond float64", "to within float64 (exact rank 2)", "no gain"),
        ("gradient", "of sobel-x and sobel-y, both separable", "12 multiplications a sample instead of 18"),
    ],
)
def test_the_heading_answers(name: str, answer: str, saving: str) -> None:
    """Separable or not, why, and what that saves, before anything else."""
    heading = shown(name).split(" size ")[0].split(" recommended ")[0]
    assert answer in heading
    assert saving in heading


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("sobel-x", "rank 1, by definition"),
        ("disk", "rank 4, found exactly (fraction-free elimination), and SVD agrees"),
        ("motion", "SVD) only: the taps are floats, not fractions"),
        ("long", "SVD) only: more than 64 taps a side are not eliminated exactly"),
        ("huge diagonal", "SVD) only: exact integers would grow too long"),
        ("beyond float64", "1 by singular values (SVD), 2 exactly"),
        ("six digits", "rank 8, found exactly (fraction-free elimination), and SVD agrees; but 1 within 6.8e-07 a tap"),
    ],
)  # fmt: skip
def test_the_report_says_how_the_rank_was_found(name: str, words: str) -> None:
    """By definition, by elimination, or by singular values alone, and why; and where they disagree."""
    assert words in shown(name)


def test_rounded_digits_are_asked_about_where_they_explain_the_rank() -> None:
    """A lower rank within the last decimal place is a question; small differences of floats are not."""
    assert "rounded digits?" in shown("six digits")
    taps = np.outer(CURVE, CURVE) + 1e-7 * np.eye(15)
    found = kernel_text(analyze(Kernel.from_taps(taps), AVX2))
    assert "nearly separable: rank" in found
    assert "rounded digits?" not in found


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("sobel-x", [("direct", "9", "6"), ("separable, 1 term", "6", "5")]),
        ("disk", [("direct", "121", "81"), ("separable, 4 terms", "88", "39")]),
        ("wide", [("direct", "2,563,201", "2,563,201"), ("separable, 1 term", "3,202", "3,202")]),
    ],
)
def test_both_counts_of_every_method_are_shown(name: str, lines: list[tuple[str, str, str]]) -> None:
    """The textbook's, that without zero taps, and the predicted time, by the method's name."""
    for method, textbook, executed in lines:
        assert f"{method} {textbook} {executed} " in shown(name)
        time = shown(name).split(f"{method} {textbook} {executed} ")[1]
        assert time.split()[1] == "ns,"
    assert "fft about" in shown(name)


def test_error_bounds_are_told_by_rank() -> None:
    """The first ranks, what a term takes, and which rank is first within half a level."""
    assert "rank 1: 25.5, rank 2: 17.5, rank 3: 16.3, rank 4: 0 (levels of 255)" in shown("disk")
    assert "each term takes 22 multiplications a sample only all 4 terms are within half a level" in shown(
        "disk"
    )
    assert "rank 1 is the first within half a level: 30 multiplications" in shown("six digits")


def test_rounding_is_not_told_as_an_error() -> None:
    """All terms are the kernel, whatever the size of its taps."""
    assert "rank 1: 0 (levels of 255)" in shown("huge")


@pytest.mark.parametrize("name", ["random", "huge", "beyond float64"])
def test_factors_that_do_not_run_say_so(name: str) -> None:
    """Exact factors that are too long, or too many, are named with the reason; others are shown."""
    assert ("these do not run" in shown(name)) == (name != "random")


def test_offset_and_anchor_are_told() -> None:
    """What a kernel from JSON brings along."""
    assert "offset 128, added to every result" in shown("offset")
    assert "row 0, column 0, counted from 0: not the centre" in shown("offset")
    assert "row 1, column 1, counted from 0: just after the centre (even size)" in shown("even")


def test_the_recommendation_names_its_image() -> None:
    """The one given, or one of 12 megapixels."""
    assert "for a 12-megapixel 8-bit RGB image" in shown("disk")
    given = kernel_text(analyze(parse_kernel("disk:5"), AVX2, ImageSpec(300, 400, 1, "uint8")))
    assert "for 400 x 300 x 1, uint8" in given


def test_a_recommendation_that_is_not_the_fastest_says_why() -> None:
    """Two 1-D passes multiply less, which counts for something."""
    assert "direct is predicted to be faster; fewer multiplications" in shown("sobel-x")
    assert "is predicted to be faster" not in shown("disk")


def test_the_json_has_what_the_text_has() -> None:
    """How the rank was found, what is nearly so, the predictions and their image."""
    found = json.loads(kernel_json(analysis_of("six digits")))
    assert (found["rank"], found["exact_rank"], found["rank_source"]) == (8, 8, "elimination")
    assert found["nearly"]["rank"] == 1
    assert found["within_half_level"]["multiplications"] == 30
    assert found["predicted"].keys() == {"direct", "separable", "fft"}
    size = {"width": 4000, "height": 3000, "channels": 3, "dtype": "uint8"}
    assert found["recommendation"]["image"] == size
    assert "image" not in found


@given(value=st.floats(1e-300, 1e300))
def test_a_limit_is_rounded_up(value: float) -> None:
    """Two digits, at least the value, and not much more."""
    assert value <= float(rounded_up(value)) <= 1.12 * value


@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=200), room=st.integers(50, 90))
def test_a_vector_takes_no_more_room_than_it_has(values: list[float], room: int) -> None:
    """What does not fit is left out in the middle."""
    assert len(vector(values, room)) <= room + 2 or len(values) <= 3


@given(value=st.floats(-1e308, 1e308))
def test_a_number_in_four_digits_is_near(value: float) -> None:
    """Any number has a short word."""
    word = exact_or_short(value)
    assert len(word) <= 11
    assert float(word) == pytest.approx(value, rel=1e-3, abs=0)
