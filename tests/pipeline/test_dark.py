"""Floats that become integers: a note where next to nothing would be seen of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import Batch
from sepfilter.pipeline.dark import DARK
from sepfilter.plans.options import Options
from sepfilter.results import Job

SLOPE = np.linspace(0, 1, 300, dtype=np.float32).reshape(15, 20)


def notes(pixels: Any, **options: Any) -> tuple[str, ...]:
    """What is said of an image that becomes a PNG."""
    np.save("a.npy", pixels)
    job = Job(("a.npy",), "b.png", (named_kernel("box"),), options=Options(**options))
    (result,) = Batch.of(job).results()
    assert result.failure is None
    return result.notes


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somewhere to write."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535)])
@pytest.mark.parametrize("channels", [1, 3])
def test_floats_up_to_one_are_told_of(dtype: str, white: int, channels: int) -> None:
    """With what would show them."""
    assert f"{DARK} {white}" in notes(np.dstack([SLOPE] * channels), dtype=dtype)


def test_the_way_out_shows_them() -> None:
    """A scaled image reaches white, and nothing is said."""
    assert notes(SLOPE, dtype="uint8", scale=255) == ()


def test_floats_that_reach_further_are_as_they_should_be() -> None:
    """Levels of bytes, kept as floats."""
    assert notes(SLOPE * 255, dtype="uint8") == ()


def test_a_dark_picture_of_integers_is_no_reason() -> None:
    """It was dark before."""
    assert notes(np.ones((5, 5), np.uint8)) == ()
