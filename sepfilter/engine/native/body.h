/* All inner loops for one instruction set. Wants ISA(name), VECTOR_BYTES, and the few operations that plain C
 * does not become by itself: DOT_ADD, the sum of products of pairs; MULTIPLY_HIGH, the high halves of products of
 * 16-bit integers without sign; LOAD_I16, a vector of 32-bit integers of as many
 * samples; ANY_BITS, whether a vector has any of the bits; AT_LEAST, AT_MOST, which give the second argument for
 * a NaN; ROUND, half to even, of what fits; STORE_*, integers as samples, saturated. */
#include <math.h>
#include <string.h>

#include "loops.h"

#define UNROLL _Pragma("GCC unroll 8")
#define LANES_32 ((ptrdiff_t)(VECTOR_BYTES / 4))

typedef float vf __attribute__((vector_size(VECTOR_BYTES)));
typedef double vd __attribute__((vector_size(VECTOR_BYTES)));
typedef int32_t vi __attribute__((vector_size(VECTOR_BYTES)));
typedef uint32_t vu __attribute__((vector_size(VECTOR_BYTES)));
typedef uint16_t vs __attribute__((vector_size(VECTOR_BYTES))); /* products and sums modulo 2**16 */
typedef vf loose_vf __attribute__((aligned(4), may_alias));
typedef vi loose_vi __attribute__((aligned(4), may_alias));
typedef vu loose_vu __attribute__((aligned(4), may_alias));

/* ---- rows times coefficients ---- */

#define MULTIPLY_ADD(sum, value, factor) ((sum) += MULTIPLY_HIGH(value, (vs){0} + (factor)))
#define ELEMENT uint16_t
#define VECTOR vs
#define SWEEP(outputs) ISA(sweep_u16_##outputs)
#include "sweeps.h"
#undef MULTIPLY_ADD

#define MULTIPLY_ADD(sum, value, factor) ((sum) += (value) * (factor))
#define SWEEP(outputs) ISA(sweep_i16_##outputs)
#include "sweeps.h"
#undef ELEMENT
#undef VECTOR

#define CLOSES
#define ELEMENT float
#define VECTOR vf
#define SWEEP(outputs) ISA(sweep_f32_##outputs)
#include "sweeps.h"
#define NAME ISA(apart_f32)
#define OUTPUTS APART_OUTPUTS
#define VECTORS APART_VECTORS
#define APART
#include "sweep.h"
#undef ELEMENT
#undef VECTOR

#define ELEMENT double
#define VECTOR vd
#define SWEEP(outputs) ISA(sweep_f64_##outputs)
#include "sweeps.h"
#define NAME ISA(apart_f64)
#define OUTPUTS APART_OUTPUTS
#define VECTORS APART_VECTORS
#define APART
#include "sweep.h"
#undef ELEMENT
#undef VECTOR
#undef CLOSES
#undef MULTIPLY_ADD

#define MULTIPLY_ADD(sum, value, factor) ((sum) = DOT_ADD(sum, value, (vi){0} + (factor)))
#define ELEMENT int32_t
#define VECTOR vi
#define SWEEP(outputs) ISA(sweep_i32_##outputs)
#include "sweeps.h"
#define NAME ISA(apart_i32)
#define OUTPUTS APART_OUTPUTS
#define VECTORS APART_VECTORS
#define APART
#include "sweep.h"
#undef ELEMENT
#undef VECTOR
#undef MULTIPLY_ADD

/* In place: what is read lies ahead of what is written. */
static void ISA(pair_sums)(size_t count, size_t distance, int shift, int32_t *sums)
{
    const vu half = (vu){0} + (1u << shift >> 1);
    for (size_t i = 0; i < count; i += LANES_32) {
        vu first = *(const loose_vu *)(sums + i) + half, second = *(const loose_vu *)(sums + i + distance) + half;
        *(loose_vu *)(sums + i) = ((vu)((vi)first >> shift) & 0xffff) | (vu)((vi)second >> shift) << 16;
    }
}

/* ---- samples to elements: loops that the compiler makes vectors of ---- */

