"""No output is another's, nor an input: found before anything is written, by device and inode."""

from __future__ import annotations

import os
from pathlib import Path
from time import process_time
from typing import Any
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepfilter.errors import OutputExistsError
from sepfilter.images.paths.inputs import Input
from sepfilter.images.paths.targets import Target, resolve_targets


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def resolved(*inputs: str | Input, to: str | None, **options: Any) -> list[Target]:
    """The targets of inputs, which were named one by one if they are not told otherwise."""
    chosen = [one if isinstance(one, Input) else Input.given(one) for one in inputs]
    return resolve_targets(chosen, to, **options)


def below(folder: str, relative: str) -> Input:
    """An input that was found in a folder."""
    return Input(f"{folder}/{relative}", relative)


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
def test_one_input_given_twice_collides_with_itself() -> None:
    """Even as the very same value."""
    one = Input.given("a.png")
    with pytest.raises(OutputExistsError, match=r"^a\.png and a\.png would both write"):
        resolved(one, one, to="out/")


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


@pytest.mark.usefixtures("here")
def test_inputs_of_two_folders_with_one_relative_path_collide() -> None:
    """As two files of one name do."""
    with pytest.raises(
        OutputExistsError, match=r"^one/x/a\.png and two/x/a\.png would both write out/x/a\.png"
    ):
        resolved(below("one", "x/a.png"), below("two", "x/a.png"), to="out/")


@pytest.mark.usefixtures("here")
def test_folders_that_differ_in_case_collide_where_they_have_to_be_made() -> None:
    """Not every disk would make two."""
    with pytest.raises(OutputExistsError, match="would both write"):
        resolved(below("in", "X/a.png"), below("in", "x/a.png"), to="out/")


def test_existing_folders_are_told_apart_by_what_they_are(here: Path) -> None:
    """Where X and x exist side by side the disk knows them apart."""
    (here / "X").mkdir()
    if (here / "x").exists():
        pytest.skip("this disk does not tell X from x")
    (here / "x").mkdir()
    assert len(resolved("X/a.png", "x/a.png", to="{parent}/b-{name}")) == 2


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("order", [1, -1])
def test_a_file_in_the_place_of_a_folder_to_make_is_refused(order: int) -> None:
    """One input's folder is called as another's file; whichever comes first."""
    inputs = (below("one", "x.png"), below("two", "x.png/a.png"))[::order]
    with pytest.raises(OutputExistsError) as caught:
        resolved(*inputs, to="out/")
    assert str(caught.value) == (
        "one/x.png would write out/x.png, which has to be a folder for out/x.png/a.png: "
        "choose another output for one of them"
    )


@pytest.mark.usefixtures("here")
def test_names_that_differ_in_normalization_collide() -> None:
    """é is one character or two; some disks take both for the same name."""
    with pytest.raises(OutputExistsError, match="would both write"):
        resolved("caf\u00e9.png", "cafe\u0301.PNG", to="out/")


@given(
    st.text(st.characters(exclude_characters="/\0{}", exclude_categories=("Cs",)), min_size=1, max_size=20)
)
def test_any_spelling_of_a_name_collides_with_it(name: str) -> None:
    """Composed or decomposed, in capitals or small letters."""
    spellings = {name, *(normalize(form, name) for form in ("NFC", "NFD")), name.casefold()}
    for other in spellings - {name}:
        if "/" not in other:
            with pytest.raises(OutputExistsError):
                resolved(f"{name}.png", f"{other}.png", to="nowhere/")


@pytest.mark.parametrize("link", ["hard", "symbolic"])
def test_another_input_is_never_written_over_by_any_name(here: Path, link: str) -> None:
    """Files are told by device and inode, --overwrite or not."""
    (here / "a.png").write_bytes(b"a")
    (here / "b.png").write_bytes(b"b")
    if link == "hard":
        (here / "1.png").hardlink_to("b.png")
    else:
        (here / "1.png").symlink_to("b.png")
    with pytest.raises(
        OutputExistsError, match=r"^a\.png would be written over b\.png, which is an input too"
    ):
        resolved("a.png", "b.png", to="{index}.png", overwrite=True)


@pytest.mark.usefixtures("here")
def test_a_missing_input_is_not_written_over_either() -> None:
    """It might be made by the time it is read, and would then be the wrong picture."""
    with pytest.raises(OutputExistsError, match="which is an input too"):
        resolved("a.png", "1.png", to="{index}.png")


@pytest.mark.parametrize("to", ["a.png", "{name}", "./", "link.png", "hard.png"])
def test_an_input_is_replaced_by_its_own_result_only_when_overwriting(here: Path, to: str) -> None:
    """By its own name or by another; that is the same as in place."""
    (here / "a.png").write_bytes(b"a")
    (here / "link.png").symlink_to("a.png")
    (here / "hard.png").hardlink_to("a.png")
    with pytest.raises(OutputExistsError, match=r"exists already: give --overwrite"):
        resolved("a.png", to=to)
    assert len(resolved("a.png", to=to, overwrite=True)) == 1


def test_an_input_given_twice_is_not_replaced_before_it_is_read_again(here: Path) -> None:
    """The second time it would be another picture."""
    (here / "1.png").write_bytes(b"a")
    with pytest.raises(OutputExistsError, match="which is an input too"):
        resolved("1.png", "1.png", to="{index}.png", overwrite=True)


@pytest.mark.usefixtures("here")
def test_in_place_one_file_cannot_be_given_twice() -> None:
    """It would be filtered twice."""
    for again in ("a.png", "./a.png"):
        with pytest.raises(OutputExistsError, match="would both write"):
            resolved("a.png", again, to=None, in_place=True)


@pytest.mark.parametrize("link", ["hard", "symbolic"])
def test_in_place_two_names_of_one_file_are_refused(here: Path, link: str) -> None:
    """It was given twice."""
    (here / "a.png").write_bytes(b"a")
    (here / "b.png").hardlink_to("a.png") if link == "hard" else (here / "b.png").symlink_to("a.png")
    with pytest.raises(OutputExistsError, match=r"^a\.png and b\.png would both write .* given twice"):
        resolved("a.png", "b.png", to=None, in_place=True)


def test_in_place_names_that_differ_in_case_may_be_two_files(here: Path) -> None:
    """They exist, so the disk tells."""
    (here / "a.png").touch()
    if (here / "A.png").exists():
        pytest.skip("this disk does not tell A from a")
    (here / "A.png").touch()
    assert len(resolved("a.png", "A.png", to=None, in_place=True)) == 2


def test_a_pipe_may_be_written_once(here: Path) -> None:
    """It has no content to lose, but two pictures in it could not be told apart."""
    os.mkfifo(here / "pipe.png")
    (here / "same.png").hardlink_to("pipe.png")
    assert [one.path for one in resolved("a.png", to="pipe.png")] == ["pipe.png"]
    with pytest.raises(OutputExistsError, match="would both write"):
        resolved("in/pipe.png", "in/same.png", to="./")


def test_ten_thousand_inputs_take_no_time(here: Path) -> None:
    """Half a second of work on the machine it was made on; ten times that here, where quadratic work fails."""
    (here / "out").mkdir()
    inputs = [below("in", f"{number % 100}/{number}.png") for number in range(10_000)]
    before = process_time()
    assert len(resolved(*inputs, to="out/")) == 10_000
    assert process_time() - before < 5
