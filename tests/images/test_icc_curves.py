"""Tone curves of colour profiles: profiles made by hand, those of LittleCMS, and broken ones."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from sepfilter.images.light.icc_curves import curve_of
from sepfilter.images.light.tone_curves import SRGB, Curve, PowerCurve, SampledCurve

CORPUS: Final = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
RGB_TAGS: Final = (b"rTRC", b"gTRC", b"bTRC")

# The parameters of sRGB as profiles round them: gamma, a, b, c, d.
SRGB_PARAMETERS: Final = (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)


def curv(*entries: int, count: int | None = None) -> bytes:
    """A tag of type ``curv``."""
    stated = len(entries) if count is None else count
    return b"curv\0\0\0\0" + struct.pack(f">I{len(entries)}H", stated, *entries)


def para(kind: int, *numbers: float) -> bytes:
    """A tag of type ``para``."""
    fixed = [round(65536 * number) for number in numbers]
    return b"para\0\0\0\0" + struct.pack(f">HH{len(fixed)}i", kind, 0, *fixed)


def profile(tags: dict[bytes, bytes], space: bytes = b"RGB ", connection: bytes = b"XYZ ") -> bytes:
    """A profile of a header, a table of tags, and the tags."""
    table, data = b"", b""
    start = 132 + 12 * len(tags)
    for signature, tag in tags.items():
        table += struct.pack(">4sII", signature, start + len(data), len(tag))
        data += tag + b"\0" * (-len(tag) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12x4s", start + len(data), b"", 0x02400000, b"mntr", space, connection, b"acsp"
    )
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def rgb(tag: bytes) -> bytes:
    """A profile whose colours share a curve."""
    return profile(dict.fromkeys(RGB_TAGS, tag))


def simple(icc: bytes, colours: int = 3) -> Curve:
    """The curve of a profile that has a simple one."""
    curve, reason = curve_of(icc, colours)
    assert reason is None
    return curve


def linear_at(curve: Curve, *encoded: float) -> list[float]:
    """Some samples decoded."""
    return curve.to_linear(np.array(encoded)).tolist()


def test_without_a_profile_the_curve_is_that_of_srgb() -> None:
    """For any number of channels, and for no reason that has to be told."""
    assert curve_of(None, 3) == curve_of(None, 1) == curve_of(None, 5) == (SRGB, None)


def test_no_entry_is_linear() -> None:
    """A ``curv`` of count 0."""
    assert linear_at(simple(rgb(curv())), 0, 0.3, 1) == [0, 0.3, 1]


def test_one_entry_is_a_gamma_in_256ths() -> None:
    """That of Adobe RGB (1998) is 563 / 256."""
    curve = simple(rgb(curv(563)))
    assert curve == PowerCurve("gamma 2.199", 563 / 256)
    assert linear_at(curve, 0.5) == [0.5 ** (563 / 256)]


def test_more_entries_are_a_table() -> None:
    """Straight in between."""
    curve = simple(rgb(curv(0, 10000, 65535)))
    assert curve == SampledCurve("table of 3 entries", (0, 10000, 65535))
    assert linear_at(curve, 0.25) == pytest.approx([5000 / 65535])


@pytest.mark.parametrize(
    ("tag", "encoded", "linear"),
    [
        (para(0, 2.0), 0.5, 0.25),
        (para(1, 2.0, 1.25, -0.25), 0.1, 0.0),
        (para(1, 2.0, 1.25, -0.25), 0.6, 0.25),
        (para(2, 2.0, 1.0, -0.25, 0.25), 0.1, 0.25),
        (para(2, 2.0, 1.0, -0.25, 0.25), 0.75, 0.5),
        (para(2, 2.0, 0.75, 0.25, -0.0625), 1.0, 0.9375),
        (para(3, 2.0, 0.75, 0.25, 0.5, 0.125), 0.0625, 0.03125),
        (para(3, 2.0, 0.75, 0.25, 0.5, 0.125), 0.5, 0.390625),
        (para(4, 2.0, 0.75, 0.25, 0.25, 0.25, -0.0625, 0.0), 0.125, 0.03125),
        (para(4, 2.0, 0.75, 0.25, 0.25, 0.25, -0.0625, 0.0), 0.5, 0.328125),
    ],
)
def test_parametric_curves_follow_the_specification(tag: bytes, encoded: float, linear: float) -> None:
    """Types 0 to 4 of ICC.1, table 68, on both sides of where the pieces meet."""
    curve = simple(rgb(tag))
    assert linear_at(curve, encoded) == pytest.approx([linear], abs=1e-12)
    assert linear_at(curve, 0.9) == pytest.approx(
        linear_at(curve, curve.from_linear(curve.to_linear(np.array(0.9))))
    )


def test_a_grey_profile_has_its_curve_under_another_name() -> None:
    """The tag ``kTRC``."""
    assert simple(profile({b"kTRC": curv(512)}, b"GRAY"), 1) == PowerCurve("gamma 2", 2.0)


def test_curves_need_not_share_their_bytes() -> None:
    """Three copies are one curve."""
    assert simple(rgb(curv(0, 9, 65535))) == simple(rgb(curv(0, 9, 65535) + b"\0\0\0\0"))


@pytest.mark.parametrize(
    ("icc", "colours", "reason"),
    [
        (b"", 3, "it is broken"),
        (b"\0" * 500, 3, "it is broken"),
        (rgb(curv())[:140], 3, "it is broken"),
        (rgb(curv(0, 65535))[:-4], 3, "it is broken"),
        (rgb(curv(0, 65535, count=2**32 - 1)), 3, "it is broken"),
        (rgb(para(3, 2.4)), 3, "it is broken"),
        (rgb(b"curv"), 3, "it is broken"),
        (rgb(b""), 3, "its curve is of an unknown kind"),
        (rgb(b"gbd \0\0\0\0"), 3, "its curve is of an unknown kind"),
        (rgb(para(5, 1, 1, 1, 1, 1, 1, 1)), 3, "its curve is of an unknown kind"),
        (profile({b"rTRC": curv(), b"gTRC": curv()}), 3, "it lacks a curve"),
        (profile({}, b"GRAY"), 1, "it lacks a curve"),
        (
            profile({b"rTRC": curv(512), b"gTRC": curv(512), b"bTRC": curv(500)}),
            3,
            "its colours have different curves",
        ),
        (profile({b"A2B0": b"mft2"} | dict.fromkeys(RGB_TAGS, curv())), 3, "it works by lookup tables"),
        (profile({b"A2B0": b"mft2"}, b"CMYK"), 4, "it is for CMYK images, and this one is of 4 colours"),
        (rgb(curv()), 1, "it is for RGB images, and this one is grey"),
        (profile({b"kTRC": curv()}, b"GRAY"), 3, "it is for grey images, and this one is RGB"),
        (profile({}, b"\x1b[2J"), 3, "it is for other images, and this one is RGB"),
        (profile({b"kTRC": curv()}, b"GRAY", b"Lab "), 1, "its curve leads to lightness, not to light"),
        (rgb(curv(0, 500, 400, 65535)), 3, "its curve does not rise everywhere"),
        (rgb(curv(65535, 0)), 3, "its curve does not rise everywhere"),
        (rgb(curv(7, 7, 7)), 3, "its curve does not rise everywhere"),
        (rgb(curv(0)), 3, "its curve does not rise everywhere"),
        (rgb(para(0, -1.0)), 3, "its curve does not rise everywhere"),
        (rgb(para(1, 2.0, 0.0, 1.0)), 3, "its curve does not rise everywhere"),
        (rgb(para(3, 2.0, 1.0, 0.0, 2.0, 0.5)), 3, "its curve does not rise everywhere"),
        (rgb(para(3, 32767.0, 32767.0, 32767.0, 0.5, 0.5)), 3, "it is broken"),
        (rgb(para(0, 0.0)), 3, "its curve does not rise everywhere"),
        (rgb(curv(0, 100)), 3, "its curve does not lead from black to white"),
        (rgb(para(1, 1.0, 2.0, 0.0)), 3, "its curve does not lead from black to white"),
    ],
)
def test_what_is_not_simple_says_why(icc: bytes, colours: int, reason: str) -> None:
    """The sRGB curve stands in, and the reason is in words."""
    assert curve_of(icc, colours) == (SRGB, reason)


def test_a_lying_count_of_tags_takes_no_time() -> None:
    """Four thousand million tags in 144 bytes."""
    lying = bytearray(rgb(curv()))
    lying[128:132] = b"\xff" * 4
    assert curve_of(bytes(lying), 3) == (SRGB, "it is broken")


@pytest.mark.parametrize("excess", [0.0001, -0.0001])
def test_pieces_that_miss_each_other_by_rounding_are_one_curve(excess: float) -> None:
    """Whichever piece ends higher, the curve rises, and 16-bit values come back."""
    gamma, a, b, c, d = SRGB_PARAMETERS
    curve = simple(rgb(para(3, gamma, a, b, c + excess, d)))
    encoded = np.arange(65536) / 65535
    linear = curve.to_linear(encoded)
    assert (np.diff(linear) > 0).all()
    np.testing.assert_allclose(curve.from_linear(linear), encoded, atol=1e-9)
    np.testing.assert_allclose(linear, SRGB.to_linear(encoded), atol=2e-5)


def test_the_srgb_profile_of_littlecms_is_the_srgb_curve() -> None:
    """Pillow makes it with a parametric curve."""
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    encoded = np.linspace(0, 1, 256)
    np.testing.assert_allclose(simple(icc).to_linear(encoded), SRGB.to_linear(encoded), atol=3e-5)


@pytest.mark.parametrize("space", ["LAB", "XYZ"])
def test_other_profiles_of_littlecms_are_not_for_rgb(space: str) -> None:
    """They describe no image of red, green and blue."""
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()
    curve, reason = curve_of(icc, 3)
    assert curve == SRGB
    assert reason is not None
    assert reason.startswith("it is for CIE")


@pytest.mark.parametrize(
    "tag",
    [
        curv(563),
        curv(*(round(65535 * (i / 255) ** 1.8) for i in range(256))),
        para(0, 2.2),
        para(1, 2.2, 0.9, 0.1),
        para(3, *SRGB_PARAMETERS),
        para(4, *SRGB_PARAMETERS, 0.0, 0.0),
    ],
)
def test_littlecms_finds_the_same_light(tag: bytes) -> None:
    """Converted to a profile that differs in its curves only, which are linear, greys are as light."""
    made_by_littlecms = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ours, linear = (
        ImageCms.ImageCmsProfile(BytesIO(_with_curves(made_by_littlecms, one))) for one in (tag, para(0, 1.0))
    )
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    intent = ImageCms.Intent.RELATIVE_COLORIMETRIC  # the others move black
    converted = ImageCms.profileToProfile(Image.fromarray(ramp), ours, linear, intent)
    assert converted is not None
    expected = 255 * simple(rgb(tag)).to_linear(np.arange(256) / 255)
    assert np.abs(np.asarray(converted)[0, :, 1] - expected).max() < 0.75


def _with_curves(icc: bytes, tag: bytes) -> bytes:
    """An RGB profile with other curves."""
    (count,) = struct.unpack_from(">I", icc, 128)
    entries = [struct.unpack_from(">4sII", icc, 132 + 12 * i) for i in range(count)]
    tags = {signature: icc[start : start + size] for signature, start, size in entries}
    made = profile(tags | dict.fromkeys(RGB_TAGS, tag))
    return made[:4] + icc[4:128] + made[128:]


@given(
    st.sampled_from(
        [rgb(curv(0, 9, 65535)), rgb(para(4, *SRGB_PARAMETERS, 0, 0)), profile({b"kTRC": curv(512)}, b"GRAY")]
    ),
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, 400),
    st.integers(1, 4),
)
def test_no_profile_raises(icc: bytes, changes: list[tuple[int, int]], cut: int, colours: int) -> None:
    """Whatever bytes are changed or missing, there is a curve that can be used, or a reason."""
    spoilt = bytearray(icc)
    for at, value in changes:
        spoilt[at % len(spoilt)] = value
    curve, reason = curve_of(bytes(spoilt[: len(spoilt) - cut] if cut < 40 else spoilt), colours)
    assert reason is None or (reason.isprintable() and curve == SRGB)
    linear = curve.to_linear(np.linspace(0, 1, 50))
    assert np.isfinite(linear).all()
    assert np.isfinite(curve.from_linear(linear)).all()


@given(st.integers(0, 4), st.lists(st.integers(-(2**31), 2**31 - 1), min_size=7, max_size=7))
def test_no_parameters_raise(kind: int, numbers: list[int]) -> None:
    """Any numbers: the curve rises, or is refused."""
    tag = b"para\0\0\0\0" + struct.pack(">HH7i", kind, 0, *numbers)
    curve, _ = curve_of(rgb(tag), 3)
    assert (np.diff(curve.to_linear(np.linspace(0, 1, 1000))) >= -1e-12).all()


@given(st.binary(max_size=400))
def test_no_bytes_raise(icc: bytes) -> None:
    """What is no profile is broken."""
    assert curve_of(icc, 3)[0] == SRGB


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("real/p3.png", "parametric curve of gamma 2.4"),
        ("real/pil_sample_rgb.jpg", "table of 1024 entries"),
        ("real/hopper.iccprofile.tif", "table of 1024 entries"),
        ("exif/vr6.jpg", "table of 1024 entries"),
    ],
)
def test_profiles_in_the_wild_have_the_srgb_curve(file: str, name: str) -> None:
    """Display P3, and the sRGB profiles of HP and others, differ from the standard in a 16-bit level or so."""
    if not (CORPUS / file).is_file():
        pytest.skip(f"there is no {file} in {CORPUS}")
    with Image.open(CORPUS / file) as image:
        curve = simple(image.info["icc_profile"])
    encoded = np.linspace(0, 1, 256)
    assert curve.name == name
    np.testing.assert_allclose(curve.to_linear(encoded), SRGB.to_linear(encoded), atol=1e-4)