#define WIDEN(NAME, SAMPLE, ELEMENT)                                                              \
    static void ISA(NAME)(size_t count, const void *samples, const void *below, void *elements)   \
    {                                                                                             \
        const SAMPLE *restrict from = samples;                                                    \
        ELEMENT *restrict to = elements;                                                          \
        (void)below;                                                                              \
        for (size_t i = 0; i < count; i++)                                                        \
            to[i] = (ELEMENT)from[i];                                                             \
    }
WIDEN(u8_i16, uint8_t, int16_t)
WIDEN(i8_i16, int8_t, int16_t)
WIDEN(u8_f32, uint8_t, float)
WIDEN(i8_f32, int8_t, float)
WIDEN(u16_f32, uint16_t, float)
WIDEN(i16_f32, int16_t, float)
WIDEN(f32_f32, float, float)
WIDEN(u8_f64, uint8_t, double)
WIDEN(i8_f64, int8_t, double)
WIDEN(u16_f64, uint16_t, double)
WIDEN(i16_f64, int16_t, double)
WIDEN(u32_f64, uint32_t, double)
WIDEN(i32_f64, int32_t, double)
WIDEN(f32_f64, float, double)
WIDEN(f64_f64, double, double)

static void ISA(u8_u16)(size_t count, const void *samples, const void *below, void *elements)
{
    const uint8_t *restrict from = samples;
    uint16_t *restrict to = elements;
    (void)below;
    for (size_t i = 0; i < count; i++)
        to[i] = (uint16_t)(from[i] << 8);
}

#define PAIR(NAME, SAMPLE)                                                                        \
    static void ISA(NAME)(size_t count, const void *samples, const void *below, void *elements)   \
    {                                                                                             \
        const SAMPLE *restrict upper = samples, *restrict lower = below;                          \
        int16_t *restrict pairs = elements;                                                       \
        for (size_t i = 0; i < count; i++) {                                                      \
            pairs[2 * i] = upper[i];                                                              \
            pairs[2 * i + 1] = lower[i];                                                          \
        }                                                                                         \
    }
PAIR(pair_u8, uint8_t)
PAIR(pair_i8, int8_t)

/* ---- sums to samples ---- */

/* Adding 1.5 * 2**23 rounds half to even, and leaves the integer in the low bits. */
#define ROUNDING_F32 12582912.0f
#define ROUNDING_F64 6755399441055744.0

#define INLINE static inline __attribute__((always_inline))

/* Counts go to lanes of -1 each, summed up once a call. */
struct ISA(counts) {
    vi low, high, nonfinite;
};

static void ISA(add_counts)(const struct ISA(counts) *counts, ptrdiff_t lanes, struct losses *losses)
{
    for (ptrdiff_t lane = 0; lane < lanes; lane++) {
        losses->low -= (uint64_t)(int64_t)counts->low[lane];
        losses->high -= (uint64_t)(int64_t)counts->high[lane];
        losses->nonfinite -= (uint64_t)(int64_t)counts->nonfinite[lane];
    }
}

INLINE void ISA(store)(vi integers, enum sample_type type, void *samples, size_t at)
{
    switch (type) {
    case U8: STORE_U8((uint8_t *)samples + at, integers); break;
    case I8: STORE_I8((int8_t *)samples + at, integers); break;
    case U16: STORE_U16((uint16_t *)samples + at, integers); break;
    default: STORE_I16((int16_t *)samples + at, integers); break;
    }
}

/* Rounded half to even, and so far within the type that STORE_* saturates what is left. */
INLINE vi ISA(rounded)(vf value, const struct finish *how)
{
    value = AT_LEAST(value, (vf){0} + ((float)how->low - 1));
    value = AT_MOST(value, (vf){0} + ((float)how->high + 1));
    return (vi)(value + ROUNDING_F32) - (vi)((vf){0} + ROUNDING_F32);
}

/* One vector of float sums to samples, with all that may be asked for. */
INLINE void ISA(finish_vector)(vf value, const struct finish *how, void *samples, size_t at,
                               struct ISA(counts) *counts)
{
    if (how->divides)
        value /= how->divisor;
    if (how->maps)
        value = value * how->scale + how->offset;
    if (how->absolute)
        value = (vf)((vi)value & 0x7fffffff);
    counts->nonfinite += ((vi)value & 0x7f800000) == 0x7f800000;
    if (how->type == F32) {
        *(loose_vf *)((float *)samples + at) = value;
        return;
    }
    vi integers = ISA(rounded)((vf)((vi)value & (value == value)), how); /* NaN becomes 0 */
    counts->low += integers < (int32_t)how->low;
    counts->high += integers > (int32_t)how->high;
    ISA(store)(integers, how->type, samples, at);
}

