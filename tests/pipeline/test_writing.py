"""How an output is written, and what goes with its pixels."""

from __future__ import annotations

import os
import time
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from sepfilter import errors
from sepfilter.images.files import read_image, write_image
from sepfilter.images.metadata import Metadata
from sepfilter.kernels.presets import named_kernel
from sepfilter.pipeline import run_job
from sepfilter.plans.options import Options


def test_a_failing_write_leaves_everything_as_it_was(asked: ModuleType, here: Path) -> None:
    """The picture is wider than JPEG can be: the old file stays, and no temporary file."""
    np.save("wide.npy", np.zeros((1, 70_000, 3), np.uint8))
    (here / "out.jpg").write_bytes(b"old")
    before = asked.contents(here)
    with pytest.raises(errors.ImageWriteError, match=r"^out\.jpg: cannot be encoded"):
        asked.result("wide.npy", to="out.jpg", writing={"overwrite": True})
    assert asked.contents(here) == before


def test_a_profile_is_kept_unless_grey_cannot_have_it(asked: ModuleType, here: Path) -> None:
    """A profile for colours does not describe grey: there it is dropped, and a note says so."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_image("a.png", asked.picture(5, 5, 3), Metadata(icc=profile, dpi=(300.0, 300.0)))
    assert asked.result("a.png", to="b.jpg").notes == ()
    assert (read_image("b.jpg")[1].icc, read_image("b.jpg")[1].dpi) == (profile, (300.0, 300.0))
    (note,) = asked.result("a.png", to="c.png", reading={"grey": True}).notes
    assert note == "the colour profile was dropped: it does not describe grey"
    assert read_image("c.png")[1].icc is None


def test_strip_leaves_out_all_but_pixels(asked: ModuleType, here: Path) -> None:
    """Profile, EXIF, XMP and resolution; without a note, since it was asked for. Chroma stays as it is."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x010F] = "Camera"
    picked = Image.fromarray(asked.picture(16, 16, 3))
    picked.save("a.jpg", icc_profile=profile, exif=exif.tobytes(), dpi=(300, 300), subsampling="4:4:4")
    kept = asked.result("a.jpg", to="kept.jpg")
    bare = asked.result("a.jpg", to="bare.jpg", writing={"strip": True})
    assert (kept.notes, bare.notes) == ((), ())
    before, after = read_image("kept.jpg")[1], read_image("bare.jpg")[1]
    assert before.icc == profile
    assert before.exif is not None
    assert b"Camera" in before.exif
    assert (after.icc, after.exif, after.xmp) == (None, None, None)
    assert after.dpi != (300.0, 300.0)
    assert (before.subsampling, after.subsampling) == ("4:4:4", "4:4:4")
    assert np.array_equal(read_image("kept.jpg")[0], read_image("bare.jpg")[0])


def test_what_an_output_cannot_carry_is_noted(asked: ModuleType, here: Path) -> None:
    """A profile on its way into a BMP."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    write_image("a.png", asked.picture(5, 5, 3), Metadata(icc=profile))
    assert asked.result("a.png", to="b.bmp").notes == (
        "the colour profile was dropped: it does not fit this BMP",
    )


def test_the_time_of_a_file_is_kept_on_request(asked: ModuleType, here: Path) -> None:
    """To the nanosecond; else the output is new."""
    write_image("a.png", asked.picture(5, 5))
    os.utime("a.png", ns=(1_000_000_000_000_000_001, 1_200_000_000_123_456_789))
    asked.result("a.png", to="b.png", writing={"keep_time": True})
    asked.result("a.png", to="c.png")
    assert Path("b.png").stat().st_mtime_ns == 1_200_000_000_123_456_789
    assert abs(Path("c.png").stat().st_mtime - time.time()) < 60
    asked.result("a.png", to=None, writing={"keep_time": True, "in_place": True})
    assert Path("a.png").stat().st_mtime_ns == 1_200_000_000_123_456_789


@pytest.mark.parametrize(("name", "small"), [("b.png", "small"), ("b.tif", "zstd")])
def test_compression_changes_the_bytes_and_not_the_pixels(
    asked: ModuleType, here: Path, name: str, small: str
) -> None:
    """Harder compression takes no more room than none."""
    write_image("a.png", asked.picture(40, 50, 3) // 64)
    sizes = []
    for compression in ("none" if name.endswith("tif") else "fast", small):
        asked.result("a.png", to=name, writing={"compression": compression, "overwrite": True})
        sizes.append(Path(name).stat().st_size)
        assert np.array_equal(read_image(name)[0], asked.blurred(asked.picture(40, 50, 3) // 64))
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize(("name", "value"), [("png", "zstd"), ("jpeg", "fast"), ("npy", "deflate")])
def test_a_compression_that_cannot_be_honoured_stops_all(
    asked: ModuleType, here: Path, name: str, value: str
) -> None:
    """Before anything is read."""
    with pytest.raises(errors.OptionError, match=f"compression {value}"):
        asked.result("missing.png", to="b", writing={"format": name, "compression": value})


def test_sixteen_bits_go_to_a_jpeg_by_way_of_eight(asked: ModuleType, here: Path) -> None:
    """Only when asked for, and full white stays full white."""
    pixels = np.full((16, 16), 65535, np.uint16)
    pixels[:, :8] = 257 * 40
    write_image("a.png", pixels)
    with pytest.raises(errors.UnsupportedImageError, match=r"^b\.jpg: JPEG cannot hold .* or --dtype uint8$"):
        asked.result("a.png", to="b.jpg")
    (output,) = asked.result(
        "a.png",
        to="b.jpg",
        kernel=named_kernel("identity"),
        options=Options(dtype="uint8"),
        writing={"quality": 100},
    ).outputs
    assert (output.dtype, output.clipped_high) == ("uint8", 0)
    assert np.abs(read_image("b.jpg")[0].astype(int)[:, [0, -1]] - [40, 255]).max() <= 1


@pytest.mark.parametrize(
    ("shape", "dtype", "output", "reason"),
    [
        ((5, 6, 5), np.uint8, "b.png", "5 channels of uint8: use tiff or npy$"),
        ((5, 6), np.float32, "b.png", "1 channel of float32: use tiff or pfm or npy, or --dtype uint8"),
        ((5, 6), np.int16, "b.png", "1 channel of int16: use tiff or npy, or --dtype uint16$"),
        ((5, 6), np.uint8, "b.pfm", "1 channel of uint8: use png"),
    ],
)  # fmt: skip
def test_what_a_format_cannot_hold_is_refused(
    asked: ModuleType, here: Path, shape: tuple[int, ...], dtype: type[np.generic], output: str, reason: str
) -> None:
    """With the formats that can, and the option that would make it fit; nothing is written."""
    np.save("a.npy", np.zeros(shape, dtype))
    with pytest.raises(errors.UnsupportedImageError, match=reason):
        asked.result("a.npy", to=output)
    assert sorted(asked.contents(here)) == ["a.npy"]


def test_an_unbuffered_stream_gets_all_bytes(asked: ModuleType, here: Path) -> None:
    """One that takes only some of them at a time."""
    taken = bytearray()

    class Slow(BytesIO):
        def write(self, data: Any) -> int:
            taken.extend(bytes(data)[:100])
            return min(len(data), 100)

    write_image("a.png", asked.picture(40, 50))
    list(run_job(asked.job("a.png", to="-", writing={"format": "npy"}), stdout=Slow()))
    assert np.array_equal(np.load(BytesIO(taken)), asked.blurred(asked.picture(40, 50)))
