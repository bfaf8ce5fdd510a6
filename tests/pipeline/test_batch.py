"""Many inputs: in order, none in the way of another, and nothing begun that cannot end well."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sepfilter import errors
from sepfilter.images.files import read_image, write_image
from sepfilter.images.paths.inputs import Input
from sepfilter.pipeline import Batch, flow, run_job
from sepfilter.pipeline.task import Task
from sepfilter.results import Result

Array = npt.NDArray[Any]


def test_several_inputs_give_results_in_order(asked: ModuleType, here: Path) -> None:
    """One result and one file for each; a missing folder is made, and its parents."""
    for index in range(3):
        write_image(f"{index}.png", asked.picture(5, 5 + index, seed=index))
    results = list(run_job(asked.job("2.png", "0.png", "1.png", to="new/out/")))
    files = [(result.path, result.outputs[0].path) for result in results]
    assert files == [(name, f"new/out/{name}") for name in ("2.png", "0.png", "1.png")]
    for index in range(3):
        expected = asked.blurred(asked.picture(5, 5 + index, seed=index))
        assert np.array_equal(read_image(f"new/out/{index}.png")[0], expected)


def test_results_come_one_by_one(asked: ModuleType, here: Path) -> None:
    """The first is there before the second input is opened."""
    write_image("a.png", asked.picture(5, 5))
    results = run_job(asked.job("a.png", "b.png", to="out/", jobs=1))
    assert next(results).failure is None
    write_image("b.png", asked.picture(5, 5))
    assert next(results).failure is None


@pytest.mark.parametrize(
    ("name", "content", "code", "reason"),
    [
        ("missing.png", None, "read", "missing.png: cannot be read"),
        ("text.png", b"not an image", "read", "text.png: is not an image"),
        ("deep.npy", np.zeros((4, 4), np.uint16), "unsupported", "deep.jpg: JPEG cannot hold"),
        ("wide.npy", np.zeros((1, 70_000, 3), np.uint8), "write", "wide.jpg: cannot be encoded"),
    ],
)
def test_a_failing_input_does_not_stop_the_others(
    asked: ModuleType, here: Path, name: str, content: bytes | Array | None, code: str, reason: str
) -> None:
    """The error's code and message are recorded; nothing is written for it, the others are done."""
    write_image("a.png", asked.picture(5, 5))
    write_image("c.png", asked.picture(5, 5))
    if isinstance(content, bytes):
        (here / name).write_bytes(content)
    elif content is not None:
        np.save(name, content)
    before = asked.contents(here)
    first, failed, last = run_job(asked.job("a.png", name, "c.png", to="{stem}.jpg"))
    assert [first.failure, last.failure] == [None, None]
    assert asked.contents(here).keys() - before.keys() == {"a.jpg", "c.jpg"}
    assert failed.failure is not None
    assert (failed.failure.code, failed.failure.message[: len(reason)]) == (code, reason)
    assert (failed.path, failed.outputs, failed.megapixels_per_second) == (name, (), None)


@pytest.mark.parametrize("output", ["out/", "{stem}.png", "{index}.png"])
def test_a_collision_is_found_before_any_input_is_read(asked: ModuleType, here: Path, output: str) -> None:
    """Same stems, or a file that exists where the last output would go: nothing is touched."""
    (here / "out").mkdir()
    write_image("a.png", asked.picture(5, 5))
    (here / "2.png").write_bytes(b"old")
    before = asked.contents(here)
    with pytest.raises(errors.OutputExistsError):
        list(run_job(asked.job("a.png", "missing/a.png", to=output)))
    assert asked.contents(here) == before


@pytest.mark.parametrize(("name", "quality"), [("png", 90), ("jpeg", 0), ("jpeg", 101)])
def test_a_quality_that_cannot_be_honoured_stops_all(
    asked: ModuleType, here: Path, name: str, quality: int
) -> None:
    """Before anything is read."""
    with pytest.raises(errors.OptionError, match="quality"):
        list(
            run_job(
                asked.job("missing.png", "gone.png", to="out/", writing={"format": name, "quality": quality})
            )
        )
    assert list(here.iterdir()) == []


def test_in_place_inputs_are_replaced_and_broken_ones_stay(asked: ModuleType, here: Path) -> None:
    """The same files before and after, filtered where they could be read."""
    write_image("a.png", asked.picture(6, 7))
    (here / "b.png").write_bytes(b"broken")
    sound, broken = run_job(asked.job("a.png", "b.png", to=None, writing={"in_place": True}))
    assert (sound.outputs[0].path, broken.outputs) == ("a.png", ())
    assert asked.contents(here).keys() == {"a.png", "b.png"}
    assert np.array_equal(read_image("a.png")[0], asked.blurred(asked.picture(6, 7)))
    assert (here / "b.png").read_bytes() == b"broken"


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, float]], dict[str, int]]:
    """Make inputs take some seconds each; tells how many ran at a time, and how many were begun."""
    perform, lock = Task.perform, threading.Lock()
    counts = {"running": 0, "most": 0, "begun": 0}

    def slow_down(seconds: dict[str, float]) -> dict[str, int]:
        def slowly(task: Task) -> None:
            with lock:
                counts["begun"] += 1
                counts["running"] += 1
                counts["most"] = max(counts["most"], counts["running"])
            time.sleep(seconds.get(task.path, 0.0))
            perform(task)
            with lock:
                counts["running"] -= 1

        monkeypatch.setattr(Task, "perform", slowly)
        return counts

    return slow_down


