"""The errors sepfilter raises.

Every one is a `SepfilterError` and also a `ValueError` or an `OSError`, so that callers may catch
whichever they prefer. The message is one line that says what, where, why and what to do.
"""


class SepfilterError(Exception):
    """Base of every error raised on purpose by this package.

    Attributes
    ----------
    code : str
        A stable word for programs, written to the JSON report.
    """

    code = "error"


class KernelError(SepfilterError, ValueError):
    """A kernel cannot be read, is malformed, or cannot do what was asked of it."""

    code = "kernel"


class BankError(SepfilterError, ValueError):
    """A filter bank cannot be read, is malformed, or its layers do not fit one another."""

    code = "bank"


class OptionError(SepfilterError, ValueError):
    """Options contradict one another, or have a value that nothing can honour."""

    code = "option"


class ShapeError(SepfilterError, ValueError):
    """An image has a shape, size or sample type that cannot be filtered as asked."""

    code = "shape"


class ImageReadError(SepfilterError, OSError):
    """An image is missing, unreadable, truncated or not an image."""

    code = "read"


class ImageWriteError(SepfilterError, OSError):
    """An output cannot be written."""

    code = "write"


class UnsupportedImageError(SepfilterError, ValueError):
    """An image is sound, but this program or the output format would damage it."""

    code = "unsupported"


class OutputExistsError(SepfilterError, OSError):
    """An output exists already, or two inputs would write the same one."""

    code = "exists"


class LimitError(SepfilterError, ValueError):
    """A limit that guards memory or time was exceeded."""

    code = "limit"
