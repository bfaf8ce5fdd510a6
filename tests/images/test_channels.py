"""One file for each channel: rows split over sinks, names, and the limit of open files."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from sepfilter.errors import LimitError, OptionError
from sepfilter.geometry import SAMPLE_TYPES, ImageSpec, Window
from sepfilter.images import channels as channels_module
from sepfilter.images.channels import ChannelSinks, channel_path, check_open_files, planes
from sepfilter.images.formats import format_named
from sepfilter.images.metadata import Metadata
from sepfilter.images.npy import open_npy_sink
from sepfilter.images.sink import DEFAULT_ENCODING, open_sink
from sepfilter.safe_write import replacing

Array = npt.NDArray[Any]

PICTURES = st.sampled_from(SAMPLE_TYPES).flatmap(
    lambda dtype: hnp.arrays(dtype, st.tuples(*[st.integers(1, 9)] * 3))
)


def files_of(picture: Array, strip: int, threads: int) -> list[bytes]:
    """The .npy file of each channel, written by strips that are changed afterwards."""
    spec = ImageSpec(*picture.shape[:2], 1, str(picture.dtype))
    files = [BytesIO() for _ in range(picture.shape[2])]
    sinks = [open_npy_sink(file, spec, Metadata(), DEFAULT_ENCODING) for file in files]
    split = ChannelSinks(sinks, threads)
    for y in range(0, spec.height, strip):
        rows = picture[y : y + strip].copy()
        split.write(Window(y, 0, len(rows), spec.width), rows)
        rows[...] = 0
    split.finish()
    return [file.getvalue() for file in files]


@settings(max_examples=60, deadline=None)
@given(
    picture=PICTURES,
    strip=st.integers(1, 9),
    threads=st.integers(1, 3),
    piece=st.sampled_from([1, 50, 2**24]),
)
def test_each_channel_goes_to_its_own_sink(picture: Array, strip: int, threads: int, piece: int) -> None:
    """Every bit, whatever the strips, the pieces they are handed over in, and the threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channels_module, "_PIECE_BYTES", piece)
        files = files_of(picture, strip, threads)
    for channel, content in enumerate(files):
        expected = BytesIO()
        np.save(expected, np.ascontiguousarray(picture[..., channel]))
        assert content == expected.getvalue()


def test_files_are_named_after_their_channels(tmp_path: Path) -> None:
    """Opened together, complete together."""
    picture = np.random.default_rng(1).integers(0, 256, (40, 30, 12), np.uint8)
    spec, png = ImageSpec(40, 30, 1, "uint8"), format_named("png")
    with ExitStack() as stack:
        paths = [channel_path(str(tmp_path / "c{channel}.png"), 1 + c, 12) for c in range(12)]
        files = [stack.enter_context(replacing(path)) for path in paths]
        split = ChannelSinks([open_sink(file, spec, Metadata(), png) for file in files])
        split.write(Window(0, 0, 40, 30), picture)
        split.finish()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"c{n:02}.png" for n in range(1, 13)]
    for channel, path in enumerate(paths):
        with Image.open(path) as image:
            assert np.array_equal(np.asarray(image), picture[..., channel])


def test_rows_of_other_channels_are_refused() -> None:
    """Instead of leaving some out."""
    with pytest.raises(ValueError, match="rows of 3 channels, for 0 sinks"):
        ChannelSinks([]).write(Window(0, 0, 2, 2), np.zeros((2, 2, 3)))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_error_of_a_sink_comes_through(threads: int) -> None:
    """From whatever thread."""

    class Broken:
        def write(self, *_rows: object) -> None:
            raise OSError(28, "No space left on device")

        def finish(self) -> None:
            """Never called."""

    with pytest.raises(OSError, match="No space left"):
        ChannelSinks([Broken(), Broken()], threads).write(Window(0, 0, 2, 2), np.zeros((2, 2, 2)))