def paths(results: Iterable[Result]) -> list[str]:
    """The inputs of results."""
    return [result.path for result in results]


def test_results_are_in_order_whichever_is_done_first(
    asked: ModuleType, here: Path, slow: Callable[[dict[str, float]], dict[str, int]]
) -> None:
    """Three at a time, the first the slowest."""
    names = [f"{index}.png" for index in range(7)]
    for index, name in enumerate(names):
        write_image(name, asked.picture(5, 5, seed=index))
    counts = slow({names[0]: 0.15, names[3]: 0.1})
    assert paths(run_job(asked.job(*names, to="out/", jobs=3))) == names
    assert counts["most"] == 3
    for index, name in enumerate(names):
        assert np.array_equal(read_image(f"out/{name}")[0], asked.blurred(asked.picture(5, 5, seed=index)))


def test_results_that_nobody_takes_do_not_pile_up(
    asked: ModuleType, here: Path, slow: Callable[[dict[str, float]], dict[str, int]]
) -> None:
    """No more than a few inputs are begun ahead of the one that is reported."""
    names = [f"{index}.png" for index in range(40)]
    for name in names:
        write_image(name, asked.picture(5, 5))
    counts = slow({})
    results = run_job(asked.job(*names, to="out/", jobs=2))
    next(results)
    time.sleep(0.1)
    assert counts["begun"] <= 5
    assert len(list(results)) == 39


@pytest.mark.parametrize(("threads", "jobs", "each"), [(4, 2, 2), (4, None, 1), (2, 8, 1), (5, 1, 5)])
def test_images_share_the_threads(
    asked: ModuleType, here: Path, monkeypatch: pytest.MonkeyPatch, threads: int, jobs: int | None, each: int
) -> None:
    """So many at a time have so many threads each, and one at least."""
    for index in range(8):
        write_image(f"{index}.png", asked.picture(5, 5))
    seen = set()
    perform = Task.perform

    def noting(task: Task) -> None:
        seen.add(task.work.threads)
        perform(task)

    monkeypatch.setattr(Task, "perform", noting)
    list(run_job(asked.job(*(f"{index}.png" for index in range(8)), to="out/", threads=threads, jobs=jobs)))
    assert seen == {each}


