"""The compiled loops, on each instruction set of this machine, against naive sums of always the same cases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise, product
from math import inf, isfinite, isnan, isqrt, nan
from typing import Any

import numpy as np
import pytest

native = pytest.importorskip("sepfilter.engine._native", reason="the compiled engine is not built")

Array = np.ndarray[Any, Any]
SUMS = {
    "int16": 0,
    "int32": 1,
    "int32 shifted": 1,
    "float32": 2,
    "float64": 3,
    "uint16": 4,
}  # and their accumulators
WHOLE = ("int16", "int32", "int32 shifted", "uint16")
NARROW = ["uint8", "int8", "uint16", "int16", "float32"]
ALL = [*NARROW, "int32", "uint32", "float64"]
READS = dict.fromkeys(SUMS, NARROW[:2]) | {"float32": NARROW, "float64": ALL, "uint16": ["uint8"]}
PATHS = {"direct": 0, "1": 1, "2": 2, "3": 3, "5": 5, "9": 9, "magnitude": 0}  # and their terms
KINDS = [(path, sums) for path, sums in product(PATHS, SUMS) if PATHS[path] or "shifted" not in sums]
KINDS.remove(("magnitude", "uint16"))
MODES = ["symmetric", "reflect", "edge", "wrap", "constant"]  # NumPy's names of the borders


def strides(h: int, w: int, c: int) -> dict[str, tuple[int, int, int]]:
    """Ways for rows, columns and channels to lie in memory, in elements."""
    return {
        "packed": (w * c, c, 1), "odd address": (w * c, c, 1), "part of a larger one": ((w + 5) * c, c, 1),
        "upside down": (-w * c, c, 1), "mirrored": ((w + 1) * c, -c, 1), "channels reversed": (w * c, c, -1),
        "every second column": ((2 * w + 1) * c, 2 * c, 1), "one channel less": (w * (c + 1), c + 1, 1),
        "channels first": (w + 2, 1, (w + 2) * (h + 1)),
    }  # fmt: skip


# Heights and widths: 0 is one less than the kernel's; 4096 to 4098 lead to about the width of a tile.
DECKS: dict[str, list[Any]] = {
    "height": [0, 1, 2, 3, 4, 5, 13], "channels": [1, 2, 3, 4, 5, 64],
    "kernel": [(1, 1), (3, 3), (5, 5), (1, 7), (7, 1), (2, 2), (4, 3), (2, 5), (9, 2), (1, 18), (6, 6)],
    "source": list(strides(1, 1, 1)), "target": list(strides(1, 1, 1)), "denominator": [1, 1, 3, 7, 8, 9],
    "border": list(range(5)), "context": [(0, 0, 0, 0), (0, 0, 0, 0), (1, 0, 2, 3), (2, 2, 0, 1), (9, 0, 0, 12)],
    "wide": [False, True], "absolute": [False, False, True],
    "constant": [100.0, -7.0], "scale": [1.0, 1.0, -1.0, 0.5, 0.25], "offset": [0.0, 0.0, 0.5, 128.0],
}  # fmt: skip
PLAIN: dict[str, Any] = {"context": (0, 0, 0, 0), "border": 0, "constant": 100.0, "anchor": (0, 0),
    "accumulator": 3, "wide": False, "absolute": False, "scale": 1.0, "offset": 0.0}  # fmt: skip


@pytest.fixture(params=native.levels(), autouse=True)
def level(request: pytest.FixtureRequest) -> Iterator[str]:
    before = native.level()
    assert native.choose(request.param)
    yield request.param
    native.choose(before)


def call(pixels: Any, out: Any, passes: Any, **options: Any) -> Any:
    context, border, constant, anchor, *rest = (PLAIN | options).values()
    return native.filter(pixels, out, context, border, constant, anchor, passes, *rest)


def embedded(shape: Any, dtype: Any, layout: str, fill: int) -> tuple[Array, Array, Array]:
    """An array among bytes of `fill`; all those bytes, and which of them lie outside of the array."""
    size, steps = np.dtype(dtype).itemsize, np.array(strides(*shape)[layout])
    reach = steps * np.subtract(shape, 1)
    start = (64 - int(np.minimum(reach, 0).sum())) * size + (layout == "odd address")
    memory = np.full((int(np.abs(reach).sum()) + 129) * size + 1, fill, np.uint8)
    outside, steps = np.ones(memory.size, bool), steps * size
    np.ndarray((*shape, size), bool, outside.data, start, (*steps, 1))[...] = False
    return np.ndarray(shape, dtype, memory.data, start, tuple(steps)), memory, outside


def run(pixels: Array, out: Any, passes: Any, layouts: Any = ("packed",) * 2, **options: Any) -> Any:
    """Filter from and into arrays with canaries around them; the samples, and the losses."""
    top, bottom, left, right = options.get("context", (0, 0, 0, 0))
    shape = np.subtract(pixels.shape, (top + bottom, left + right, 0)).tolist()
    source, memory, _ = embedded(pixels.shape, pixels.dtype, layouts[0], 0xFF)  # NaN, of floats
    target, written, outside = embedded(shape, out, layouts[1], 0xA5)
    source[...] = pixels
    before, losses = memory.copy(), call(source, target, tuple(passes), **options)
    assert (memory == before).all(), "the input was changed"
    assert (written[outside] == 0xA5).all(), "bytes beside the output were changed"
    return target.copy(), losses


def make(path: str, sums: str, dtype: str, size: Any, kernel: Any, seed: int, denominator: int = 1) -> Any:
    """Pixels, and passes whose sums the accumulator holds; whether all of that is whole numbers."""
    noise, total = (
        np.random.default_rng(seed),
        {"int16": 128, "uint16": 65_000}.get(sums, (20_000, 4000, 4_000_000)[seed % 3]),
    )
    whole = sums in WHOLE or (sums == "float64" and "int" in dtype and seed % 3 == 0)
    low, high = (np.iinfo(dtype).min, np.iinfo(dtype).max) if "int" in dtype else (-100, 100)
    pixels = noise.uniform(1.1 * low - 1, 1.1 * high, size).clip(low, high).astype(dtype)

    def some_taps(shape: tuple[int, ...], budget: int) -> Array:  # of 16 bits, where they are whole
        if not whole:
            return noise.normal(size=shape) * (noise.random(shape) < 0.8) / np.prod(shape) ** 0.5
        most = min(max(budget // int(np.prod(shape)), 1), 32767)
        taps = noise.integers(0 if sums == "uint16" else -most, most, int(np.prod(shape)), endpoint=True)
        taps[np.cumsum(np.abs(taps)) > budget] = 0
        return noise.permutation(taps).reshape(shape).astype(float)

    def one_pass(terms: int) -> tuple[Any, ...]:
        across = 128 if SUMS[sums] else isqrt(128 // terms)  # 128 times a byte has 16 bits
        shifts = noise.integers(0, 8, terms) * ("shifted" in sums)
        last = total // (terms * across)
        if sums == "uint16":  # products are halved, so both may be large
            across, last = total, total // terms
        columns = [some_taps(kernel[:1], across << int(shift)) for shift in shifts]
        rows = [some_taps(kernel[1:], last) for _ in shifts]
        return np.array(columns), np.array(rows), shifts + 0.0 if "shifted" in sums else None, denominator

    terms = noise.integers(0, 4, 2).tolist() if path == "magnitude" else [PATHS[path]]
    return pixels, [one_pass(n) if n else (some_taps(kernel, total), denominator) for n in terms], whole


def correlated(block: Array, taps: Array) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(block, taps.shape, axis=(0, 1))
    return np.einsum("yxcij,ij->yxc", windows, taps.astype(block.dtype))


def high_halves(block: Array, taps: Array) -> Any:
    windows = np.lib.stride_tricks.sliding_window_view(block, taps.shape, axis=(0, 1))
    return (windows * taps.astype(np.int64) >> 16).sum((3, 4))


def fractional_sums(block: Array, taps: Array, rows: Any = None, _: Any = None) -> tuple[Any, float]:
    """`sums_of` for uint16: of bytes times 256, and the high halves of products, without rounding."""
    if rows is None:
        return high_halves(256 * block, taps), 0.0
    terms = zip(taps, rows, strict=True)
    return sum(high_halves(high_halves(256 * block, y[:, None]), x[None]) for y, x in terms), 0.0


def sums_of(block: Array, taps: Array, rows: Any = None, shifts: Any = None) -> tuple[Any, float]:
    """What a pass makes of a block, in its type; and rounding at most, in units of the largest sample."""
    weights = np.abs(taps) if rows is None else np.abs(taps).T @ np.abs(rows)
    bound = (taps.size + weights.size + 4) * float(weights.sum())
    if shifts is None:
        return correlated(block, taps if rows is None else taps.T @ rows), bound
    terms = zip(taps, rows, shifts.astype(int), strict=True)
    across = ((x, (correlated(block, y[:, None]) + (1 << shift >> 1)) >> shift) for y, x, shift in terms)
    return sum(correlated(sums, x[None]) for x, sums in across), bound


def verify(
    path: str, sums: str, dtype: str = "uint8", out: str = "int16", size: Any = (5, 17, 1), kernel: Any = (3, 3),
    seed: int = 0, denominator: int = 1, layouts: Any = ("packed", "packed"), **options: Any,
) -> None:  # fmt: skip
    """What is whole has to be right, with its losses; all else has to be within its bound."""
    pixels, passes, whole = make(path, sums, dtype, size, kernel, seed, denominator)
    options = PLAIN | {"accumulator": SUMS[sums]} | options
    context, border, constant, (ay, ax), _, wide, absolute, scale, offset = options.values()
    fill: Any = {"constant_values": constant} if MODES[border] == "constant" else {}
    margins = [(side, side) for side in (*kernel, 0)]
    padded: Any = np.pad(pixels.astype(np.int64 if whole else np.float64), margins, MODES[border], **fill)
    (top, bottom, left, right), (height, width) = context, kernel
    block = padded[height + top - ay : -1 - ay - bottom, width + left - ax : -1 - ax - right]
    summed = fractional_sums if sums == "uint16" else sums_of
    values, bounds = zip(*(summed(block, *one[:-1]) for one in passes), strict=True)
    value = values[0] if len(values) == 1 else np.hypot(*(each.astype(float) for each in values))
    value = int(8 * scale) * value + int(8 * offset) * denominator  # whole where sums are
    expected = (np.abs(value) if absolute else value) / (8 * denominator)
    unit = 2.0**-24 if sums != "float64" and not wide else 2.0**-52
    slack: Any = 4 * unit * (np.abs(expected) + offset) + np.abs(expected) * 2.0**-24 * (out == "float32")
    slack += (not whole) * unit * sum(bounds) * float(np.abs(block).max()) * abs(scale) / denominator
    exact, losses = whole and len(values) == 1 and "int" in out, (0, 0, 0)
    if "int" in out:
        low, high, nearest = np.iinfo(out).min, np.iinfo(out).max, np.rint(expected)
        losses = (np.count_nonzero(nearest < low), np.count_nonzero(nearest > high), 0)
        expected, slack = np.clip(nearest if exact else expected, low, high), 0 if exact else slack + 0.5
    result, counted = run(pixels, out, passes, layouts, **options)
    np.testing.assert_array_less(np.abs(result.astype(float) - expected), slack + 1e-300)
    assert counted == losses or not exact


@pytest.mark.parametrize(("path", "sums"), KINDS)
def test_every_loop_makes_the_naive_sum(path: str, sums: str) -> None:
    """Integer sums are mapped exactly, float ones within their bound, and no canary is hurt."""
    noise, dtypes = np.random.default_rng(KINDS.index((path, sums))), READS[sums]
    for seed, width in enumerate([*range(1, 67), 0, 101, 251, 4096, 4097, 4098]):
        case = {name: deck[int(noise.integers(len(deck)))] for name, deck in DECKS.items()}
        kernel, channels, (top, bottom, left, right) = case["kernel"], case.pop("channels"), case["context"]
        height, width = case.pop("height") or kernel[0] - 1 or 1, width or kernel[1] - 1 or 1
        width = width // channels + width % channels if width > 66 else width
        case |= {"size": (height + top + bottom, width + left + right, channels), "seed": seed}
        case |= {"anchor": tuple(noise.integers(kernel).tolist()), "dtype": dtypes[seed % len(dtypes)]}
        if sums in WHOLE:  # beyond the edges are samples as well
            case |= {"constant": abs(case["constant"])}
        case |= {
            "wide": case["wide"] and sums in WHOLE[:3],
            "layouts": (case.pop("source"), case.pop("target")),
        }
        case |= {"denominator": 1 if path == "magnitude" else case["denominator"]}
        outs = ALL if case["wide"] or sums == "float64" else NARROW
        verify(path, sums, out=outs[int(noise.integers(len(outs)))], **case)


@pytest.mark.parametrize(("h", "w"), [(13, 11), (1, 18), (2, 2), (4, 2), (1, 1)])
def test_kernels_may_be_even_and_larger_than_images(h: int, w: int) -> None:
    """Sums are right for any anchor, whether a kernel has a middle or not and fits into the image or not."""
    for seed, ((path, sums), size) in enumerate(product(KINDS * 2, [(2, 3, 1), (5, 7, 2), (1, 1, 1)])):
        verify(
            path, sums, size=size, kernel=(h, w), border=seed % 5, anchor=(seed % h, seed // h % w), seed=seed
        )


def test_large_images_are_filtered_as_any() -> None:
    """Tiles of columns, for rings beyond the caches, join without a seam; so do 4 MiB written past the caches."""
    for (path, sums), width in product(KINDS, (66, 131)):
        verify(path, sums, size=(2, width, 64), kernel=(127, 1), border=3, anchor=(60, 0))
    verify("1", "int16", "int8", "uint8", (1050, 4001, 1), (1, 2))
    verify(
        "1", "int16", "int8", "float32", (263, 4001, 1), (1, 2), layouts=("packed", "part of a larger one")
    )


def test_quotients_are_rounded_once() -> None:
    """Exact sums over a denominator become the integer nearest to the exact quotient."""
    for sums, out, seed in product(("int16", "int32", "float64"), ("uint16", "int16"), range(0, 120, 3)):
        verify("direct", sums, out=out, denominator=(3, 7, 8, 9)[seed % 4], seed=seed)


def test_high_halves_become_bytes_by_a_shift() -> None:
    """Sums and 128 and a correction, over 256: as by float and rounding, also where they saturate."""
    for path, seed, correction in product(("direct", "1"), range(8), (0, 3, 40, 300, 2**15 - 129)):
        pixels, passes, _ = make(path, "uint16", "uint8", (6, 70, 3), (3, 5), seed)
        options = {"accumulator": 4, "scale": 1 / 256, "offset": (correction + 0.5) / 256, "anchor": (1, 2)}
        block: Any = np.pad(pixels.astype(np.int64), ((1, 1), (2, 2), (0, 0)), "symmetric")
        expected = (fractional_sums(block, *passes[0][:-1])[0] + correction + 128) >> 8
        result, losses = run(pixels, "uint8", passes, **options)
        assert np.array_equal(result, np.minimum(expected, 255))
        assert losses == (0, np.count_nonzero(expected > 255), 0)


def test_shifts_round_half_up_between_the_passes() -> None:
    """Column sums become floor((sum + half) / 2**shift), in exact integers, before rows are filtered."""
    for path, seed in product("12359", range(20)):
        verify(path, "int32 shifted", seed=seed, wide=seed % 2 == 0, scale=0.25)


def test_instruction_sets_agree(level: str) -> None:
    """All levels give the same bits for integer sums, and nearly the same numbers for float ones."""
    for (path, sums), seed in product(KINDS, range(4)):
        pixels, passes, _ = make(path, sums, READS[sums][:2][-1], (7, 67, 3), (5, 4), seed)
        options = {"accumulator": SUMS[sums]}
        one, other = (
            run(pixels, "float32", passes, **options)[0] for n in (level, "baseline") if native.choose(n)
        )
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3 * (sums not in WHOLE))


@pytest.mark.parametrize(("path", "sums"), KINDS)
def test_cuts_do_not_change_a_bit(path: str, sums: str) -> None:
    """Blocks cut anyhow from an image, with real pixels around as context, are those parts of the whole."""
    options: dict[str, Any] = {"accumulator": SUMS[sums], "anchor": (2, 5)}
    pixels, passes, _ = make(
        path, sums, READS[sums][{"float32": 2, "float64": 2}.get(sums, 0)], (24, 150, 2), (5, 7), 1
    )
    for border in range(5):
        whole, _ = run(pixels, "float32", passes, border=border, **options)
        reach = 150 if MODES[border] == "wrap" else 14
        for (y, y_end), (x, x_end) in product(pairwise([0, 1, 3, 6, 10, 24]), pairwise([0, 1, 34, 99, 150])):
            top, bottom, left, right = context = [min(n, reach) for n in (y, 24 - y_end, x, 150 - x_end)]
            part = pixels[y - top : y_end + bottom, x - left : x_end + right]
            result, _ = run(part, "float32", passes, border=border, context=tuple(context), **options)
            assert result.tobytes() == whole[y:y_end, x:x_end].tobytes()


def test_what_is_not_finite_stays_below_the_kernel() -> None:
    """NaN and infinities reach the rectangle of the kernel around them, and nothing else."""
    for path, sums, bad in product(PATHS, ["float32", "float64"], [nan, inf, -inf]):
        pixels, passes, _ = make(path, sums, sums, (16, 70, 2), (5, 4), 1)
        clean, _ = run(pixels, sums, passes, accumulator=SUMS[sums], anchor=(2, 1))
        pixels[8, 33, 1] = bad
        result, losses = run(pixels, sums, passes, accumulator=SUMS[sums], anchor=(2, 1))
        below = result[6:11, 31:35, 1]
        assert losses == (0, 0, np.count_nonzero(~np.isfinite(below)))
        assert path != "direct" or (np.isfinite(below) == (passes[0][0][::-1, ::-1] == 0)).all()
        below[...] = clean[6:11, 31:35, 1]
        assert result.tobytes() == clean.tobytes()


@pytest.mark.parametrize("out", [name for name in ALL if "int" in name])
def test_results_are_rounded_and_saturate(out: str) -> None:
    """Half goes to even, NaN becomes 0, all else saturates, and what is lost is counted, wherever rows end."""
    low, high = np.iinfo(out).min, np.iinfo(out).max
    values = [n + step for n in (low, 0, 3, high) for step in (-0.75, -0.5, 0, 0.5, 0.75)] + [nan, inf, -inf]
    nearest = [0 if isnan(n) else n if abs(n) == inf else round(n) for n in values]
    lost = [(n < low, n > high, not isfinite(value)) for n, value in zip(nearest, values, strict=True)]
    for sums, length in product(["float32", "float64"][out.endswith("32") :], range(1, 70)):
        pixels = np.resize(np.array(values, sums), (1, length, 1))
        result, losses = run(pixels, out, [(np.ones((1, 1)), 1)], accumulator=SUMS[sums])
        assert result.ravel().tolist() == np.resize(np.clip(nearest, low, high), length).tolist()
        assert losses == tuple(np.resize(lost, (length, 3)).sum(0))


ONE, FOUR, TERM, SIZE = (np.ones((2, 2)), 1), np.ones((2, 2)), np.ones((1, 2)), (4, 5, 1)
TAPS = [
    FOUR.astype("f4"),
    FOUR.astype(">f8"),
    np.frombuffer(bytearray(33), np.float64, 4, 1).reshape(2, 2),  # at an odd address
    FOUR[0],
    FOUR[:0],
    FOUR[:, :0],
    [[1.0]],
    FOUR * nan,
    FOUR * inf,
]
TAPS += [np.ones((2, 3)).T, np.ones((2, 4))[:, ::2], np.broadcast_to(1.0, (2, 2**31))]
MALFORMED: list[dict[str, Any]] = [
    *({name: np.zeros(SIZE, kind)} for name in ("pixels", "out") for kind in ("f2", "?", "c8", ">i2", ">f4", "q", "O")),
    *({"pixels": np.zeros(n), "out": np.zeros(n)} for n in ((0, 5, 1), (4, 0, 1), (4, 5, 0), (4, 5), (4, 5, 1, 1))),
    *({"out": np.zeros(size)} for size in ((3, 5, 1), (5, 5, 1), (4, 4, 1), (4, 6, 1), (4, 5, 2))),
    {"out": np.broadcast_to(np.uint8(7), SIZE)}, {"pixels": np.broadcast_to(np.uint8(7), (4, 2**31, 1))},
    *({"context": n} for n in ((-1, 1, 0, 0), (0, 0, 1, -1), (1, 0, 0, 0), (0, 9, 0, 0), (2**62, 2**62, 0, 0))),
    *({name: n} for name in ("border", "accumulator") for n in (-1, 5, 9)), {"constant": nan}, {"constant": inf},
    *({"anchor": n} for n in ((-1, 0), (0, -1), (2, 0), (0, 2))), {"wide": True}, {"wide": True, "accumulator": 2},
    *({name: n} for name in ("scale", "offset") for n in (nan, inf)), {"passes": (ONE, (FOUR, 2))},
    *({"passes": n} for n in ((), [ONE], (ONE,) * 3, ([*ONE],), (None,), ((FOUR,),), (ONE, (np.ones((2, 3)), 1)))),
    *({"passes": ((FOUR, n),)} for n in (0, -1, nan, inf)), *({"passes": ((taps, 1),)} for taps in TAPS),
    *({"passes": ((FOUR * n, 1),), "accumulator": sums} for n in (0.5, 4e4, nan) for sums in (0, 1)),
    *({"constant": n, "border": 4, "accumulator": sums} for n in (0.5, 4e4, nan) for sums in (0, 1)),
    *({"constant": n, "border": 4, "accumulator": sums} for n in (-1.0, 256.0) for sums in (0, 1, 4)),
    *({"passes": ((FOUR * n, 1),), "accumulator": 4} for n in (-1.0, 0.5, 65536.0, nan)),
    {"pixels": np.ones(SIZE, "i1"), "accumulator": 4}, {"passes": (ONE, ONE), "accumulator": 4},
    {"wide": True, "accumulator": 4}, {"passes": ((TERM, TERM, np.ones(1), 1),), "accumulator": 4},
    *({"passes": ((TERM, TERM, np.full(1, n), 1),), "accumulator": 1} for n in (0.5, -1.0, 31.0, nan)),
    *({"passes": ((*n, 1),)} for n in ((TERM, FOUR, None), (FOUR[:0],) * 2 + (None,), (TERM, TERM, np.ones(1)))),
    *({"passes": n, "accumulator": 1} for n in (((TERM, TERM, np.ones(1), 1),) * 2, ((TERM, TERM, np.ones(2), 1),))),
    {"pixels": np.ones(SIZE), "accumulator": 2},
    {"out": np.zeros(SIZE), "accumulator": 2}, {"out": np.zeros(SIZE, "i4"), "accumulator": 1},
]  # fmt: skip


@pytest.mark.parametrize("changes", MALFORMED)
def test_malformed_arguments_are_refused(changes: Any) -> None:
    """What cannot be filtered raises an error, and nothing is written."""
    arguments = {"pixels": np.ones(SIZE, "u1"), "out": np.full(SIZE, 7, "u1"), "passes": (ONE,)} | changes
    before = arguments["out"].tobytes()
    with pytest.raises((TypeError, ValueError, MemoryError)):
        call(**arguments)
    assert arguments["out"].tobytes() == before
