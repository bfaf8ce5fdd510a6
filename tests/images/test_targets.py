"""From inputs and an OUTPUT to files: their names, and whether they may replace or be left out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from sepfilter.errors import ImageWriteError, OptionError, OutputExistsError
from sepfilter.images.paths.inputs import Input
from sepfilter.images.paths.targets import Target, resolve_targets


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def resolved(*inputs: str | Input, to: str | None, **options: Any) -> list[tuple[str, str]]:
    """Paths and formats of the targets."""
    return [(target.path, target.format.name) for target in targets(*inputs, to=to, **options)]


def targets(*inputs: str | Input, to: str | None, **options: Any) -> list[Target]:
    """The targets themselves, of inputs that were named one by one if they are not told otherwise."""
    chosen = [one if isinstance(one, Input) else Input.given(one) for one in inputs]
    return resolve_targets(chosen, to, **options)


def pages(path: str, count: int) -> list[Input]:
    """All pages of a file."""
    return [Input(path, Path(path).name, page, count) for page in range(1, count + 1)]


def below(folder: str, relative: str) -> Input:
    """An input that was found in a folder."""
    return Input(f"{folder}/{relative}", relative)


@pytest.mark.usefixtures("here")
def test_one_input_goes_to_one_file() -> None:
    """The extension tells the format, whatever the input was."""
    assert resolved("a.png", to="edges.jpg") == [("edges.jpg", "jpeg")]


@pytest.mark.usefixtures("here")
def test_a_named_format_overrules_the_extension() -> None:
    """The name stays as it was given."""
    assert resolved("a.png", to="edges.dat", output_format="tiff") == [("edges.dat", "tiff")]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("in/a.png", ("out/a.png", "png")),
        ("in/a.JPG", ("out/a.JPG", "jpeg")),
        ("in/a.b.tif", ("out/a.b.tif", "tiff")),
        ("in/a.gif", ("out/a.png", "png")),
        ("in/a", ("out/a.png", "png")),
        ("-", ("out/stdin.png", "png")),
    ],
)
def test_in_a_folder_inputs_keep_their_names(path: str, target: tuple[str, str]) -> None:
    """And their formats where those are written, else they become PNG. The folder may be missing."""
    assert resolved(path, to="out/") == [target]


def test_an_existing_folder_needs_no_slash(here: Path) -> None:
    """`-o out` with a folder of that name."""
    (here / "out").mkdir()
    assert resolved("a.png", "b.png", to="out") == [("out/a.png", "png"), ("out/b.png", "png")]


@pytest.mark.usefixtures("here")
def test_a_named_format_brings_its_extension_into_a_folder() -> None:
    """An extension that fits already stays."""
    assert resolved("a.png", "b.jpeg", to="out/", output_format="jpeg") == [
        ("out/a.jpg", "jpeg"),
        ("out/b.jpeg", "jpeg"),
    ]


def test_a_template_is_filled_in(here: Path) -> None:
    """{stem}, {name}, {parent} and {index}, counted from 1 and formatted as in Python."""
    (here / "in").mkdir()
    inputs = ("in/a.png", "in/b.tif")
    assert resolved(*inputs, to="{stem}-edges.jpg") == [("a-edges.jpg", "jpeg"), ("b-edges.jpg", "jpeg")]
    assert resolved(*inputs, to="{index:03}.png") == [("001.png", "png"), ("002.png", "png")]
    assert resolved(*inputs, to="{parent}/x-{name}") == [("in/x-a.png", "png"), ("in/x-b.tif", "tiff")]


@pytest.mark.usefixtures("here")
def test_doubled_braces_of_a_template_are_braces() -> None:
    """As in Python's format strings."""
    assert resolved("a.png", to="{{{stem}}}.png") == [("{a}.png", "png")]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("field", ["steam", "", "0", "stem[0]", "stem.upper", "channels"])
def test_an_unknown_field_is_refused(field: str) -> None:
    """The message lists the fields there are."""
    with pytest.raises(OptionError) as caught:
        resolved("a.png", to=f"{{{field}}}.png")
    expected = (
        f"-o {{{field}}}.png: no field {{{field}}}: "
        "use {stem}, {name}, {parent}, {index}, {page}, {ext}, {channel}"
    )
    assert str(caught.value) == expected


@pytest.mark.usefixtures("here")
def test_the_channel_stays_in_the_path_until_it_is_known() -> None:
    """With its format; the path is marked, and a name that holds the field itself is refused."""
    (target,) = resolve_targets([Input("a.png", "a.png")], "{stem}-{channel:03}.tif")
    assert (target.path, target.is_per_channel) == ("a-{channel:03}.tif", True)
    with pytest.raises(OptionError, match=r"has \{channel\} in its own name: rename it first"):
        resolve_targets([Input("{channel}.png", "{channel}.png")], "{stem}-{channel}.png")
    with pytest.raises(OptionError, match=r"--skip-existing: \{channel\} stands for several files"):
        resolve_targets([Input("a.png", "a.png")], "{channel}.png", skip_existing=True)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("template", ["{stem.png", "{stem}}.png", "{index:zz}.png", "{stem!x}.png"])
