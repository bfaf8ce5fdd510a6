"""The numbers of TIFF tags, and of what stands in them, that are both read and written."""

from __future__ import annotations

from typing import Final

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC = 256, 257, 258, 259, 262
STRIP_OFFSETS, SAMPLES, ROWS_PER_STRIP, STRIP_SIZES, PLANAR = 273, 277, 278, 279, 284
TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_SIZES = 322, 323, 324, 325
PREDICTOR, COLOUR_MAP, INK_SET, EXTRA_SAMPLES, SAMPLE_FORMAT = 317, 320, 332, 338, 339
DESCRIPTION, ORIENTATION, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 270, 274, 282, 283, 296
JPEG_OFFSET, SUBSAMPLING, XMP, ICC = 513, 530, 700, 34675

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INKS, YCBCR = 0, 1, 2, 3, 5, 6
TOGETHER, SEPARATE_PLANES = 1, 2
UNSPECIFIED, ASSOCIATED, UNASSOCIATED = 0, 1, 2
INCH, CENTIMETRE = 2, 3

NO_PREDICTOR, DIFFERENCES, FLOAT_DIFFERENCES = 1, 2, 3

UNCOMPRESSED: Final = 1
LZW: Final = 5
JPEG: Final = 7
DEFLATE: Final = 8
PACKBITS: Final = 32773
ZSTD: Final = 50000
FAX_KINDS: Final = frozenset({2, 3, 4})
DEFLATE_KINDS: Final = frozenset({DEFLATE, 32946})
JPEG_KINDS: Final = frozenset({JPEG, 34892, 33007})
JPEG2000_KINDS: Final = frozenset({33003, 33004, 33005, 34712})
WEBP_KINDS: Final = frozenset({50001, 34927})
PNG_KIND: Final = 34933

LEFT_TO_PILLOW: Final = frozenset({6, 32771, 32809})
"""JPEG of the old kind, and two codecs that tifffile does not know."""

DECODED_BY_PILLOW: Final = DEFLATE_KINDS | LEFT_TO_PILLOW | {UNCOMPRESSED, LZW, JPEG, PACKBITS}
"""Compressions that Pillow decodes or fails at; of broken fax data libtiff would make a picture with gaps."""
