"""Choosing the engine: by what is installed, and by two environment variables."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from sepfilter.engine.engines import native_is_installed

ABSENT = "import sys; sys.modules['sepfilter.engine._native'] = None; "
RUN = "from sepfilter.cli.main import main; main()"

needs_native = pytest.mark.skipif(not native_is_installed(), reason="the compiled engine is not built")


def info(*, prelude: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`sepfilter info` with these environment variables, and perhaps without the extension."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("SEPFILTER_")}
    return subprocess.run(
        [sys.executable, "-c", prelude + RUN, "info"],
        env={**clean, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_native
def test_the_compiled_engine_runs_where_it_was_built() -> None:
    """`info` names it, its instruction set, and why that one."""
    done = info()
    assert done.returncode == 0
    assert "engine     native (" in done.stdout
    assert "the best that this machine has" in done.stdout


def test_scipy_stands_in_where_the_extension_is_absent() -> None:
    """Without a compiler at installation everything runs, and `info` says on what and why."""
    done = info(prelude=ABSENT)
    assert (done.returncode, done.stderr) == (0, "")
    assert "engine     scipy: the compiled engine was not built" in done.stdout


def test_scipy_runs_where_it_is_asked_for() -> None:
    """SEPFILTER_ENGINE=scipy overrules."""
    assert "engine     scipy: SEPFILTER_ENGINE=scipy asks for it" in info(SEPFILTER_ENGINE="scipy").stdout


@needs_native
def test_an_instruction_set_can_be_forced() -> None:
    """SEPFILTER_ISA=baseline runs everywhere."""
    assert "native (baseline): SEPFILTER_ISA=baseline asks for it" in info(SEPFILTER_ISA="baseline").stdout


@pytest.mark.parametrize(
    ("variables", "prelude", "words"),
    [
        ({"SEPFILTER_ENGINE": "opencv"}, "", "SEPFILTER_ENGINE=opencv: use one of native, scipy"),
        ({"SEPFILTER_ISA": "avx3"}, "", "SEPFILTER_ISA=avx3: use one of baseline, avx2, avx512"),
        ({"SEPFILTER_ISA": ""}, "", "SEPFILTER_ISA=: use one of"),
        (
            {"SEPFILTER_ENGINE": "native"},
            ABSENT,
            "SEPFILTER_ENGINE=native: the compiled engine was not built",
        ),
        ({"SEPFILTER_ISA": "baseline"}, ABSENT, "SEPFILTER_ISA=baseline: the compiled engine was not built"),
    ],
)
def test_a_variable_that_cannot_be_honoured_is_an_error(
    variables: dict[str, str], prelude: str, words: str
) -> None:
    """Exit code 2 and one line; never silently another engine."""
    done = info(prelude=prelude, **variables)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@needs_native
def test_an_instruction_set_that_the_machine_lacks_is_an_error() -> None:
    """The message says which ones it has."""
    from sepfilter.engine import _native

    lacking = sorted({"baseline", "avx2", "avx512"} - set(_native.levels()))
    if not lacking:
        pytest.skip("this machine has them all")
    done = info(SEPFILTER_ISA=lacking[0])
    assert done.returncode == 2
    assert "baseline: use one of them" in done.stderr
