"""The tone curve of a colour profile, where it has one that is simple.

The bytes are read as ICC.1:2022 lays them out: a header of 128 bytes, a table of tags (section 7.3), and of
the tag types ``curv`` (10.6) and ``para`` (10.18).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from sepfilter.images.light.tone_curves import SRGB, Curve, PowerCurve, SampledCurve

_HEADER: Final = 128
_SPACES: Final = {b"RGB ": "RGB", b"GRAY": "grey", b"CMYK": "CMYK", b"Lab ": "CIELAB", b"XYZ ": "CIEXYZ"}
_CURVE_TAGS: Final = {b"RGB ": (b"rTRC", b"gTRC", b"bTRC"), b"GRAY": (b"kTRC",)}
_LOOKUP_TABLES: Final = (b"A2B0", b"A2B1", b"A2B2", b"D2B0", b"D2B1", b"D2B2", b"D2B3")
_PARAMETERS: Final = ("gamma", "gamma a b", "gamma a b c", "gamma a b c d", "gamma a b c d e f")
_ROUNDING: Final = 1e-3
_NOISE: Final = 1e-12
_LEAST_RISE: Final = 0.5
_MOST_BENT: Final = 0.01


class _NotSimpleError(Exception):
    """Why a profile has no simple curve."""


def curve_of(icc: bytes | None, colours: int) -> tuple[Curve, str | None]:
    """Find the tone curve that an image was encoded with.

    Parameters
    ----------
    icc : bytes or None
        Its colour profile; none means sRGB.
    colours : int
        Channels without opacity.

    Returns
    -------
    curve : Curve
        That of the profile, if all its colours share one; otherwise that of sRGB.
    reason : str or None
        Why the profile has no simple curve, to be put after a colon.

    Examples
    --------
    >>> curve, reason = curve_of(b"no profile", 3)
    >>> curve.name, reason
    ('sRGB', 'it is broken')
    """
    if icc is None:
        return SRGB, None
    try:
        return _common_curve(icc, colours), None
    except _NotSimpleError as error:
        return SRGB, str(error)
    except (struct.error, ArithmeticError, ValueError):
        return SRGB, "it is broken"


def _common_curve(icc: bytes, colours: int) -> Curve:
    """The curve that all colours have."""
    tags = _tags(icc)
    space, connection = icc[16:20], icc[20:24]
    wanted = {1: b"GRAY", 3: b"RGB "}.get(colours)
    if space != wanted:
        image = _SPACES[wanted] if wanted else f"of {colours} colours"
        raise _NotSimpleError(f"it is for {_SPACES.get(space, 'other')} images, and this one is {image}")
    if any(tag in tags for tag in _LOOKUP_TABLES):
        raise _NotSimpleError("it works by lookup tables")
    if space == b"GRAY" and connection != b"XYZ ":
        raise _NotSimpleError("its curve leads to lightness, not to light")
    if any(tag not in tags for tag in _CURVE_TAGS[space]):
        raise _NotSimpleError("it lacks a curve")
    first, *others = map(_curve, dict.fromkeys(tags[tag] for tag in _CURVE_TAGS[space]))
    if any(other != first for other in others):
        raise _NotSimpleError("its colours have different curves")
    return first


def _tags(icc: bytes) -> Mapping[bytes, bytes]:
    """The profile's tags, all of them inside it."""
    if icc[36:40] != b"acsp" or int.from_bytes(icc[:4], "big") > len(icc):
        raise _NotSimpleError("it is broken")
    (count,) = struct.unpack_from(">I", icc, _HEADER)
    if count > (len(icc) - _HEADER - 4) // 12:
        raise _NotSimpleError("it is broken")
    found: dict[bytes, bytes] = {}
    for signature, start, size in struct.iter_unpack(">4sII", icc[_HEADER + 4 :][: 12 * count]):
        if start + size > len(icc):
            raise _NotSimpleError("it is broken")
        if signature in _LOOKUP_TABLES or signature.endswith(b"TRC"):
            found.setdefault(signature, icc[start : start + size])
    return found


def _curve(tag: bytes) -> Curve:
    """The curve of a tag, which rises from black to white."""
    kind = tag[:4]
    if kind not in (b"curv", b"para"):
        raise _NotSimpleError("its curve is of an unknown kind")
    curve = _sampled(tag) if kind == b"curv" else _parametric(tag)
    light = curve.to_linear(np.linspace(0, 1, 65536))
    if not np.isfinite(light).all() or (np.diff(light) < -_NOISE).any():
        raise _NotSimpleError("its curve does not rise everywhere")
    if light[0] < -_ROUNDING or light[-1] > 1 + _ROUNDING or light[-1] - light[0] < _LEAST_RISE:
        raise _NotSimpleError("its curve does not lead from black to white")
    return curve


def _sampled(tag: bytes) -> Curve:
    """A ``curv`` tag: no entry for linear, one for a gamma, else samples of 16 bits."""
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return PowerCurve("linear", 1.0)
    if count > (len(tag) - 12) // 2:
        raise _NotSimpleError("it is broken")
    entries = struct.unpack_from(f">{count}H", tag, 12)
    if count == 1:
        return _power({"gamma": entries[0] / 256})
    if any(here > after for here, after in pairwise(entries)) or entries[0] == entries[-1]:
        raise _NotSimpleError("its curve does not rise everywhere")
    return SampledCurve(f"table of {count} entries", entries)


def _parametric(tag: bytes) -> Curve:
    """A ``para`` tag: a kind from 0 to 4, then numbers of 16 bits before and 16 after the point."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    if kind >= len(_PARAMETERS):
        raise _NotSimpleError("its curve is of an unknown kind")
    names = _PARAMETERS[kind].split()
    numbers = struct.unpack_from(f">{len(names)}i", tag, 12)
    given = {name: number / 65536 for name, number in zip(names, numbers, strict=True)}
    if kind in (1, 2) and given["a"] > 0:
        # Level up to where the power begins, and raised as a whole.
        lift = given.pop("c", 0.0)
        given |= {"d": -given["b"] / given["a"], "e": lift, "f": lift}
    return _power(given)


def _power(given: Mapping[str, float]) -> PowerCurve:
    """A parametric curve that can be inverted."""
    curve = PowerCurve(f"gamma {given['gamma']:.4g}", **given)
    if curve.gamma <= 0 or curve.a <= 0 or curve.c < 0:
        raise _NotSimpleError("its curve does not rise everywhere")
    if len(given) == 1:
        return curve
    return _without_dip(replace(curve, name=f"parametric curve of gamma {curve.gamma:.4g}"))


def _without_dip(curve: PowerCurve) -> PowerCurve:
    """The straight part bent down to where the power begins, if rounded parameters made it end higher."""
    if curve.d <= 0 or curve.c == 0 or curve.joint >= curve.c * curve.d + curve.f:
        return curve
    slope = (curve.joint - curve.f) / curve.d
    return replace(curve, c=slope) if slope > (1 - _MOST_BENT) * curve.c else curve
