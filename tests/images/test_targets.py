"""From inputs and an OUTPUT to files, with collisions found before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepfilter.errors import ImageWriteError, OptionError, OutputExistsError
from sepfilter.images.targets import resolve_targets


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def resolved(*inputs: str, to: str | None, **options: object) -> list[tuple[str, str]]:
    """Paths and formats of the targets."""
    targets = resolve_targets(inputs, to, **options)  # type: ignore[arg-type]
    return [(target.path, target.format.name) for target in targets]


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
@pytest.mark.parametrize("field", ["steam", "", "0", "stem[0]", "stem.upper", "channel"])
def test_an_unknown_field_is_refused(field: str) -> None:
    """The message lists the fields there are."""
    with pytest.raises(OptionError) as caught:
        resolved("a.png", to=f"{{{field}}}.png")
    expected = f"-o {{{field}}}.png: no field {{{field}}}: use {{stem}}, {{name}}, {{parent}}, {{index}}"
    assert str(caught.value) == expected


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
@pytest.mark.parametrize(
    "inputs",
    [
        ("in/a.png", "other/a.png"),
        ("a.png", "a.gif"),
        ("a.png", "A.png"),
        ("a.png", "a.PNG"),
        ("straße.png", "STRASSE.png"),
        ("a.png", "b.png", "./a.png"),
    ],
    ids=["same name", "same stem", "case of stem", "case of extension", "ß", "same file"],
)
def test_two_inputs_for_one_file_are_refused(inputs: tuple[str, ...]) -> None:
    """Also where only case tells them apart, since not every disk does. Both inputs are named."""
    with pytest.raises(OutputExistsError) as caught:
        resolved(*inputs, to="out/")
    assert str(caught.value).startswith(f"{inputs[0]} and {inputs[-1]} would both write out/")
    assert "choose a template that tells them apart" in str(caught.value)


@pytest.mark.usefixtures("here")
def test_a_template_that_tells_inputs_apart_is_no_collision() -> None:
    """With {index} the same name may come from two folders; without any field it may not."""
    assert len(resolved("in/a.png", "other/a.png", to="{index}-{stem}.png")) == 2
    with pytest.raises(OutputExistsError, match="would both write"):
        resolved("a.png", "b.png", to="{{same}}.png")


def test_collisions_are_found_behind_links(here: Path) -> None:
    """Two names of one folder are one place."""
    (here / "real").mkdir()
    (here / "link").symlink_to("real")
    with pytest.raises(OutputExistsError, match="would both write"):
        resolved("real/a.png", "link/a.png", to="{parent}/x-{name}")


def test_overwriting_does_not_allow_collisions(here: Path) -> None:
    """--overwrite is about files that were there before."""
    (here / "a.png").touch()
    with pytest.raises(OutputExistsError, match="would both write"):
        resolved("in/a.png", "other/a.png", to="./", overwrite=True)


@pytest.mark.parametrize("output", ["old.png", "{stem}.png", "."])
def test_an_existing_file_is_refused_unless_overwriting(here: Path, output: str) -> None:
    """By name, by template, in a folder; one existing file refuses all."""
    (here / "old.png").write_bytes(b"old")
    inputs = ("in/old.png",) if output == "old.png" else ("in/new.png", "in/old.png")
    with pytest.raises(OutputExistsError, match=r"^old\.png: exists already: give --overwrite"):
        resolved(*inputs, to=output)
    assert len(resolved(*inputs, to=output, overwrite=True)) == len(inputs)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("output", ["missing/out.png", "missing/{stem}.png"])
def test_a_missing_folder_is_an_error_for_files(output: str) -> None:
    """A folder is only made where OUTPUT is one."""
    with pytest.raises(ImageWriteError, match=r": the folder missing does not exist: create it first"):
        resolved("a.png", to=output)


def test_a_folder_in_the_place_of_a_file_is_an_error(here: Path) -> None:
    """Even when overwriting."""
    (here / "a.png").mkdir()
    with pytest.raises(ImageWriteError, match=r"^a\.png: is a folder"):
        resolved("x/a.png", to="{stem}.png", overwrite=True)


@pytest.mark.usefixtures("here")
def test_standard_output_needs_a_format() -> None:
    """A stream has no extension; with --format it is a target."""
    with pytest.raises(OptionError, match=r"^-o -: standard output has no extension: give --format"):
        resolved("a.png", to="-")
    (target,) = resolve_targets(["a.png"], "-", output_format="PNG")
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


@pytest.mark.usefixtures("here")
def test_in_place_one_file_cannot_be_given_twice() -> None:
    """It would be filtered twice."""
    with pytest.raises(OutputExistsError, match="would both write"):
        resolved("a.png", "./a.png", to=None, in_place=True)
