"""The same picture in the eight EXIF orientations is one upright picture, however it is stored and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, features

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.files import read_image, write_image
from sepfilter.images.metadata import Metadata
from sepfilter.images.source import open_source
from sepfilter.images.upright import upright

Array = npt.NDArray[Any]
Store = Callable[[str, bytes], Path]

ORIENTATION = 0x0112
XMP = 700

ORIENTATIONS = range(1, 9)

# Six flat squares, all different: JPEG keeps them, and no turn or flip maps them onto themselves.
PICTURE = np.kron(
    np.array([[0, 50, 100], [150, 200, 250]], np.uint8)[..., np.newaxis] * np.ones(3, np.uint8),
    np.ones((16, 16, 1), np.uint8),
)

LOST = {"PNG": 0, "TIFF": 0, "WEBP": 0, "JPEG": 6, "AVIF": 6}
"""Levels by which a format may change a sample."""

FORMATS = tuple(name for name in LOST if name != "AVIF" or features.check("avif"))


@dataclass
class ByStrips:
    """A source that can be read from top to bottom only, as decoders of strips can."""

    pixels: Array
    metadata: Metadata
    strip_rows: int = 1
    row: int = 0
    closed: bool = False
    asked: list[Window] = field(default_factory=list)

    @property
    def spec(self) -> ImageSpec:
        """Shape and type."""
        return ImageSpec.of(self.pixels)

    def read(self, window: Window) -> Array:
        """A part, no higher than where the one before ended."""
        assert window.y >= self.row
        assert window.height > 0
        assert window.width > 0
        assert window.x >= 0
        assert window.x + window.width <= self.spec.width
        self.row = window.y + window.height
        self.asked.append(window)
        part = self.pixels[window.rows, window.columns]
        part.setflags(write=False)
        return part

    def close(self) -> None:
        """Let go."""
        self.closed = True


def lying(handmade: ModuleType, orientation: int, pixels: Array, **metadata: Any) -> ByStrips:
    """A source of the pixels as a file of this orientation holds them."""
    return ByStrips(handmade.stored_for(orientation, pixels), Metadata(orientation=orientation, **metadata))


def exif(orientation: int) -> Image.Exif:
    """An EXIF block that says nothing else."""
    block = Image.Exif()
    block[ORIENTATION] = orientation
    return block


def xmp(orientation: int, *, as_element: bool = False) -> bytes:
    """A packet that says nothing else."""
    inside = f"><tiff:Orientation>{orientation}</tiff:Orientation></rdf:Description>"
    attribute = f' tiff:Orientation="{orientation}"/>'
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/"{inside if as_element else attribute}'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def photo(handmade: ModuleType, file_format: str, orientation: int) -> bytes:
    """PICTURE as a file of this orientation."""
    options: dict[str, Any] = {
        "PNG": {}, "TIFF": {"tiffinfo": {ORIENTATION: orientation}}, "WEBP": {"lossless": True},
        "JPEG": {"quality": 95}, "AVIF": {"quality": 95},
    }[file_format]  # fmt: skip
    if file_format != "TIFF":
        options["exif"] = exif(orientation)
    content = handmade.encoded(handmade.stored_for(orientation, PICTURE), file_format, **options)
    assert isinstance(content, bytes)
    return content


def is_picture(pixels: Array, tolerance: int) -> bool:
    """True for PICTURE, upright."""
    same_shape = pixels.shape == PICTURE.shape
    return same_shape and int(np.abs(pixels.astype(int) - PICTURE).max()) <= tolerance


@st.composite
def windows(draw: st.DrawFn, height: int, width: int) -> Window:
    """A part of an image."""
    y, x = draw(st.integers(0, height - 1)), draw(st.integers(0, width - 1))
    return Window(y, x, draw(st.integers(1, height - y)), draw(st.integers(1, width - x)))


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), height=st.integers(1, 9), width=st.integers(1, 9), channels=st.integers(1, 4))
def test_any_window_is_that_of_the_upright_picture(
    handmade: ModuleType, orientation: int, data: st.DataObject, height: int, width: int, channels: int
) -> None:
    """Shape and place are those of the picture as it is seen; the stored one is read from top to bottom."""
    picture = np.arange(height * width * channels, dtype=np.uint16).reshape(height, width, channels)
    source = upright(lying(handmade, orientation, picture))
    assert source.spec == ImageSpec.of(picture)
    window = data.draw(windows(height, width))
    assert np.array_equal(source.read(window), picture[window.rows, window.columns])


@pytest.mark.parametrize("orientation", [1, 2])
@settings(max_examples=40, deadline=None)
@given(cuts=st.sets(st.integers(1, 7)), columns=st.tuples(st.integers(0, 4), st.integers(1, 2)))
def test_a_picture_that_is_not_turned_is_read_by_strips(
    handmade: ModuleType, orientation: int, cuts: set[int], columns: tuple[int, int]
) -> None:
    """Mirrored rows keep their order: no more is decoded than is asked for."""
    picture = np.arange(8 * 6 * 3, dtype=np.uint8).reshape(8, 6, 3)
    lies = lying(handmade, orientation, picture)
    source = upright(lies)
    assert source.strip_rows == 1
    x, width = columns
    for y, end in pairwise([0, *sorted(cuts), 8]):
        strip = source.read(Window(y, x, end - y, width))
        assert np.array_equal(strip, picture[y:end, x : x + width])
    assert sum(window.height for window in lies.asked) == 8
    assert {window.width for window in lies.asked} == {width}


@pytest.mark.parametrize("orientation", [3, 4, 5, 6, 7, 8])
def test_a_turned_picture_is_read_as_a_whole(handmade: ModuleType, orientation: int) -> None:
    """Its last row, or column, comes first."""
    source = upright(lying(handmade, orientation, PICTURE))
    assert source.strip_rows == source.spec.height == PICTURE.shape[0]
    assert np.array_equal(source.read(Window.whole(source.spec)), PICTURE)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_file_is_let_go_of(handmade: ModuleType, orientation: int) -> None:
    """Closing the upright image closes the one that lies."""
    lies = lying(handmade, orientation, PICTURE)
    upright(lies).close()
    assert lies.closed


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_metadata_of_an_upright_picture_say_so(handmade: ModuleType, orientation: int) -> None:
    """EXIF and XMP that said how it lies say 1, or nothing; the rest is as it was."""
    before = {
        "exif": exif(orientation).tobytes(),
        "xmp": xmp(orientation),
        "dpi": (300.0, 150.0),
        "frames": 3,
    }
    after = upright(lying(handmade, orientation, PICTURE, **before)).metadata
    block = Image.Exif()
    block.load(after.exif or b"")
    assert block.get(ORIENTATION, 1) == 1
    assert after.xmp == xmp(1)
    assert (after.orientation, after.dpi, after.frames) == (1, (300.0, 150.0), 3)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("file_format", FORMATS)
def test_every_format_gives_the_same_upright_picture(
    handmade: ModuleType, stored: Store, file_format: str, orientation: int
) -> None:
    """As a whole and by windows; the spec is known before it is read."""
    path = stored("a", photo(handmade, file_format, orientation))
    source = open_source(path)
    assert source.spec == ImageSpec.of(PICTURE)
    whole = source.read(Window.whole(source.spec))
    assert is_picture(whole, LOST[file_format])
    source.close()
    window = Window(5, 13, 20, 30)
    again = open_source(path)
    assert np.array_equal(again.read(window), whole[window.rows, window.columns])
    again.close()


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("target", ["b.png", "b.webp", "b.jpg", "b.tif"])
@pytest.mark.parametrize("file_format", FORMATS)
def test_no_orientation_is_written(
    handmade: ModuleType, stored: Store, tmp_path: Path, file_format: str, target: str, orientation: int
) -> None:
    """A viewer that honours EXIF shows the output upright: it is not turned a second time."""
    pixels, metadata = read_image(stored("a", photo(handmade, file_format, orientation)))
    write_image(tmp_path / target, pixels, metadata)
    with Image.open(tmp_path / target) as written:
        assert written.getexif().get(ORIENTATION, 1) == 1
        assert is_picture(np.asarray(written), 10)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("as_element", [False, True], ids=["attribute", "element"])
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_an_orientation_in_xmp_alone_counts(
    handmade: ModuleType,
    stored: Store,
    tmp_path: Path,
    file_format: str,
    orientation: int,
    *,
    as_element: bool,
) -> None:
    """Some programs write it there only; the output's XMP says 1."""
    pixels = handmade.stored_for(orientation, PICTURE)
    packet = xmp(orientation, as_element=as_element)
    if file_format == "PNG":
        chunk = handmade.png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
        content = handmade.png(
            pixels.shape[1], 8, handmade.RGB, [row.tobytes() for row in pixels], before=chunk
        )
    else:
        options: dict[str, Any] = {
            "WEBP": {"lossless": True, "xmp": packet}, "JPEG": {"quality": 95, "xmp": packet},
            "TIFF": {"tiffinfo": {XMP: packet}},
        }[file_format]  # fmt: skip
        content = handmade.encoded(pixels, file_format, **options)
    again, metadata = read_image(stored("a", content))
    assert is_picture(again, LOST[file_format])
    write_image(tmp_path / "b.jpg", again, metadata)
    written = read_image(tmp_path / "b.jpg")
    assert is_picture(written[0], 10)
    assert (written[1].xmp or b"").strip() == xmp(1, as_element=as_element)