/* Loops from each kind of sums; TO_FLOAT makes a vector of floats of the sums at a place. The quick ones only
 * map, round and count, four vectors at a time, and return up to where; `type` is a constant in each. Where a
 * sum is not finite they return 0, and nothing that they did stands. */
#define FINISH(NAME, SUM, TO_FLOAT)                                                               \
    INLINE size_t ISA(NAME##_quickly)(size_t count, const SUM *from, const struct finish how,     \
                                      enum sample_type type, void *samples,                       \
                                      struct ISA(counts) *counts)                                 \
    {                                                                                             \
        size_t at = 0;                                                                            \
        vf probe = {0};                                                                           \
        vi low = {0}, high = {0};                                                                 \
        for (; at + 4 * LANES_32 <= count; at += 4 * LANES_32) {                                  \
            vi four[4];                                                                           \
            UNROLL for (int v = 0; v < 4; v++) {                                                  \
                vf value = TO_FLOAT(from + at + v * LANES_32) * how.scale + how.offset;           \
                if (!how.small)                                                                   \
                    probe += value * 0.0f; /* not 0 where it is not finite */                     \
                if (type == F32) {                                                                \
                    *(loose_vf *)((float *)samples + at + v * LANES_32) = value;                  \
                    continue;                                                                     \
                }                                                                                 \
                four[v] = how.small ? ROUND(value) : ISA(rounded)(value, &how);                   \
                if (type == U16)                                                                  \
                    STORE_U16((uint16_t *)samples + at + v * LANES_32, four[v]);                  \
            }                                                                                     \
            if (type == F32)                                                                      \
                continue;                                                                         \
            if (type == U8)                                                                       \
                STORE_4_U8((uint8_t *)samples + at, four[0], four[1], four[2], four[3]);          \
            if (!ANY_BITS(four[0] | four[1] | four[2] | four[3], ~(int32_t)how.high))             \
                continue;                                                                         \
            UNROLL for (int v = 0; v < 4; v++) {                                                  \
                low += four[v] < 0;                                                               \
                high += four[v] > (int32_t)how.high;                                              \
            }                                                                                     \
        }                                                                                         \
        vi bad = probe != 0;                                                                      \
        for (int lane = 0; lane < LANES_32; lane++)                                               \
            if (bad[lane])                                                                        \
                return 0;                                                                         \
        counts->low = low;                                                                        \
        counts->high = high;                                                                      \
        return at;                                                                                \
    }                                                                                             \
    static void ISA(NAME)(size_t count, void *sums, const struct finish *how, void *samples,      \
                          struct losses *losses)                                                  \
    {                                                                                             \
        const SUM *from = sums;                                                                   \
        struct ISA(counts) counts = {{0}, {0}, {0}}, last = counts;                               \
        size_t at = 0;                                                                            \
        if (how->quick && how->type == U8)                                                        \
            at = ISA(NAME##_quickly)(count, from, *how, U8, samples, &counts);                    \
        else if (how->quick && how->type == U16)                                                  \
            at = ISA(NAME##_quickly)(count, from, *how, U16, samples, &counts);                   \
        else if (how->quick)                                                                      \
            at = ISA(NAME##_quickly)(count, from, *how, F32, samples, &counts);                   \
        for (; at + LANES_32 <= count; at += LANES_32)                                            \
            ISA(finish_vector)(TO_FLOAT(from + at), how, samples, at, &counts);                   \
        if (at < count)                                                                           \
            ISA(finish_vector)(TO_FLOAT(from + at), how, samples, at, &last);                     \
        ISA(add_counts)(&counts, LANES_32, losses);                                               \
        ISA(add_counts)(&last, (ptrdiff_t)(count - at), losses);                                  \
    }
#define OF_I16(from) __builtin_convertvector(LOAD_I16(from), vf)
#define OF_U16(from) __builtin_convertvector(LOAD_I16(from) & 0xffff, vf)
#define OF_I32(from) __builtin_convertvector(*(const loose_vi *)(from), vf)
#define OF_F32(from) (*(const loose_vf *)(from))
FINISH(finish_i16, int16_t, OF_I16)
FINISH(finish_u16_by_float, uint16_t, OF_U16)
FINISH(finish_i32, int32_t, OF_I32)
FINISH(finish_f32, float, OF_F32)

static void ISA(finish_u16)(size_t count, void *sums, const struct finish *how, void *samples,
                            struct losses *losses)
{
    const uint16_t *restrict from = sums;
    uint8_t *restrict to = samples;
    const uint16_t start = how->start, most = (uint16_t)(UINT16_MAX - start);
    uint16_t largest = 0;
    if (!how->shifts) {
        ISA(finish_u16_by_float)(count, sums, how, samples, losses);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        uint16_t sum = from[i] < most ? from[i] : most;
        largest = largest > from[i] ? largest : from[i];
        to[i] = (uint8_t)((uint16_t)(sum + start) >> 8);
    }
    for (size_t i = 0; i < count && largest > most; i++)
        losses->high += from[i] > most;
}

#define STORE_LOOP(SAMPLE)                                                                        \
    for (size_t i = 0; i < count; i++)                                                            \
        ((SAMPLE *)samples)[i] = (SAMPLE)values[i];

/* Double sums: a chunk at a time through a small buffer, the operations of finish_vector one by one. */
static void ISA(finish_f64)(size_t count, void *sums, const struct finish *how, void *samples,
                            struct losses *losses)
{
    double *restrict values = sums;
    if (how->divides)
        for (size_t i = 0; i < count; i++) values[i] /= how->wide_divisor;
    if (how->maps)
        for (size_t i = 0; i < count; i++) values[i] = values[i] * how->wide_scale + how->wide_offset;
    if (how->absolute)
        for (size_t i = 0; i < count; i++) values[i] = fabs(values[i]);
    if (how->type == F32) {
        STORE_LOOP(float)
        for (size_t i = 0; i < count; i++)
            losses->nonfinite += !isfinite(((float *)samples)[i]);
        return;
    }
    for (size_t i = 0; i < count; i++)
        losses->nonfinite += !isfinite(values[i]);
    if (how->type == F64) {
        STORE_LOOP(double)
        return;
    }
    double low = how->low, high = how->high;
    for (size_t i = 0; i < count; i++) {
        double value = values[i] == values[i] ? values[i] : 0.0;
        value = value < low - 1 ? low - 1 : value;
        value = value > high + 1 ? high + 1 : value;
        values[i] = (value + ROUNDING_F64) - ROUNDING_F64;
    }
    for (size_t i = 0; i < count; i++) {
        losses->low += values[i] < low;
        losses->high += values[i] > high;
    }
    for (size_t i = 0; i < count; i++) {
        double value = values[i] < low ? low : values[i];
        values[i] = value > high ? high : value;
    }
    switch (how->type) {
    case U8: STORE_LOOP(uint8_t) break;
    case I8: STORE_LOOP(int8_t) break;
    case U16: STORE_LOOP(uint16_t) break;
    case I16: STORE_LOOP(int16_t) break;
    case U32: STORE_LOOP(uint32_t) break;
    default: STORE_LOOP(int32_t) break;
    }
}

#define TO_DOUBLE(NAME, SUM)                                                                      \
    static void ISA(NAME)(size_t count, const void *sums, double *restrict values)                \
    {                                                                                             \
        const SUM *restrict from = sums;                                                          \
        for (size_t i = 0; i < count; i++)                                                        \
            values[i] = from[i];                                                                  \
    }
TO_DOUBLE(i16_to_double, int16_t)
TO_DOUBLE(i32_to_double, int32_t)

/* ---- magnitudes ---- */

/* Squares of integers are summed up exactly; the planner has seen to it that they fit. */
#define MAGNITUDE_OF_INTEGERS(NAME, SUM)                                                          \
    static void ISA(NAME)(size_t count, const void *xs, const void *ys, bool wide, void *values)  \
    {                                                                                             \
        const SUM *restrict x = xs, *restrict y = ys;                                             \
        float *restrict narrow = values;                                                          \
        double *restrict doubles = values;                                                        \
        if (wide)                                                                                 \
            for (size_t i = 0; i < count; i++)                                                    \
                doubles[i] = sqrt((double)x[i] * x[i] + (double)y[i] * y[i]);                     \
        else                                                                                      \
            for (size_t i = 0; i < count; i++)                                                    \
                narrow[i] = sqrtf((float)x[i] * x[i] + (float)y[i] * y[i]);                       \
    }
MAGNITUDE_OF_INTEGERS(magnitude_i16, int16_t)
MAGNITUDE_OF_INTEGERS(magnitude_i32, int32_t)

/* In double, where no square of a float overflows or vanishes. */
static void ISA(magnitude_f32)(size_t count, const void *xs, const void *ys, bool wide, void *values)
{
    const float *restrict x = xs, *restrict y = ys;
    float *restrict to = values;
    (void)wide;
    for (size_t i = 0; i < count; i++)
        to[i] = (float)sqrt((double)x[i] * x[i] + (double)y[i] * y[i]);
}

static void ISA(magnitude_f64)(size_t count, const void *xs, const void *ys, bool wide, void *values)
{
    const double *x = xs, *y = ys;
    double *to = values;
    (void)wide;
    for (size_t i = 0; i < count; i++) {
        double square = x[i] * x[i] + y[i] * y[i];
        /* hypot scales first, so that squares neither overflow nor vanish; sqrt is correctly rounded. */
        to[i] = square > 1e-280 && square < 1e300 ? sqrt(square) : hypot(x[i], y[i]);
    }
}

/* ---- layers of filter banks ---- */

#include "layer_body.h"

/* ---- the table ---- */

const struct loops ISA(loops) = {
    .name = ISA_NAME,
    .widen = {
        [IN_I16] = {[U8] = ISA(u8_i16), [I8] = ISA(i8_i16)},
        [IN_U16] = {[U8] = ISA(u8_u16)},
        [IN_I32] = {[U8] = ISA(pair_u8), [I8] = ISA(pair_i8)},
        [IN_F32] = {[U8] = ISA(u8_f32), [I8] = ISA(i8_f32), [U16] = ISA(u16_f32), [I16] = ISA(i16_f32),
                    [F32] = ISA(f32_f32)},
        [IN_F64] = {[U8] = ISA(u8_f64), [I8] = ISA(i8_f64), [U16] = ISA(u16_f64), [I16] = ISA(i16_f64),
                    [U32] = ISA(u32_f64), [I32] = ISA(i32_f64), [F32] = ISA(f32_f64), [F64] = ISA(f64_f64)},
    },
    .sweep = {
        [IN_I16] = {ISA(sweep_i16_1), ISA(sweep_i16_2), ISA(sweep_i16_4)},
        [IN_U16] = {ISA(sweep_u16_1), ISA(sweep_u16_2), ISA(sweep_u16_4)},
        [IN_I32] = {ISA(sweep_i32_1), ISA(sweep_i32_2), ISA(sweep_i32_4)},
        [IN_F32] = {ISA(sweep_f32_1), ISA(sweep_f32_2), ISA(sweep_f32_4)},
        [IN_F64] = {ISA(sweep_f64_1), ISA(sweep_f64_2), ISA(sweep_f64_4)},
    },
    .apart = {[IN_I32] = ISA(apart_i32), [IN_F32] = ISA(apart_f32), [IN_F64] = ISA(apart_f64)},
    .vector_bytes = VECTOR_BYTES,
    .pair_sums = ISA(pair_sums),
    .finish = {ISA(finish_i16), ISA(finish_i32), ISA(finish_f32), ISA(finish_f64), ISA(finish_u16)},
    .to_double = {ISA(i16_to_double), ISA(i32_to_double)},
    .magnitude = {ISA(magnitude_i16), ISA(magnitude_i32), ISA(magnitude_f32), ISA(magnitude_f64)},
    .weigh = ISA(weigh),
    .mix = ISA(mix),
    .bend = ISA(bend),
};
