from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from sepfilter.banks.files.layouts import LAYOUTS
from sepfilter.cli import apply, info, options
from sepfilter.engine.engines import current_engine
from sepfilter.images.formats import OUTPUT_FORMATS
from sepfilter.plans.options import ALPHAS, METHODS, PADDINGS, PRECISIONS
from sepfilter.plans.output_map import RANGES

Run = Callable[..., "subprocess.CompletedProcess[bytes]"]

HEAVY = ("numpy", "scipy", "PIL", "tifffile", "imagecodecs", "matplotlib", "dask")


def loaded_after(code: str) -> set[str]:
    """Names of the top-level modules that a fresh interpreter has loaded after running code."""
    program = f"import sys\n{code}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments", [["--help"], ["apply", "--help"], ["analyze-kernel", "--help"], ["--version"]]
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help and version are shown without NumPy, SciPy or Pillow."""
    code = f"from sepfilter.cli.main import cli\nfrom sepfilter.cli.exits import run_to_exit_code\nrun_to_exit_code(cli, {arguments!r})"
    assert not loaded_after(code) & set(HEAVY)


def test_importing_the_package_imports_nothing_heavy() -> None:
    """`import sepfilter` is free until a name is used."""
    assert not loaded_after("import sepfilter") & set(HEAVY)


def test_analyzing_a_kernel_needs_no_scipy() -> None:
    """analyze-kernel works without SciPy and Pillow."""
    code = "from sepfilter.cli.main import cli\nfrom sepfilter.cli.exits import run_to_exit_code\nrun_to_exit_code(cli, ['analyze-kernel', 'sobel'])"
    assert not loaded_after(code) & {"scipy", "PIL"}


def test_filtering_a_png_imports_no_more_than_it_needs(samples: Path, tmp_path: Path) -> None:
    """On the compiled engine neither SciPy, nor Pillow, nor what is for other formats or for a bar."""
    if current_engine().name != "native":
        pytest.skip("the compiled engine is not in use")
    arguments = ["apply", f"{samples}/coffee.png", "-k", "gaussian:3", "-o", f"{tmp_path}/out.png", "-q"]
    code = f"from sepfilter.cli.main import cli\nfrom sepfilter.cli.exits import run_to_exit_code\nassert run_to_exit_code(cli, {arguments!r}) == 0"
    assert not loaded_after(code) & {"scipy", "PIL", "tifffile", "matplotlib", "tqdm"}
    assert (tmp_path / "out.png").exists()


def test_module_and_script_show_the_same_usage(run: Run) -> None:
    """`python -m sepfilter` and the console script print the same help."""
    script = Path(sys.executable).with_name("sepfilter")
    if not script.exists():
        pytest.skip("the package is not installed in this environment")
    shown = subprocess.run([script, "--help"], capture_output=True, check=True)
    assert shown.stdout == run("--help").stdout


def test_the_options_offer_what_the_library_takes() -> None:
    """The words of the command line are the library's."""
    assert options.PADDINGS == PADDINGS
    assert options.METHODS == METHODS
    assert options.PRECISIONS == PRECISIONS
    assert options.RANGES == RANGES
    assert options.ALPHAS == ALPHAS
    assert options.LAYOUTS == LAYOUTS
    assert tuple(one.name for one in OUTPUT_FORMATS) == options.FORMATS
    assert set(options.COMPRESSIONS) == {name for one in OUTPUT_FORMATS for name in one.compressions}


def test_no_argument_shows_the_help(run: Run) -> None:
    """`sepfilter` alone shows what it can do, as a usage error."""
    done = run()
    assert done.returncode == 2
    assert b"analyze-kernel" in done.stderr


def test_info_names_versions_and_engine(run: Run) -> None:
    """`sepfilter info` tells what a bug report needs."""
    shown = run("info").stdout
    for word in (b"numpy", b"scipy", b"pillow", b"tifffile", b"imagecodecs", b"isal", b"engine"):
        assert word in shown


def test_info_says_what_stands_in_for_a_library_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without wheels for the machine Pillow and zlib do the work."""

    def version(name: str) -> str:
        if name in ("imagecodecs", "isal"):
            raise PackageNotFoundError(name)
        return "1.2"

    monkeypatch.setattr(info, "version", version)
    info.command.main([], standalone_mode=False)
    shown = capsys.readouterr().out
    assert "imagecodecs (not installed: Pillow stands in), isal (not installed: zlib stands in)" in shown
    assert "tifffile 1.2, " in shown


def test_the_help_of_apply_lists_every_option_under_a_heading(run: Run) -> None:
    """Those for the output come first, --help alone comes last."""
    sections = re.split(r"^(\w+):\n", run("apply", "--help").stdout.decode(), flags=re.MULTILINE)[1:]
    assert sections[::2] == ["Output", "Filter", "Image", "Result", "Files", "Report", "Other"]
    for option, heading in (("-o,", "Output"), ("-k,", "Filter"), ("--page", "Image"), ("-q,", "Report")):
        assert f"\n  {option} " in "\n" + sections[sections.index(heading) + 1]
    assert re.findall(r"^  (-\S+)", sections[-1], flags=re.MULTILINE) == ["-h,"]
    text = "".join(sections)
    assert all(name in text for one in apply.command.params for name in one.opts if name[0] == "-")


def test_kernels_lists_every_preset(run: Run) -> None:
    """`sepfilter kernels` names all presets and their parameters."""
    shown = run("kernels").stdout.decode()
    for name in ("identity", "gaussian", "sobel-x", "motion", "gabor"):
        assert f"\n{name} " in f"\n{shown}"
    assert "sigma: standard deviation in pixels" in shown