@pytest.mark.parametrize("orientation", [0, 6, 9])
def test_what_contradicts_an_upright_picture_is_corrected(
    handmade: ModuleType, stored: Store, tmp_path: Path, orientation: int
) -> None:
    """EXIF says upright, or something senseless, and XMP otherwise: the output says upright everywhere."""
    block = exif(1 if orientation == 6 else orientation)
    content = handmade.encoded(PICTURE, "JPEG", quality=95, exif=block, xmp=xmp(6))
    pixels, metadata = read_image(stored("a", content))
    assert is_picture(pixels, LOST["JPEG"])
    assert metadata.xmp == xmp(1)
    for name in ("b.png", "b.tif", "b.jpg"):
        write_image(tmp_path / name, pixels, metadata)
        with Image.open(tmp_path / name) as written:
            assert written.getexif().get(ORIENTATION, 1) == 1
        assert is_picture(read_image(tmp_path / name)[0], 10)


def test_exif_goes_before_xmp(handmade: ModuleType, stored: Store) -> None:
    """Where they differ cameras are believed, not programs."""
    pixels = handmade.stored_for(6, PICTURE)
    content = handmade.encoded(pixels, "JPEG", quality=95, exif=exif(6), xmp=xmp(3))
    assert is_picture(read_image(stored("a", content))[0], LOST["JPEG"])
