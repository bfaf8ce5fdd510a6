"""Tone curves: against their formulas written out, and against their own inverse."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sepfilter.images.light.tone_curves import SRGB, Curve, PowerCurve, SampledCurve

LEVEL_ENDS = SampledCurve("level ends", (0, 0, 0, 10, 20, 20, 1000, 65535, 65535))
RAISED = PowerCurve("raised", 2.0, a=0.75, b=0.25, c=0.25, d=0.25, e=0.0, f=0.125)
CURVES = (
    SRGB,
    PowerCurve("linear", 1.0),
    PowerCurve("gamma 2.2", 2.2),
    PowerCurve("gamma 1 / 1.8", 1 / 1.8),
    SampledCurve("table", tuple(round(65535 * (i / 255) ** 1.8) + i for i in range(255))),
    SampledCurve("two entries", (1000, 60000)),
    RAISED,
)

curves = st.sampled_from(CURVES)
tables = st.lists(st.integers(0, 65535), min_size=2, max_size=40).map(lambda one: tuple(sorted(one)))
samples = arrays(np.float64, 40, elements=st.floats(-1.5, 1.5, allow_subnormal=False))


def iec(encoded: float) -> float:
    """IEC 61966-2-1, equations 5 and 6."""
    return encoded / 12.92 if encoded <= 0.04045 else ((encoded + 0.055) / 1.055) ** 2.4


def test_srgb_is_the_standard_curve() -> None:
    """Every 16-bit value agrees with the formula of the standard."""
    encoded = np.arange(65536) / 65535
    expected = [iec(value) for value in encoded.tolist()]
    np.testing.assert_allclose(SRGB.to_linear(encoded), expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("encoded", "linear"), [(0.0, 0.0), (1.0, 1.0), (0.5, 0.21404114), (0.04, 0.00309598)]
)
def test_srgb_has_the_values_in_print(encoded: float, linear: float) -> None:
    """Half is 21.4 % of the light; both ends stay where they are."""
    assert float(SRGB.to_linear(np.array(encoded))) == pytest.approx(linear, abs=1e-8)


@given(curves, samples)
def test_decoding_then_encoding_gives_the_sample_back(curve: Curve, encoded: np.ndarray) -> None:
    """Inside the range, below black and above white."""
    returned = curve.from_linear(curve.to_linear(encoded))
    np.testing.assert_allclose(returned, encoded, atol=1e-6 if curve is SRGB else 1e-9)


@given(curves, samples)
def test_more_is_never_darker(curve: Curve, encoded: np.ndarray) -> None:
    """Both directions keep the order of samples."""
    ordered = np.sort(encoded)
    assert (np.diff(curve.to_linear(ordered)) >= -1e-12).all()
    assert (np.diff(curve.from_linear(ordered)) >= -1e-12).all()


@given(tables.filter(lambda one: one[0] < one[-1]), samples)
def test_any_table_keeps_the_order(table: tuple[int, ...], encoded: np.ndarray) -> None:
    """Level stretches and jumps included."""
    curve, ordered = SampledCurve("any", table), np.sort(encoded)
    assert (np.diff(curve.to_linear(ordered)) >= -1e-12).all()
    assert (np.diff(curve.from_linear(ordered)) >= -1e-9).all()


@given(tables.filter(lambda one: one[0] < one[-1]), st.floats(0, 1))
def test_a_table_is_straight_in_between(table: tuple[int, ...], encoded: float) -> None:
    """As `numpy.interp` has it."""
    expected = np.interp(encoded * (len(table) - 1), np.arange(len(table)), np.array(table) / 65535)
    assert float(SampledCurve("any", table).to_linear(np.array(encoded))) == pytest.approx(
        expected, abs=1e-12
    )


@given(tables.filter(lambda one: one[0] < one[-1]), st.floats(0, 1))
def test_what_a_table_encodes_has_that_light(table: tuple[int, ...], share: float) -> None:
    """Decoded again it is the light that was asked for, on level stretches too."""
    curve = SampledCurve("any", table)
    linear = np.array(table[0] / 65535 + share * (table[-1] - table[0]) / 65535)
    returned = float(curve.to_linear(curve.from_linear(linear)))
    assert returned == pytest.approx(float(linear), abs=2e-6)


@pytest.mark.parametrize("curve", [SRGB, PowerCurve("gamma 2.2", 2.2), CURVES[4]])
def test_below_black_a_curve_is_its_own_mirror_image(curve: Curve) -> None:
    """Minus x has minus the light of x."""
    encoded = np.linspace(0, 2, 101)
    assert (curve.to_linear(-encoded) == -curve.to_linear(encoded)).all()
    assert (curve.from_linear(-encoded) == -curve.from_linear(encoded)).all()


def test_above_white_the_formula_goes_on() -> None:
    """An overshoot keeps its meaning: twice the light is encoded as more than 1."""
    assert float(SRGB.from_linear(np.array(2.0))) == pytest.approx(1.055 * 2 ** (1 / 2.4) - 0.055)
    assert float(SampledCurve("table", (0, 16384, 65535)).to_linear(np.array(1.5))) == pytest.approx(
        1 + (65535 - 16384) / 65535
    )


def test_black_and_white_stay_where_a_table_is_level() -> None:
    """Crushed blacks come back as 0, clipped highlights as 1, even after a rounding error of float32."""
    white = np.array([1.0, np.nextafter(np.float32(1), np.float32(0))])
    assert LEVEL_ENDS.from_linear(np.array([0.0])).tolist() == [0.0]
    assert LEVEL_ENDS.from_linear(white).tolist() == [1.0, 1.0]
    assert float(LEVEL_ENDS.from_linear(np.array(0.9))) < 7 / 8


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_sample_type_is_kept(curve: Curve, dtype: type) -> None:
    """float32 in, float32 out, close to what float64 gives."""
    encoded = np.linspace(-0.5, 1.5, 101).astype(dtype)
    linear = curve.to_linear(encoded)
    assert linear.dtype == curve.from_linear(linear).dtype == dtype
    np.testing.assert_allclose(linear, curve.to_linear(encoded.astype(np.float64)), atol=2e-6)


@pytest.mark.parametrize("curve", [*CURVES, LEVEL_ENDS])
def test_nan_stays_nan(curve: Curve) -> None:
    """Nothing warns, and no number is made up for it."""
    assert np.isnan(curve.to_linear(np.array([np.nan]))).all()
    assert np.isnan(curve.from_linear(np.array([np.nan]))).all()
