"""The program: the console script, and `python -m sepfilter`."""

import os

from sepfilter.cli.signals import leave_at_once


def main() -> None:
    """Answer signals first: importing the rest takes a while."""
    leave_at_once()
    # OpenBLAS's threads, started as NumPy is imported, do nothing here but spin for 0.1 s of a processor.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from sepfilter.cli.main import main as command

    command()


if __name__ == "__main__":
    main()