def test_a_malformed_template_is_refused(template: str) -> None:
    """An unclosed brace, or a format that does not exist."""
    with pytest.raises(OptionError, match="not a template: "):
        resolved("a.png", to=template)


@pytest.mark.usefixtures("here")
def test_a_template_without_format_is_refused() -> None:
    """What it gives must have an extension."""
    with pytest.raises(OptionError, match=r"^a-edges: the name has no extension"):
        resolved("a.png", to="{stem}-edges")


@pytest.mark.usefixtures("here")
def test_one_file_cannot_take_several_inputs() -> None:
    """The message shows both ways out."""
    with pytest.raises(
        OptionError, match=r"^-o out\.png: one file cannot take 2 inputs: .* folder .* template"
    ):
        resolved("a.png", "b.png", to="out.png")


@pytest.mark.usefixtures("here")
def test_in_a_folder_pages_get_numbers() -> None:
    """As wide as the number of pages, so that they sort; an only page is called as its file."""
    assert resolved(*pages("in/a.tif", 2), *pages("b.gif", 1), to="out/") == [
        ("out/a-1.tif", "tiff"),
        ("out/a-2.tif", "tiff"),
        ("out/b.png", "png"),
    ]
    names = [path for path, _ in resolved(*pages("a.tif", 10), to="out/", output_format="png")]
    assert names == sorted(names)
    assert names[::9] == ["out/a-01.png", "out/a-10.png"]


@pytest.mark.usefixtures("here")
def test_a_chosen_page_is_called_as_its_file() -> None:
    """Nothing else comes of it."""
    assert resolved(Input("a.tif", "a.tif", page=7), to="out/") == [("out/a.tif", "tiff")]


@pytest.mark.usefixtures("here")
def test_a_template_knows_the_page() -> None:
    """From 1, in any width; of all inputs."""
    inputs = [*pages("a.tif", 2), Input.given("b.png")]
    assert [path for path, _ in resolved(*inputs, to="{stem}_{page:03}.png")] == [
        "a_001.png",
        "a_002.png",
        "b_001.png",
    ]
    assert [path for path, _ in resolved(*inputs, to="{index}.png")] == ["1.png", "2.png", "3.png"]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("b.png", r"^-o b\.png: one file cannot take 3 images: .* folder .* 'out/\{stem\}-\{page\}\.png'$"),
        ("-", "^-o -: one stream cannot take 3 images"),
        ("{stem}.png", r"^-o \{stem\}\.png: a\.tif has 3 pages, not one: put \{page\} into it"),
        (None, r"^--in-place: a\.tif has 3 pages, not one: give -o$"),
    ],
)
def test_one_name_cannot_take_several_pages(output: str | None, message: str) -> None:
    """A file, a stream, a template that knows no page, or the input itself; the message shows a way out."""
    with pytest.raises(OptionError, match=message):
        resolved(*pages("a.tif", 3), to=output, output_format="tiff", in_place=output is None)


@pytest.mark.usefixtures("here")
def test_a_page_and_a_file_that_is_called_like_it_collide() -> None:
    """Before anything is written."""
    with pytest.raises(OutputExistsError, match=r"both write out/a-2\.tif"):
        resolved(*pages("a.tif", 2), "a-2.tif", to="out/")


@pytest.mark.parametrize("output", ["old.png", "{stem}.png", "."])
def test_an_existing_file_is_refused_unless_overwriting(here: Path, output: str) -> None:
    """By name, by template, in a folder; one existing file refuses all."""
    (here / "old.png").write_bytes(b"old")
    inputs = ("in/old.png",) if output == "old.png" else ("in/new.png", "in/old.png")
    with pytest.raises(OutputExistsError, match=r"^old\.png: exists already: give --overwrite"):
        resolved(*inputs, to=output)
    assert len(resolved(*inputs, to=output, overwrite=True)) == len(inputs)


@pytest.mark.usefixtures("here")
def test_standard_output_needs_a_format() -> None:
    """A stream has no extension; with --format it is a target."""
    with pytest.raises(OptionError, match=r"^-o -: standard output has no extension: give --format"):
        resolved("a.png", to="-")
    (target,) = targets("a.png", to="-", output_format="PNG")
    assert (target.path, target.format.name, target.is_stdout) == ("-", "png", True)


@pytest.mark.usefixtures("here")
def test_standard_output_takes_one_image() -> None:
    """Two images in one stream could not be told apart."""
    with pytest.raises(OptionError, match=r"^-o -: one stream cannot take 2 images"):
        resolved("a.png", "b.png", to="-", output_format="png")


