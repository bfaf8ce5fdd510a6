"""The kernels that have a name: ``gaussian:3``, ``sobel``, ``disk:5``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import comb, floor
from typing import Final, TypeAlias

from sepfilter.errors import KernelError
from sepfilter.kernels import shapes
from sepfilter.kernels.exact import MAX_SIDE, ExactFactors, ExactTaps, ExactTerm
from sepfilter.kernels.kernel import MAX_TAPS_A_SIDE, AnyKernel, Gradient, Kernel
from sepfilter.kernels.preset import Parameter, Preset, nearest

Build: TypeAlias = Callable[[], Kernel]


def named_kernel(text: str) -> AnyKernel:
    """Build a preset from its name and parameters.

    Parameters
    ----------
    text : str
        ``name`` or ``name:values``, values being separated by commas and given in order or as
        ``parameter=value``.

    Raises
    ------
    KernelError
        No such preset or parameter, or a value out of range.

    Examples
    --------
    >>> named_kernel("gaussian:sigma=1,radius=2").width
    5
    """
    name, _, values = text.partition(":")
    preset = PRESETS.get(name.strip().lower())
    if preset is None:
        raise KernelError(f"{text!r}: no such kernel{nearest(name, list(PRESETS))}")
    return preset.kernel(values, text)


def _radius(sigma: Fraction, radius: Fraction | None) -> int:
    """The radius given or SciPy's, refused before anything of that size is built."""
    reach = int(shapes.gaussian_radius(sigma) if radius is None else radius)
    _refuse_size(2 * reach + 1)
    return reach


def _refuse_size(side: int) -> None:
    """Stop at the limit for a side of a kernel."""
    if side > MAX_TAPS_A_SIDE:
        taps = side if side < 10**9 else "over a billion"
        raise KernelError(
            f"the kernel would have {taps} taps a side, but {MAX_TAPS_A_SIDE} is the limit: "
            "choose a smaller size, sigma or radius"
        )


def _outer(
    column: Sequence[int], row: Sequence[int], column_divisor: int = 1, row_divisor: int = 1
) -> Kernel:
    """The outer product of two integer vectors, each over a divisor, kept exactly."""
    exact = ExactFactors((ExactTerm(tuple(column), tuple(row)),), column_divisor * row_divisor)
    return Kernel.from_factors(
        [tap / column_divisor for tap in column], [tap / row_divisor for tap in row], exact=exact
    )


def _dense(rows: Sequence[Sequence[int | Fraction]]) -> Kernel:
    """A kernel of rational taps, kept exactly."""
    exact = ExactTaps.of([[Fraction(tap) for tap in row] for row in rows])
    return Kernel.from_taps([[float(tap) for tap in row] for row in rows], exact=exact)


def _identity() -> Kernel:
    return _outer((1,), (1,))


def _box(height: Fraction, width: Fraction | None) -> Kernel:
    rows, columns = int(height), int(width or height)
    _refuse_size(max(rows, columns))
    return _outer((1,) * rows, (1,) * columns, rows, columns)


def _gaussian(sigma: Fraction, radius: Fraction | None) -> Kernel:
    taps = shapes.gaussian_taps(float(sigma), _radius(sigma, radius))
    return Kernel.from_factors(taps, taps)


def _binomial(size: Fraction) -> Kernel:
    _refuse_size(int(size))
    taps = [comb(int(size) - 1, k) for k in range(int(size))]
    return _outer(taps, taps, sum(taps), sum(taps))


def _gradient_presets(
    name: str, title: str, axes: tuple[str, str], build_x: Build, build_y: Build
) -> list[Preset]:
    """The magnitude and its two signed derivatives."""
    x, y = f"{name}-x", f"{name}-y"

    def magnitude() -> Gradient:
        return Gradient(name, replace(build_x(), name=x), replace(build_y(), name=y))

    return [
        Preset(name, f"{title}, gradient magnitude sqrt(gx^2 + gy^2)", magnitude),
        Preset(x, f"{title}, signed: {axes[0]}", build_x),
        Preset(y, f"{title}, signed: {axes[1]}", build_y),
    ]


def _smoothed_gradient(name: str, smoothing: tuple[int, ...]) -> list[Preset]:
    """A central difference one way, a smoothing the other."""
    difference = (-1, 0, 1)
    return _gradient_presets(
        name,
        name.capitalize(),
        ("right minus left", "below minus above"),
        lambda: _outer(smoothing, difference),
        lambda: _outer(difference, smoothing),
    )


