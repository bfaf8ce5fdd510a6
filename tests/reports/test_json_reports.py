from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from PIL import Image

SCHEMAS = Path(__file__).resolve().parents[2] / "docs" / "schemas"

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

# The fields that the design fixes, by the path that leads to them.
APPLY_FIELDS = {
    "input": {"path", "format", "width", "height", "channels", "dtype"},
    "kernel": {"name", "height", "width", "rank", "exact_rank", "separable", "components"},
    "plan": {
        "method", "precision", "rank", "border", "padding", "reason", "error_bound", "arithmetic_bound", "halo",
        "stages",
    },
    "operations": {
        "multiplications", "executed_multiplications", "additions", "multiplications_per_sample",
        "direct_multiplications", "ratio",
    },
    "seconds": {"read", "plan", "filter", "write", "total"},
}  # fmt: skip


def validated(text: bytes, schema: str) -> Any:
    """The JSON, if the project's schema accepts it."""
    report = json.loads(text)
    jsonschema.validate(report, json.loads((SCHEMAS / schema).read_text()))
    return report


@pytest.mark.parametrize(
    "kernel",
    ["sobel-x", "laplacian", "disk:5", "gaussian:3", "sobel", "0 0; 0 0", "1e308 1e308", "motion:15,45"],
)
def test_an_analysis_follows_its_schema(run: Run, kernel: str) -> None:
    """analyze-kernel --json validates for kernels of every kind, the degenerate among them."""
    report = validated(run("analyze-kernel", kernel, "--json").stdout, "kernel-1.json")
    assert report["schema"] == "sepfilter.kernel/1"


def test_the_analysis_of_sobel_x_is_the_textbooks(run: Run) -> None:
    """Rank 1, [1 2 1] x [-1 0 1], 9 multiplications become 6."""
    report = validated(run("analyze-kernel", "sobel-x", "--json").stdout, "kernel-1.json")
    assert (report["rank"], report["exact_rank"], report["separable"]) == (1, 1, True)
    assert report["factors"] == [{"column": [1, 2, 1], "row": [-1, 0, 1]}]
    assert report["exact_factors"] == {
        "denominator": "1",
        "terms": [{"column": ["1", "2", "1"], "row": ["-1", "0", "1"]}],
    }
    assert (report["operations"]["direct"], report["operations"]["separable"]) == (9, 6)
    assert report["recommendation"]["method"] == "separable"


def test_the_analysis_of_a_disk_counts_its_taps(run: Run) -> None:
    """disk:5 has rank 4, 81 taps that are not 0, and 88 separable multiplications."""
    report = validated(run("analyze-kernel", "disk:5", "--json").stdout, "kernel-1.json")
    counts = report["operations"]
    assert (report["rank"], report["nonzero"]) == (4, 81)
    assert (counts["direct"], counts["nonzero"], counts["separable"]) == (121, 81, 88)


@pytest.mark.parametrize("kernels", [["gaussian:2"], ["sobel"], ["gaussian:1", "laplacian"], ["identity"]])
def test_a_run_follows_its_schema_and_the_design(run: Run, samples: Path, kernels: list[str]) -> None:
    """apply --json validates, and has every field that the design fixes."""
    chosen = [word for kernel in kernels for word in ("-k", kernel)]
    done = run("apply", samples / "coffee.png", *chosen, "-o", "o.png", "--json", "--verify", "--quiet")
    report = validated(done.stdout, "apply-1.json")
    (result,) = report["results"]
    for name, fields in APPLY_FIELDS.items():
        assert fields <= result[name].keys()
    assert {"name", "isa", "threads"} <= report["engine"].keys()
    assert result["error"] is None
    assert result["bank"] is None


def test_counts_of_a_run_are_the_textbooks(run: Run, samples: Path) -> None:
    """A 3 x 3 kernel split in two costs 6 multiplications a sample instead of 9."""
    done = run("apply", samples / "coffee.png", "-k", "sobel-x", "-o", "o.png", "--json", "--quiet")
    counts = json.loads(done.stdout)["results"][0]["operations"]
    size = 420 * 280 * 3
    assert counts["multiplications"] == 6 * size
    assert counts["direct_multiplications"] == 9 * size
    assert counts["executed_multiplications"] == 5 * size
    assert (counts["multiplications_per_sample"], counts["ratio"]) == (6, 1.5)


def test_a_batch_with_a_broken_input_follows_the_schema(run: Run, samples: Path, tmp_path: Path) -> None:
    """The broken input keeps its place, with an error and without a plan."""
    (tmp_path / "broken.png").write_bytes(b"no image")
    done = run("apply", "broken.png", samples / "camera.png", "-k", "box:3", "-o", "out/", "--json")
    report = validated(done.stdout, "apply-1.json")
    broken, whole = report["results"]
    assert (broken["skipped"], whole["skipped"]) == (False, False)
    assert broken["error"]["code"] == "read"
    assert broken["input"]["path"] == "broken.png"
    assert broken["plan"] is None
    assert whole["error"] is None


def test_lines_of_json_are_reports_of_one_result_each(run: Run, samples: Path, tmp_path: Path) -> None:
    """--json-lines follows the same schema line by line, for what failed and what was skipped too."""
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "coffee.png").write_bytes(b"old")
    inputs = ("broken.png", samples / "camera.png", samples / "coffee.png")
    done = run("apply", *inputs, "-k", "box:3", "-o", "out/", "--json-lines", "--skip-existing")
    reports = [validated(line, "apply-1.json") for line in done.stdout.splitlines()]
    results = [result for report in reports for result in report["results"]]
    assert [len(report["results"]) for report in reports] == [1, 1, 1]
    assert [Path(result["input"]["path"]).name for result in results] == [
        "broken.png",
        "camera.png",
        "coffee.png",
    ]
    assert [result["skipped"] for result in results] == [False, False, True]
    assert [result["error"] is None for result in results] == [False, True, True]
    assert results[2]["outputs"] == []


def test_each_page_is_a_result_of_its_own(run: Run, tmp_path: Path) -> None:
    """With its number, by the same schema."""
    frames = [Image.new("L", (8, 6), level) for level in (1, 2, 3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    done = run("apply", "a.gif", "-k", "box:3", "-o", "out/", "--page", "all", "--json")
    results = validated(done.stdout, "apply-1.json")["results"]
    assert [result["input"]["page"] for result in results] == [1, 2, 3]
    assert [result["outputs"][0]["path"] for result in results] == [
        "out/a-1.png",
        "out/a-2.png",
        "out/a-3.png",
    ]
    assert done.stderr.decode().splitlines()[1].startswith("a.gif[2] -> out/a-2.png: ")
    assert done.stderr.endswith(b"\n3 images: 3 done\n")


def test_stats_are_the_same_report_in_a_file(run: Run, samples: Path, tmp_path: Path) -> None:
    """--stats writes what --json would print, beside an image on standard output."""
    photo = samples / "camera.png"
    done = run("apply", photo, "-k", "box:3", "-o", "-", "--format", "png", "--stats", "stats.json")
    assert done.stdout.startswith(b"\x89PNG")
    report = validated((tmp_path / "stats.json").read_bytes(), "apply-1.json")
    assert report["results"][0]["outputs"][0]["path"] == "-"