def test_a_single_image_has_all_threads_whatever_jobs_says(
    asked: ModuleType, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is there to share them with."""
    write_image("a.png", asked.picture(5, 5))
    workers = []
    of = flow.Flow.of
    monkeypatch.setattr(flow.Flow, "of", lambda *given: workers.append(given[-1]) or of(*given))
    list(run_job(asked.job("a.png", to="b.png", threads=3, jobs=3)))
    assert workers == [3]


@pytest.mark.parametrize("jobs", [1, 3])
def test_fail_fast_begins_no_other_once_one_has_failed(
    asked: ModuleType, here: Path, jobs: int, slow: Callable[[dict[str, float]], dict[str, int]]
) -> None:
    """What runs already is done and reported; every output belongs to a result."""
    names = [f"{index}.png" for index in range(12)]
    for name in names:
        write_image(name, asked.picture(5, 5))
    (here / names[2]).write_bytes(b"broken")
    slow({name: 0.05 for name in names if name != names[2]})
    results = list(run_job(asked.job(*names, to="out/", jobs=jobs, fail_fast=True)))
    done = [result.path for result in results if result.failure is None]
    assert [result.path for result in results if result.failure] == [names[2]]
    assert paths(results) == sorted(paths(results))
    assert len(results) == 3 if jobs == 1 else 3 <= len(results) <= 5
    assert sorted(path.name for path in (here / "out").iterdir()) == sorted(done)


def interrupted(results: Iterable[Result]) -> None:
    """Take one, and be interrupted while others are under way."""
    for _ in results:
        time.sleep(0.1)
        raise KeyboardInterrupt


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_interruption_leaves_whole_outputs_only(
    asked: ModuleType, here: Path, monkeypatch: pytest.MonkeyPatch, jobs: int
) -> None:
    """Ctrl-C while results are taken: what is begun stops within a band, and its file does not appear."""
    monkeypatch.setattr(flow, "BAND_SAMPLES", 500)
    write = flow._Writing._write

    def slowly(*given: Any) -> None:
        time.sleep(0.02)
        write(*given)

    monkeypatch.setattr(flow._Writing, "_write", slowly)
    write_image("0.png", asked.picture(5, 50))
    for index in range(1, 8):
        write_image(f"{index}.png", asked.picture(4000, 50))  # 400 bands: eight seconds
    before = asked.contents(here)
    begun = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        interrupted(run_job(asked.job(*(f"{index}.png" for index in range(8)), to="{stem}.npy", jobs=jobs)))
    assert time.perf_counter() - begun < 2
    assert asked.contents(here).keys() - before.keys() == {"0.npy"}


def test_folders_are_filtered_with_their_structure(asked: ModuleType, here: Path) -> None:
    """Images in them and below; what is no image by its name is not read, nor what was made before."""
    for index, name in enumerate(("in/a.png", "in/sub/b.png", "in/sub/deep/c.jpg", "in/.hidden/d.png")):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write_image(name, asked.picture(5, 5, seed=index))
    Path("in/notes.txt").write_text("no image")
    results = list(run_job(asked.job("in", to="in/out/", recursive=True)))
    assert sorted(paths(results)) == ["in/a.png", "in/sub/b.png", "in/sub/deep/c.jpg"]
    made = sorted(str(path) for path in Path("in/out").rglob("*.*"))
    assert made == ["in/out/a.png", "in/out/sub/b.png", "in/out/sub/deep/c.jpg"]
    again = list(run_job(asked.job("in", to="in/out", recursive=True, writing={"overwrite": True})))
    assert paths(again) == paths(results)


def test_a_folder_needs_to_be_asked_for(asked: ModuleType, here: Path) -> None:
    """And it must hold an image."""
    Path("in").mkdir()
    with pytest.raises(errors.OptionError, match=r"^in: is a folder: give --recursive"):
        asked.results("in", to="out/")
    with pytest.raises(errors.OptionError, match=r"^in: no image in it or below"):
        asked.results("in", to="out/", recursive=True)
    with pytest.raises(errors.OptionError, match=r"^no input: name an image"):
        asked.results(to="out/")
    with pytest.raises(errors.OptionError, match=r"^'': the name of an input is empty"):
        asked.results("", to="out.png")


def test_existing_outputs_are_skipped_on_request(asked: ModuleType, here: Path) -> None:
    """Neither read nor written: a run that broke off goes on."""
    for name in ("a.png", "c.png"):
        write_image(name, asked.picture(5, 5))
    Path("b.png").write_bytes(b"broken, and not looked at")
    Path("out").mkdir()
    Path("out/b.png").write_bytes(b"old")
    with pytest.raises(errors.OutputExistsError, match="exists already"):
        asked.results("a.png", "b.png", "c.png", to="out/")
    results = asked.results("a.png", "b.png", "c.png", to="out/", writing={"skip_existing": True})
    assert [(one.skipped, one.input is None, len(one.outputs)) for one in results] == [
        (False, False, 1), (True, True, 0), (False, False, 1)
    ]  # fmt: skip
    assert Path("out/b.png").read_bytes() == b"old"
    again = asked.results("a.png", "b.png", "c.png", to="out/", writing={"skip_existing": True})
    assert all(one.skipped and one.failure is None for one in again)


@pytest.mark.parametrize(
    "names", [("one/a.png", "two/a.jpg"), ("one/a.png", "two/A.png"), ("é.png", "two/É.png")]
)
def test_names_that_some_disk_takes_for_one_collide(
    asked: ModuleType, here: Path, names: tuple[str, str]
) -> None:
    """The same stem under one extension, or names that differ in case only: nothing is written."""
    for name in names:
        Path(name).parent.mkdir(exist_ok=True)
        write_image(name, asked.picture(5, 5))
    before = asked.contents(here)
    with pytest.raises(errors.OutputExistsError, match="would both write"):
        asked.results(*names, to="out/", writing={"format": "png"})
    assert asked.contents(here) == before


def test_an_unknown_input_format_stops_all(asked: ModuleType, here: Path) -> None:
    """Before anything is read."""
    with pytest.raises(errors.OptionError, match="pgn"):
        asked.results("a.png", "b.png", to="out/", reading={"input_format": "pgn"})


def test_a_batch_is_planned_before_it_runs(asked: ModuleType, here: Path) -> None:
    """What is read and where it goes is known, and nothing is written yet."""
    write_image("a.png", asked.picture(5, 5))
    batch = Batch.of(asked.job("a.png", "missing.png", to="out/"))
    assert batch.inputs == (Input("a.png", "a.png"), Input("missing.png", "missing.png"))
    assert [one.path for one in batch.targets if one] == ["out/a.png", "out/missing.png"]
    assert asked.contents(here).keys() == {"a.png"}
    assert Batch.of(asked.job("a.png", to=None, explain=True)).targets == (None,)