def _laplacian(neighbours: Fraction) -> Kernel:
    if neighbours == 4:
        return _dense([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    if neighbours == 8:
        return _dense([[1, 1, 1], [1, -8, 1], [1, 1, 1]])
    raise KernelError(f"laplacian: neighbours must be 4 or 8, not {neighbours}")


def _log(sigma: Fraction, radius: Fraction | None) -> Kernel:
    return Kernel.from_taps(shapes.log_taps(float(sigma), _radius(sigma, radius)))


def _dog(sigma: Fraction, wider: Fraction | None, radius: Fraction | None) -> Kernel:
    wide = sigma * Fraction(8, 5) if wider is None else wider
    if wide <= sigma:
        raise KernelError(f"dog: wider must be above sigma ({sigma}), not {wide}")
    return Kernel.from_taps(shapes.dog_taps(float(sigma), float(wide), _radius(wide, radius)))


def _sharpen(amount: Fraction) -> Kernel:
    side, centre = -amount, 1 + 4 * amount
    zero = Fraction(0)
    return _dense([[zero, side, zero], [side, centre, side], [zero, side, zero]])


def _unsharp(sigma: Fraction, amount: Fraction, radius: Fraction | None) -> Kernel:
    reach = _radius(sigma, radius)
    return Kernel.from_taps(shapes.unsharp_taps(float(sigma), float(amount), reach))


def _emboss() -> Kernel:
    return _dense([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]])


def _motion(length: Fraction, angle: Fraction) -> Kernel:
    _refuse_size(int(length) + 1)
    return Kernel.from_taps(shapes.motion_taps(float(length), float(angle % 360)))


def _disk(radius: Fraction) -> Kernel:
    _refuse_size(2 * floor(radius) + 1)
    mask = shapes.disk_mask(float(radius))
    exact = None
    if len(mask) <= MAX_SIDE:
        share = Fraction(1, int(mask.sum()))
        exact = ExactTaps.of([[int(tap) * share for tap in row] for row in mask.tolist()])
    return Kernel.from_taps(mask / mask.sum(), exact=exact)


def _gabor(
    sigma: Fraction, angle: Fraction, wavelength: Fraction | None, aspect: Fraction, phase: Fraction
) -> Kernel:
    _radius(max(sigma, sigma / aspect), None)
    wave = 2 * sigma if wavelength is None else wavelength
    taps = shapes.gabor_taps(float(sigma), float(angle), float(wave), float(aspect), float(phase))
    return Kernel.from_taps(taps)


_SIGMA: Final = Parameter("sigma", "standard deviation in pixels", low=Fraction(0), above=True)
_RADIUS: Final = Parameter(
    "radius",
    "taps on each side, int(4*sigma + 0.5) unless given",
    low=Fraction(0),
    whole=True,
    derived=True,
)


def _of(parameter: Parameter, **changes: object) -> Parameter:
    return replace(parameter, **changes)  # type: ignore[arg-type]


PRESETS: Final[dict[str, Preset]] = {
    preset.name: preset
    for preset in [
        Preset("identity", "copies the image, bit for bit", _identity),
        Preset(
            "box",
            "mean of a rectangle",
            _box,
            (
                Parameter("height", "rows", Fraction(3), Fraction(1), whole=True),
                Parameter(
                    "width",
                    "columns, as height unless given",
                    None,
                    Fraction(1),
                    whole=True,
                    derived=True,
                ),
            ),
        ),
        Preset("gaussian", "Gaussian blur, sum 1", _gaussian, (_SIGMA, _RADIUS)),
        Preset(
            "binomial",
            "Pascal's triangle in both directions, sum 1: a small Gaussian in integers",
            _binomial,
            (Parameter("size", "taps a side", Fraction(3), Fraction(1), whole=True),),
        ),
        *_smoothed_gradient("sobel", (1, 2, 1)),
        *_smoothed_gradient("scharr", (3, 10, 3)),
        *_smoothed_gradient("prewitt", (1, 1, 1)),
        *_gradient_presets(
            "roberts",
            "Roberts cross",
            ("upper left minus lower right", "upper right minus lower left"),
            lambda: _dense([[1, 0], [0, -1]]),
            lambda: _dense([[0, 1], [-1, 0]]),
        ),
        Preset(
            "laplacian",
            "sum of second derivatives, centre negative",
            _laplacian,
            (Parameter("neighbours", "4 or 8", Fraction(4)),),
        ),
        Preset("log", "Laplacian of Gaussian, sum 0", _log, (_SIGMA, _RADIUS)),
        Preset(
            "dog",
            "difference of Gaussians, sum 0",
            _dog,
            (
                _SIGMA,
                _of(
                    _SIGMA,
                    name="wider",
                    meaning="the other deviation, 1.6 sigma unless given",
                    derived=True,
                ),
                _of(_RADIUS, meaning="taps on each side, int(4*wider + 0.5) unless given"),
            ),
        ),
        Preset(
            "sharpen",
            "identity minus the Laplacian, sum 1",
            _sharpen,
            (Parameter("amount", "strength", Fraction(1), Fraction(0)),),
        ),
        Preset(
            "unsharp",
            "adds what a Gaussian blur takes away, sum 1",
            _unsharp,
            (
                _of(_SIGMA, default=Fraction(1)),
                Parameter("amount", "strength", Fraction(1), Fraction(0)),
                _RADIUS,
            ),
        ),
        Preset("emboss", "relief lit from the upper left, sum 1", _emboss),
        Preset(
            "motion",
            "blur along a straight stroke, sum 1",
            _motion,
            (
                Parameter("length", "pixels", Fraction(9), Fraction(1)),
                Parameter("angle", "degrees, counter-clockwise", Fraction(0)),
            ),
        ),
        Preset(
            "disk",
            "mean of a disk: a lens out of focus",
            _disk,
            (Parameter("radius", "pixels", None, Fraction(0)),),
        ),
        Preset(
            "gabor",
            "plane wave under a Gaussian envelope",
            _gabor,
            (
                _SIGMA,
                Parameter("angle", "of the wave's normal in degrees, counter-clockwise", Fraction(0)),
                Parameter(
                    "wavelength",
                    "pixels, 2 sigma unless given",
                    None,
                    Fraction(0),
                    above=True,
                    derived=True,
                ),
                Parameter(
                    "aspect",
                    "width over length of the envelope",
                    Fraction(1, 2),
                    Fraction(0),
                    above=True,
                ),
                Parameter("phase", "degrees", Fraction(0)),
            ),
        ),
    ]
}
"""Every preset by its name, in the order in which a list of them reads best."""
