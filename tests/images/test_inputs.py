"""From names, folders and lists of names to the images that are read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from sepfilter.errors import ImageReadError, OptionError
from sepfilter.images.formats import OUTPUT_FORMATS
from sepfilter.images.paths.inputs import (
    READ_EXTENSIONS,
    READ_ONLY_EXTENSIONS,
    Input,
    expand_inputs,
    listed_inputs,
)

ODD_NAMES = st.lists(st.binary(min_size=1, max_size=12).filter(lambda name: b"\0" not in name), min_size=1)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def tree(root: Path, *names: str) -> None:
    """Empty files, with their folders."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def found(*paths: str, exclude: str | None = None) -> list[str]:
    """What is opened for them, folders included."""
    return [one.path for one in expand_inputs(paths, recursive=True, exclude=exclude)]


@pytest.mark.parametrize("recursive", [False, True])
def test_files_stay_as_they_are_given(here: Path, recursive: bool) -> None:
    """In their order, of whatever extension, hidden, missing, behind a link, or given twice."""
    tree(here, "b.txt", ".hidden", "a")
    (here / "link.png").symlink_to("a")
    paths = ["b.txt", ".hidden", "./a", "link.png", "missing/x.png", "b.txt"]
    assert [one.path for one in expand_inputs(paths, recursive=recursive)] == paths


@pytest.mark.usefixtures("here")
def test_a_file_keeps_only_its_name_in_an_output_folder() -> None:
    """Where it was found is no part of what is repeated; standard input has a name too."""
    given_inputs = expand_inputs(["../in/a.png", "b.png", "-", "./-"], recursive=False)
    assert [one.relative for one in given_inputs] == ["a.png", "b.png", "stdin", "-"]


def test_a_folder_needs_recursive(here: Path) -> None:
    """The message names the option; nothing is said of files."""
    tree(here, "in/a.png")
    with pytest.raises(OptionError, match=r"^in: is a folder: give --recursive"):
        expand_inputs(["x.png", "in"], recursive=False)


@pytest.mark.parametrize(("folder", "prefix"), [("in", "in/"), ("in/", "in/"), ("./in", "./in/")])
def test_images_below_a_folder_are_found(here: Path, folder: str, prefix: str) -> None:
    """Each with the path to open and the path below the folder."""
    tree(here, "in/a.png", "in/x/b.jpg", "in/x/y/c.TIF")
    assert expand_inputs([folder], recursive=True) == [
        Input(f"{prefix}{relative}", relative) for relative in ("a.png", "x/b.jpg", "x/y/c.TIF")
    ]


def test_the_current_folder_is_one_too(here: Path) -> None:
    """Paths begin with a dot then."""
    tree(here, "a.png")
    assert expand_inputs(["."], recursive=True) == [Input("./a.png", "a.png")]


def test_only_images_are_taken_from_a_folder(here: Path) -> None:
    """By extension; nothing hidden, nor below a hidden folder, nor a folder called like an image."""
    tree(
        here, "in/a.png", "in/notes.txt", "in/b", "in/.c.png", "in/.thumbs/d.png", "in/png", "in/e.gif/f.txt"
    )
    assert found("in") == ["in/a.png"]


def test_a_hidden_folder_that_is_given_is_read(here: Path) -> None:
    """It was meant."""
    tree(here, ".in/a.png")
    assert found(".in") == [".in/a.png"]


def test_links_to_folders_are_not_followed(here: Path) -> None:
    """They may lead round in a circle; links to files are files, and a folder that is given may be a link."""
    tree(here, "real/a.png", "else/b.png")
    (here / "real" / "loop").symlink_to(".")
    (here / "real" / "else.png").symlink_to("../else")
    (here / "real" / "c.png").symlink_to("../else/b.png")
    (here / "in").symlink_to("real")
    assert found("in") == ["in/a.png", "in/c.png"]


def test_images_come_in_natural_order(here: Path) -> None:
    """Numbers by their value, folder by folder; case decides last."""
    names = [
        "1/x.png",
        "2/a.png",
        "2.png",
        "10/1.png",
        "10.png",
        "A1.png",
        "a01.png",
        "a2.png",
        "a10.png",
        "B.png",
    ]
    tree(here, *(f"in/{name}" for name in reversed(names)))
    assert found("in") == [f"in/{name}" for name in names]


def test_folders_and_files_keep_the_order_given(here: Path) -> None:
    """A folder's images stand where the folder stood."""
    tree(here, "b/1.png", "b/2.png", "a/1.png")
    assert found("z.png", "b", "-", "a") == ["z.png", "b/1.png", "b/2.png", "-", "a/1.png"]