@settings(max_examples=60, deadline=None)
@given(picture=PICTURES, square=st.sampled_from([1, 2**14]))
def test_planes_are_a_transposed_copy(picture: Array, square: int) -> None:
    """Into a new array, or into one that is given."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(channels_module, "_SQUARE", square)
        out = np.empty(picture.shape[2:] + picture.shape[:2], picture.dtype)
        assert planes(picture, out) is out
        made = planes(picture)
    assert made.flags.c_contiguous
    assert made.tobytes() == out.tobytes() == picture.transpose(2, 0, 1).tobytes()


def test_planes_wider_than_a_square_are_whole() -> None:
    """Many channels, and rows that are cut several times."""
    picture = np.random.default_rng(2).normal(size=(3, 333, 300)).astype(np.float32)
    assert np.array_equal(planes(picture), picture.transpose(2, 0, 1))


@pytest.mark.parametrize(
    ("template", "channel", "channels", "path"),
    [
        ("{channel}.png", 3, 9, "3.png"),
        ("{channel}.png", 3, 10, "03.png"),
        ("{channel}.png", 64, 4096, "0064.png"),
        ("{channel:}.png", 5, 64, "05.png"),
        ("{channel:03}.png", 5, 64, "005.png"),
        ("{channel:d}.png", 5, 64, "5.png"),
        ("{channel:02d}.png", 5, 4096, "05.png"),
        ("{channel:1}.png", 4096, 4096, "4096.png"),
        ("{channel}/{stem}-{channel:04}{{}}.tif", 5, 64, "05/{stem}-0005{{}}.tif"),
    ],
)
def test_a_path_gets_the_number_of_its_channel(template: str, channel: int, channels: int, path: str) -> None:
    """Padded with zeros unless it says how; other braces stay."""
    assert channel_path(template, channel, channels) == path


@given(channels=st.integers(1, 4096))
@settings(max_examples=20)
def test_names_sort_as_channels_do(channels: int) -> None:
    """And no two are the same."""
    paths = [channel_path("a{channel}.png", number, channels) for number in range(1, channels + 1)]
    assert paths == sorted(set(paths))


@pytest.mark.parametrize(
    "template", ["a.png", "{stem}.png", "{channel!r}.png", "{channels}", "{channel.real}"]
)
def test_a_path_without_a_channel_is_refused(template: str) -> None:
    """All channels would go to one file."""
    with pytest.raises(OptionError, match=r"put \{channel\} into it"):
        channel_path(template, 1, 3)


@pytest.mark.parametrize("width", ["c", "x", "9999", "-3", "/^9", ".2f", ",", "٣", " "])
def test_a_number_is_written_as_a_number(width: str) -> None:
    """No characters by their code, no names of thousands of letters."""
    with pytest.raises(OptionError, match="is no way to write a number"):
        channel_path(f"{{channel:{width}}}.png", 47, 64)


@pytest.mark.parametrize("channel", [0, 4, -1])
def test_channels_count_from_one(channel: int) -> None:
    """A number outside is a mistake of the caller."""
    with pytest.raises(ValueError, match="count from 1"):
        channel_path("{channel}.png", channel, 3)


class Limits:
    """Limits of open files as `resource` has them."""

    RLIMIT_NOFILE = 7

    def __init__(self, soft: int, hard: int, *, fails: bool = False) -> None:
        self.now, self.fails = (soft, hard), fails

    def getrlimit(self, which: int) -> tuple[int, int]:
        """The soft and the hard one."""
        assert which == self.RLIMIT_NOFILE
        return self.now

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        """Change them, if that works."""
        assert which == self.RLIMIT_NOFILE
        if self.fails:
            raise ValueError("not allowed to raise maximum limit")
        self.now = limits


@pytest.mark.parametrize(
    ("soft", "hard", "after"),
    [(1024, 4096, 1024), (200, 4096, 364), (200, -1, 364), (-1, -1, -1), (364, 364, 364)],
)
def test_the_limit_is_raised_as_far_as_needed(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, after: int
) -> None:
    """And stays where it was if that is enough; -1 stands for no limit."""
    limits = Limits(soft, hard)
    monkeypatch.setitem(sys.modules, "resource", limits)
    check_open_files(300)
    assert limits.now == (after, hard)


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [(Limits(200, 256), 256), (Limits(200, 256, fails=True), 200), (Limits(200, -1, fails=True), 200)],
)
def test_too_many_files_are_refused(monkeypatch: pytest.MonkeyPatch, limits: Limits, allowed: int) -> None:
    """With what else can be done."""
    monkeypatch.setitem(sys.modules, "resource", limits)
    with pytest.raises(LimitError, match=rf"364 files.*allows {allowed}: write a \.npy.*ulimit -n 364"):
        check_open_files(300)


def test_the_real_limit_is_raised() -> None:
    """As the system has it."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= before[1] < 500:
        pytest.skip("no room to raise it")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, before[1]))
        check_open_files(300)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (364, before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_systems_without_limits_are_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows has no such module."""
    monkeypatch.setitem(sys.modules, "resource", None)
    check_open_files(4096)