@pytest.mark.usefixtures("here")
def test_no_output_is_refused() -> None:
    """The message names both ways to give one."""
    with pytest.raises(OptionError, match=r"^no output: give -o OUTPUT, or --in-place"):
        resolved("a.png", to=None)


@pytest.mark.usefixtures("here")
def test_an_unknown_extension_gets_the_nearest_one() -> None:
    """The file is named, and what it could have meant."""
    with pytest.raises(OptionError, match=r"^out\.pgn: format '\.pgn' is not written: did you mean png\?"):
        resolved("a.png", to="out.pgn")


@pytest.mark.usefixtures("here")
def test_an_unknown_format_is_refused_before_files_are_looked_at() -> None:
    """Whatever the output."""
    with pytest.raises(OptionError, match=r"^format 'gif' is not written"):
        resolved("a.png", to="out/", output_format="gif")


def test_in_place_every_input_is_its_own_target(here: Path) -> None:
    """Files that exist are what it is for."""
    (here / "a.png").touch()
    assert resolved("a.png", "b.jpg", to=None, in_place=True) == [("a.png", "png"), ("b.jpg", "jpeg")]


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (("-",), "standard input is no file"),
        (("a.gif",), r"a\.gif: format '\.gif' is not written"),
        (("a.png", "b"), "b: the name has no extension"),
    ],
)
def test_in_place_needs_files_that_can_be_written(inputs: tuple[str, ...], message: str) -> None:
    """Neither standard input nor a format that is only read."""
    with pytest.raises(OptionError, match=message):
        resolved(*inputs, to=None, in_place=True)


def test_an_output_folder_repeats_the_folders_of_the_inputs(here: Path) -> None:
    """Of inputs found in a folder; those named one by one go to its top. What is missing is to be made."""
    (here / "out" / "x").mkdir(parents=True)
    inputs = (below("in", "x/a.tif"), below("in", "y/z/a.png"), "else/where/b.png")
    assert [(one.path, one.folder_to_make) for one in targets(*inputs, to="out/")] == [
        ("out/x/a.tif", None),
        ("out/y/z/a.png", "out/y/z"),
        ("out/b.png", None),
    ]


@pytest.mark.usefixtures("here")
def test_a_missing_output_folder_is_to_be_made() -> None:
    """Every target of it says so: any may be the first to be written."""
    assert [one.folder_to_make for one in targets("a.png", "b.png", to="new/out/")] == ["new/out"] * 2


@pytest.mark.usefixtures("here")
def test_a_template_does_not_repeat_folders() -> None:
    """It says itself where its files go."""
    assert resolved(below("in", "x/a.tif"), to="{index}.png") == [("1.png", "png")]


@pytest.mark.usefixtures("here")
def test_a_template_may_keep_the_extension() -> None:
    """{ext} is without its dot, as it was written."""
    assert resolved("a.JPG", "b.tif", to="{stem}-edges.{ext}") == [
        ("a-edges.JPG", "jpeg"),
        ("b-edges.tif", "tiff"),
    ]


def test_in_place_needs_files_not_pipes(here: Path) -> None:
    """What goes through a pipe cannot be replaced."""
    os.mkfifo(here / "a.png")
    with pytest.raises(OptionError, match=r"^--in-place: a\.png is no file"):
        resolved("a.png", to=None, in_place=True)


def test_existing_targets_are_skipped(here: Path) -> None:
    """So that a batch can be taken up again; the others keep their order."""
    (here / "b.png").touch()
    assert [one.skipped for one in targets("x/a.png", "x/b.png", "x/c.png", to="./", skip_existing=True)] == [
        False,
        True,
        False,
    ]


def test_skipping_does_not_hide_a_folder(here: Path) -> None:
    """It is no result of an earlier run."""
    (here / "a.png").mkdir()
    with pytest.raises(ImageWriteError, match="is a folder"):
        resolved("x/a.png", to="{name}", skip_existing=True)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("to", "other"),
    [("out/", {"overwrite": True}), (None, {"in_place": True})],
    ids=["overwrite", "in place"],
)
def test_skipping_contradicts_replacing(to: str | None, other: dict[str, bool]) -> None:
    """--skip-existing with --overwrite or --in-place."""
    with pytest.raises(OptionError, match=r"^--skip-existing: keeps the files that --"):
        resolved("a.png", to=to, skip_existing=True, **other)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("name", ["", "/"])
def test_an_input_without_a_name_is_refused(name: str) -> None:
    """Its output could not be called after it."""
    with pytest.raises(OptionError, match="has no file name that an output could be called after"):
        resolved(name, to="out/")


@pytest.mark.usefixtures("here")
def test_a_hidden_input_keeps_its_whole_name() -> None:
    """Its dot begins no extension."""
    assert resolved(".png", to="out/") == [("out/.png.png", "png")]