@pytest.mark.parametrize("exclude", ["in/out", "in/out/", "./in/x/../out", "link"])
def test_the_output_folder_is_not_read_again(here: Path, exclude: str) -> None:
    """By whatever name it goes; another folder called so is read."""
    tree(here, "in/a.png", "in/out/a.png", "in/out/x/b.png", "in/x/out/c.png")
    (here / "link").symlink_to("in/out")
    assert found("in", exclude=exclude) == ["in/a.png", "in/x/out/c.png"]


@pytest.mark.parametrize("exclude", ["in", ".", "missing/out", "elsewhere"])
def test_an_output_folder_elsewhere_leaves_nothing_out(here: Path, exclude: str) -> None:
    """Nor does the input folder itself, or one above it."""
    tree(here, "in/a.png", "in/x/b.png", "elsewhere/c.png")
    assert found("in", exclude=exclude) == ["in/a.png", "in/x/b.png"]


def test_folders_without_an_image_are_an_error(here: Path) -> None:
    """With what images are told by; one folder of several may be empty."""
    tree(here, "in/a.txt", "other/a.png")
    with pytest.raises(OptionError, match=r"^in: no image in it or below: .* extensions"):
        found("in")
    assert found("in", "other") == ["other/a.png"]


def test_no_input_is_an_error() -> None:
    """There is nothing to do."""
    with pytest.raises(OptionError, match=r"^no input: "):
        expand_inputs([], recursive=False)


def test_a_folder_that_cannot_be_read_is_an_error(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise its images would be missing without a word."""
    tree(here, "in/a.png", "in/closed/b.png")
    scan = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ImageReadError, match=r"^in/closed: the folder cannot be read: Permission denied"):
        found("in")


def test_names_that_are_no_utf_8_are_found(here: Path) -> None:
    """And can be opened by the path that is given back."""
    (here / "in").mkdir()
    try:
        (here / "in" / os.fsdecode(b"\xff.png")).touch()
    except OSError:
        pytest.skip("this disk has names of UTF-8 only")
    (path,) = found("in")
    assert os.fsencode(path) == b"in/\xff.png"


def test_every_format_that_is_written_is_read() -> None:
    """Its extensions stand in one table only."""
    written = {extension for one in OUTPUT_FORMATS for extension in one.extensions}
    assert written <= READ_EXTENSIONS
    assert not written & READ_ONLY_EXTENSIONS


def test_the_other_extensions_are_those_of_readers() -> None:
    """Of Pillow's that decode images themselves, and of backends of this package."""
    Image.init()
    pillow = {extension for extension, name in Image.EXTENSION.items() if name in Image.OPEN}
    assert pillow | {".pam"} >= READ_ONLY_EXTENSIONS
    assert not {".eps", ".ps", ".pdf", ".wmf", ".mpg", ".h5"} & READ_EXTENSIONS


def test_a_list_has_one_name_a_line() -> None:
    """Spaces belong to names; empty lines, Windows line ends and its mark at the beginning do not."""
    text = b"\xef\xbb\xbfa.png\r\n\n b c .png\r\n\r\nd.png"
    assert listed_inputs(text, nul=False) == ["a.png", " b c .png", "d.png"]


@given(ODD_NAMES)
def test_a_list_with_nul_bytes_holds_any_name(names: list[bytes]) -> None:
    """As `find -print0` writes it, line ends and bytes that are no UTF-8 included."""
    listed = listed_inputs(b"".join(name + b"\0" for name in names), nul=True)
    assert [os.fsencode(name) for name in listed] == names


@given(ODD_NAMES)
def test_a_list_of_lines_holds_any_name_without_line_ends(names: list[bytes]) -> None:
    """With and without an end of the last line."""
    plain = [name.translate(None, b"\r\n") or b"x" for name in names]
    plain[0] = b"./" + plain[0]
    for end in (b"", b"\n"):
        listed = listed_inputs(b"\n".join(plain) + end, nul=False)
        assert [os.fsencode(name) for name in listed] == plain


@pytest.mark.parametrize(("text", "nul"), [(b"", False), (b"\n\r\n", False), (b"", True), (b"\0\0", True)])
def test_an_empty_list_is_an_error(text: bytes, nul: bool) -> None:
    """Rather than a run that does nothing."""
    with pytest.raises(OptionError, match=r"^--files-from: the list is empty"):
        listed_inputs(text, nul=nul)


@pytest.mark.parametrize("text", [b"a.png\0b.png\0", "a.png\n".encode("utf-16")], ids=["print0", "utf-16"])
def test_nul_bytes_where_lines_are_expected_are_an_error(text: bytes) -> None:
    """The message names -0."""
    with pytest.raises(OptionError, match=r"^--files-from: the list holds NUL bytes: give -0"):
        listed_inputs(text, nul=False)
