"""The program: the console script, and `python -m sepfilter`."""

from sepfilter.cli.signals import leave_at_once


def main() -> None:
    """Answer signals first: importing the rest takes a while."""
    leave_at_once()
    from sepfilter.cli.main import main as command

    command()


if __name__ == "__main__":
    main()
