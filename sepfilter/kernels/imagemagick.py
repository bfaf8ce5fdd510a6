"""ImageMagick's kernel strings: ``3x3: 1,2,1 2,4,2 1,2,1``.

list     = kernel { ";" kernel }                 empty ones are passed over
kernel   = size [ origin ] ":" value { separator value }
size     = width "x" height | side               origin = "+" x "+" y
value    = number | "nan" | "-"                  separator: spaces, line ends, or single commas

Values fill the rows one after the other; ``nan`` and ``-`` lie outside the kernel, which for sums is
a tap of 0. The origin is the anchor, by default ``((height - 1) // 2, (width - 1) // 2)``: left of
and above ours where a size is even. The kernels of a list run one after the other.

Strings are read as they are written, for correlation: what ImageMagick calls ``-morphology
Correlate``. Its ``Convolve`` turns a kernel by 180 degrees first, as `--convolve` does. Named
kernels, the flags ``@ < >`` for turned copies and the old list of numbers without a size are not
read: the last is a plain row of numbers here. Fractions such as ``1/16`` are read, but ImageMagick
itself would not.
"""

from __future__ import annotations

import re
from typing import Final

from sepfilter.errors import KernelError
from sepfilter.kernels.kernel import Kernel
from sepfilter.kernels.numbers import decimal_text
from sepfilter.kernels.text_taps import check_size, fields_of, kernel_of_fields, lines_of, written_rows

_SIZE: Final = re.compile(r"(\d{1,9})(?:[xX](\d{1,9})?)?(?:\+(\d{1,9})(?:\+(\d{1,9}))?)?")
_OUTSIDE: Final = ("nan", "-")

MAX_LIST: Final = 100
"""Kernels in a list; each of them is a pass over the image."""


def is_imagemagick(text: str) -> bool:
    """True for text with a colon in it: no other notation but JSON has one."""
    return any(":" in line for line in lines_of(text))


def has_a_size(text: str) -> bool:
    """True for text that begins with ``WxH:``, well-formed or not."""
    head, colon, _ = text.partition(":")
    return bool(colon) and head.strip()[:1].isdigit()


def imagemagick_centre(height: int, width: int) -> tuple[int, int]:
    """The tap (y, x) that ImageMagick puts on the output pixel unless told otherwise."""
    return (height - 1) // 2, (width - 1) // 2


def kernels_from_imagemagick(text: str, name: str) -> tuple[Kernel, ...]:
    """Read one kernel string, or a list of them.

    Parameters
    ----------
    text : str
        ``WxH: values``, several of them separated by ``;``.
    name : str
        How errors and reports call it; in a list with the place of each kernel.

    Returns
    -------
    tuple of Kernel
        In the order in which they run.

    Raises
    ------
    KernelError
        A size is missing or malformed, the values are not as many as it says, or there are more than
        `MAX_LIST` kernels.

    Examples
    --------
    >>> [kernel.taps.tolist() for kernel in kernels_from_imagemagick("2x1: 1,2; 1x2: 3,4", "k")]
    [[[1.0, 2.0]], [[3.0], [4.0]]]
    """
    parts = [part for part in "\n".join(lines_of(text)).split(";") if part.strip()]
    if len(parts) > MAX_LIST:
        raise KernelError(f"{name}: a list of {len(parts)} kernels, but {MAX_LIST} is the limit")
    if not parts:
        raise KernelError(f"{name}: the list has no kernel in it: give one, as 3x1: 1,2,1")
    if len(parts) == 1:
        return (_kernel(parts[0], name),)
    return tuple(_kernel(part, f"{name}, kernel {place}") for place, part in enumerate(parts, 1))


def kernel_to_imagemagick(kernel: Kernel) -> tuple[str, bool]:
    """Write a kernel string for correlation; the offset is the caller's to check.

    Returns
    -------
    text : str
        One line, without its end.
    rounded : bool
        True where a number had to be rounded to float64.

    Examples
    --------
    >>> kernel_to_imagemagick(Kernel.from_taps([[1, 2], [3, 4]]))
    ('2x2+1+1: 1,2 3,4', False)
    """
    rows, rounded = written_rows(kernel, decimal_text)
    ay, ax = kernel.anchor
    is_central = (ay, ax) == imagemagick_centre(kernel.height, kernel.width)
    origin = "" if is_central else f"+{ax}+{ay}"
    values = " ".join(",".join(row) for row in rows)
    return f"{kernel.width}x{kernel.height}{origin}: {values}", rounded


def _kernel(part: str, name: str) -> Kernel:
    """One kernel of a list."""
    head, colon, values = (piece.strip() for piece in part.partition(":"))
    if not colon:
        raise KernelError(
            f"{name}: {head[:40]!r} has no size: every kernel of an ImageMagick list has one, as 3x1: 1,2,1"
        )
    height, width, anchor = _size(head, name)
    fields = fields_of(values)
    if len(fields) != height * width:
        raise KernelError(
            f"{name}: {width}x{height} means {height * width} values, but {len(fields)} follow: "
            "correct the size, or a decimal comma"
        )
    outside = [field.lower() in _OUTSIDE for field in fields]
    if all(outside):
        raise KernelError(f"{name}: every value is nan or -, so that nothing lies inside the kernel")
    taps = ["0" if is_outside else field for field, is_outside in zip(fields, outside, strict=True)]
    rows = [taps[start : start + width] for start in range(0, len(taps), width)]
    return kernel_of_fields(rows, name, anchor=anchor)


def _size(head: str, name: str) -> tuple[int, int, tuple[int, int]]:
    """Height, width and anchor of ``WxH+X+Y``."""
    if head[:1].isalpha():
        raise KernelError(f"{name}: ImageMagick's named kernel {head[:40]!r} is not read: write its numbers")
    if re.search("[@<>]", head):
        raise KernelError(
            f"{name}: {head[:40]!r}: turned copies (@, < and >) are not made: write each kernel"
        )
    match = _SIZE.fullmatch(head)
    if match is None:
        raise KernelError(f"{name}: {head[:40]!r} is no size: give width x height, as 3x3: or 3x3+1+1:")
    sides, origin = match.groups()[:2], match.groups()[2:]
    width = int(sides[0])
    height = int(sides[1] or width)
    if 0 in (width, height):
        raise KernelError(f"{name}: {head[:40]!r}: the kernel is empty: width and height are at least 1")
    check_size(height, width, name)
    ay, ax = imagemagick_centre(height, width)
    anchor = (int(origin[1] or ay), int(origin[0] or ax))
    if anchor[0] >= height or anchor[1] >= width:
        raise KernelError(
            f"{name}: {head[:40]!r}: the origin lies outside the kernel: +0+0 is its first value"
        )
    return height, width, anchor
