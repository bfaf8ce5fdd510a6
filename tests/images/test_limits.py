"""What is too large is refused from its header, with the option that raises the limit."""

from __future__ import annotations

import struct
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sepfilter.errors import LimitError
from sepfilter.images import limits as limits_module
from sepfilter.images.files import read_image
from sepfilter.images.limits import DEFAULT_LIMITS, Limits, usable_memory

Store = Callable[[str, bytes], Path]

SIDE = 100_000

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "JPEG2000", "TGA", "SGI")


def small(file_format: str) -> bytes:
    """A picture of 24 x 20 pixels in colour: 480 of them, 1440 bytes."""
    picture = np.random.default_rng(1).integers(0, 256, (24, 20, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(picture).save(buffer, file_format)
    return buffer.getvalue()


SMALL = {name: small(name) for name in FORMATS}


def png_of_billions(handmade: ModuleType, colour: int, *, before: bytes = b"") -> bytes:
    """A PNG whose header claims ten thousand million pixels."""
    content = handmade.png(SIDE, 8, colour, [b"\0"], height=SIDE, before=before)
    assert isinstance(content, bytes)
    return content


def of_billions(handmade: ModuleType, kind: str) -> bytes:
    """A file whose header claims thousands of millions of pixels; what follows is short."""
    grey = np.zeros((4, 4), np.uint8)
    if kind == "png by strips":
        # As much data as a file of that size has at least.
        return png_of_billions(handmade, handmade.GREY, before=handmade.png_chunk(b"IDAT", bytes(10**7)))
    if kind == "png":
        palette = handmade.png_chunk(b"PLTE", bytes(3))
        return png_of_billions(handmade, handmade.PALETTE, before=palette)
    if kind == "tiff":
        size = {256: [SIDE], 257: [SIDE], 278: [SIDE], 259: [8]}
        content = handmade.tiff(grey, 1, tags=size)
    elif kind == "bmp":
        content = SMALL["BMP"][:18] + 2 * SIDE.to_bytes(4, "little") + SMALL["BMP"][26:]
    elif kind == "gif":
        content = SMALL["GIF"][:6] + b"\xff\xff\xff\xff" + SMALL["GIF"][10:]
    elif kind == "jpeg":
        start = SMALL["JPEG"].index(b"\xff\xc0") + 5
        content = SMALL["JPEG"][:start] + b"\xff\xf0\xff\xf0" + SMALL["JPEG"][start + 4 :]
    elif kind == "webp":
        canvas = 2 * (2**16 - 2).to_bytes(3, "little")
        chunks = b"VP8X" + struct.pack("<II", 10, 2) + canvas + b"ANIM" + struct.pack("<IIH", 6, 0, 0)
        chunks += b"ANMF" + struct.pack("<I", 16) + bytes(16)
        content = b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks
    else:
        raise AssertionError(kind)
    assert isinstance(content, bytes)
    return content


@pytest.mark.parametrize("kind", ["png", "png by strips", "tiff", "bmp", "gif", "jpeg", "webp"])
def test_a_header_of_billions_of_pixels_is_a_limit(handmade: ModuleType, stored: Store, kind: str) -> None:
    """Nothing is allocated for it, and the error names the option: it is not that of a broken file."""
    path = stored("a", of_billions(handmade, kind))
    with (
        pytest.raises(LimitError, match=rf"^{path}: has .* pixels.*: --max-pixels raises it$"),
        little_memory(),
    ):
        read_image(path)


@pytest.mark.parametrize("kind", ["ppm", "pfm", "npy", "tiff"])
def test_billions_of_pixels_that_are_there_are_a_limit(
    handmade: ModuleType, tmp_path: Path, kind: str
) -> None:
    """A file as large as it says, most of it a hole that takes no room."""
    size = SIDE * SIDE * (4 if kind == "pfm" else 1)
    header = {
        "ppm": b"P5 100000 100000 255\n",
        "pfm": b"Pf\n100000 100000\n-1\n",
        "npy": handmade.npy(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({SIDE}, {SIDE})}}"),
        "tiff": handmade.tiff(
            np.zeros((1, 1), np.uint8), 1,
            tags={256: [SIDE], 257: [SIDE], 278: [20_000], 273: [8192] * 5, 279: [20_000 * SIDE] * 5},
        ),
    }[kind]  # fmt: skip
    path = tmp_path / f"a.{kind}"
    with path.open("wb") as file:
        file.write(header)
        file.truncate(size + len(header) + 8192)
    with (
        pytest.raises(LimitError, match=rf"^{path}: has .* pixels.*: --max-pixels raises it$"),
        little_memory(),
    ):
        read_image(path)


@contextmanager
def little_memory() -> Iterator[None]:
    """Fail where more than a few megabytes are taken at any time."""
    tracemalloc.start()
    try:
        yield
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 8 * 2**20


@pytest.mark.parametrize("file_format", sorted(SMALL))
def test_the_limit_of_pixels_is_what_was_asked_for(stored: Store, file_format: str) -> None:
    """An image of that many is read, of one more is not."""
    path = stored("a", SMALL[file_format])
    assert read_image(path, limits=Limits(max_pixels=480))[0].shape == (24, 20, 3)
    with pytest.raises(LimitError, match=rf"^{path}: has .*480 pixels|^{path}: has more than 479 pixels"):
        read_image(path, limits=Limits(max_pixels=479))


@pytest.mark.parametrize("file_format", sorted(SMALL))
def test_the_limit_of_memory_is_what_was_asked_for(stored: Store, file_format: str) -> None:
    """It is told in bytes, with the option that raises it."""
    path = stored("a", SMALL[file_format])
    with pytest.raises(LimitError, match=rf"^{path}: .*--max-memory raises"):
        read_image(path, limits=Limits(max_memory=1439))


SIZE: dict[str, Any] = {"height": 10, "width": 20, "channels": 3, "sample_bytes": 2}


@pytest.mark.parametrize(
    ("limits", "whole", "is_allowed"),
    [
        (Limits(max_pixels=200), True, True),
        (Limits(max_pixels=199), True, False),
        (Limits(max_pixels=1), False, True),
        (Limits(max_memory=1200), True, True),
        (Limits(max_memory=1199), True, False),
        (Limits(max_memory=120), False, True),
        (Limits(max_memory=119), False, False),
    ],
)
def test_strips_need_memory_for_a_row_only(limits: Limits, *, whole: bool, is_allowed: bool) -> None:
    """Pixels count where all of them are held."""
    if is_allowed:
        limits.check("a.png", **SIZE, whole=whole)
        return
    option = "--max-pixels" if limits.max_memory is None else "--max-memory"
    with pytest.raises(LimitError, match=rf"^a\.png: .*: {option} raises (it|the limit)$"):
        limits.check("a.png", **SIZE, whole=whole)


def test_usually_a_gigapixel_is_allowed() -> None:
    """And three quarters of the memory."""
    assert Limits(max_pixels=2**30, max_memory=None) == DEFAULT_LIMITS


def test_a_control_group_may_allow_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The smallest number counts; a word in its place, or no file, does not."""
    group = tmp_path / "memory.max"
    monkeypatch.setattr(limits_module, "_CGROUPS", (group, tmp_path / "missing"))
    alone = usable_memory()
    group.write_text("max\n")
    assert usable_memory() == alone
    group.write_text("4000000\n")
    assert usable_memory() == 3_000_000
