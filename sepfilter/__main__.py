"""`python -m sepfilter`."""

from sepfilter.cli.main import main

if __name__ == "__main__":
    main()
