"""BMP, TGA, JPEG 2000 and AVIF as Pillow writes them, read back by Pillow itself."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, ImageCms, features

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.pillow.sink import open_avif_sink, open_bmp_sink, open_jp2_sink, open_tga_sink
from sepfilter.images.sink import DEFAULT_ENCODING, Encoding, Writer

Array = npt.NDArray[Any]

HAS_AVIF = pytest.mark.skipif(not features.check("avif"), reason="this Pillow has no AVIF")


def written(
    writer: Writer,
    picture: Array,
    metadata: Metadata | None = None,
    encoding: Encoding = DEFAULT_ENCODING,
    strip: int = 3,
) -> bytes:
    """The file that strips of a picture (H, W, C) give."""
    file = BytesIO()
    spec = ImageSpec.of(picture, alpha=picture.shape[2] in (2, 4))
    sink = writer(file, spec, metadata or Metadata(), encoding)
    for y in range(0, spec.height, strip):
        rows = picture[y : y + strip]
        sink.write(Window(y, 0, len(rows), spec.width), rows)
    sink.finish()
    return file.getvalue()


def decoded(content: bytes, shape: tuple[int, ...]) -> Array:
    """The pixels as Pillow reads them."""
    with Image.open(BytesIO(content)) as image:
        return np.asarray(image).reshape(shape)


def pictures(channels: tuple[int, ...], dtype: str = "uint8") -> st.SearchStrategy[Array]:
    """Small pictures of any content."""
    side = st.integers(1, 9)
    return hnp.arrays(dtype, st.tuples(side, side, st.sampled_from(channels)))


def smooth(channels: int) -> Array:
    """A picture that lossy formats keep."""
    ramp = np.linspace(0, 255, 64).astype(np.uint8)
    return np.stack([np.tile(ramp, (48, 1))] * channels, axis=-1)


@given(picture=pictures((1, 3)))
@settings(max_examples=40, deadline=None)
def test_bmp_keeps_every_byte(picture: Array) -> None:
    """Grey and RGB."""
    assert np.array_equal(decoded(written(open_bmp_sink, picture), picture.shape), picture)


@given(picture=pictures((1, 2, 3, 4)))
@settings(max_examples=40, deadline=None)
def test_tga_keeps_every_byte(picture: Array) -> None:
    """Opacity as well, and colours that it hides."""
    assert np.array_equal(decoded(written(open_tga_sink, picture), picture.shape), picture)


@given(picture=pictures((1, 2, 3, 4)) | pictures((1,), "uint16"))
@settings(max_examples=60, deadline=None)
def test_jpeg2000_keeps_every_sample(picture: Array) -> None:
    """8 bits with or without opacity, and grey of 16 bits."""
    assert np.array_equal(decoded(written(open_jp2_sink, picture), picture.shape), picture)


def test_bmp_keeps_the_resolution() -> None:
    """To a pixel a metre."""
    content = written(open_bmp_sink, smooth(3), Metadata(dpi=(300.0, 150.0)))
    with Image.open(BytesIO(content)) as image:
        assert image.info["dpi"] == pytest.approx((300, 150), abs=0.03)


@HAS_AVIF
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_avif_comes_close(channels: int) -> None:
    """A smooth picture, within a few levels."""
    picture = smooth(channels)
    content = written(open_avif_sink, picture, encoding=Encoding(quality=95))
    assert np.abs(decoded(content, picture.shape).astype(int) - picture).max() <= 6


@HAS_AVIF
def test_quality_of_avif_tells_in_its_size() -> None:
    """More bytes for more of it; subsampled chroma takes fewer."""
    picture = np.random.default_rng(2).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    sizes = [len(written(open_avif_sink, picture, encoding=Encoding(quality=q))) for q in (10, 50, 90)]
    assert sizes == sorted(set(sizes))
    whole, fewer = (
        len(written(open_avif_sink, picture, Metadata(subsampling=kind))) for kind in ("4:4:4", "4:2:0")
    )
    assert fewer < whole


@HAS_AVIF
def test_avif_carries_profile_exif_and_xmp() -> None:
    """Byte by byte, EXIF from its first tag on."""
    block = Image.Exif()
    block[0x010E] = "a description"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    metadata = Metadata(icc=profile, exif=block.tobytes(), xmp=b"<x:xmpmeta/>")
    with Image.open(BytesIO(written(open_avif_sink, smooth(3), metadata))) as image:
        assert (image.info["icc_profile"], image.info["xmp"]) == (profile, b"<x:xmpmeta/>")
        assert image.getexif()[0x010E] == "a description"


def test_a_format_that_this_pillow_lacks_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before any pixel is filtered."""
    Image.init()
    monkeypatch.delitem(Image.SAVE, "AVIF", raising=False)
    with pytest.raises(ValueError, match="Pillow was built without it"):
        open_avif_sink(BytesIO(), ImageSpec(2, 2, 3, "uint8"), Metadata(), DEFAULT_ENCODING)
