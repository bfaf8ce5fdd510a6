/* The engine's entry: correlate a block of an image with separable terms or with all taps, map the
 * results, store them. Everything here is plain C; see dispatch.c for the instruction sets. */
#ifndef SEPFILTER_FILTER_H
#define SEPFILTER_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Largest values that are taken, so that products of two of them, times 8 bytes, cannot overflow. */
#define MAX_SIDE ((ptrdiff_t)1 << 30)
#define MAX_CHANNELS 4096
#define MAX_TERMS 4096
#define MAX_PASSES 2

enum sample_type { U8, I8, U16, I16, U32, I32, F32, F64, SAMPLE_TYPES };

/* What lies beyond the edges of the view; the names are SciPy's. */
enum border_mode { REFLECT, MIRROR, NEAREST, WRAP, CONSTANT, BORDER_MODES };

/* What sums are kept in. IN_I16: 16-bit products and sums, of 8-bit samples. IN_I32: 16-bit factors,
 * two products at a time, summed up in 32 bits, of 8-bit samples. IN_F32, IN_F64: floating point. IN_U16: bytes
 * times 256, factors without sign, and the high halves of their 32-bit products summed up in 16 bits. */
enum accumulator { IN_I16, IN_I32, IN_F32, IN_F64, IN_U16, ACCUMULATORS };

/* Pixels: row y, column x, channel c is data[y * strides[0] + x * strides[1] + c * strides[2]]. */
struct view {
    void *data;
    ptrdiff_t height, width, channels;
    ptrdiff_t strides[3]; /* in elements, of any sign */
    enum sample_type type;
};

/* One kernel, as its taps or as a sum of terms outer(column, row). */
struct pass {
    ptrdiff_t terms;       /* 0: taps holds height * width of them, all at once */
    ptrdiff_t height, width;
    const double *taps;    /* direct: height x width */
    const double *columns; /* separable: terms x height */
    const double *rows;    /* separable: terms x width */
    const double *shifts;  /* separable, IN_I32: row sums are divided by 2**shifts[term], rounded; or NULL */
    double denominator;    /* sums are divided by it */
};

/* value = scale * sum + offset, its absolute value if asked, rounded half to even, saturated. */
struct map {
    double scale, offset;
    bool absolute;
};

/* Samples that the output type cannot hold: saturated at either end, or not finite. */
struct losses {
    uint64_t low, high, nonfinite;
};

struct task {
    struct view in, out;
    /* Real pixels of `in` around those that are produced: above, below, left, right. A position outside
     * of `in` takes its value from the border; so whole images, strips of them, tiles and blocks with
     * context are all one case. */
    ptrdiff_t context[4];
    enum border_mode border;
    double constant;
    ptrdiff_t anchor[2];
    int passes; /* 2: the magnitude sqrt(x * x + y * y) of both is the result */
    struct pass pass[MAX_PASSES];
    enum accumulator accumulator;
    bool wide; /* integer sums are mapped in double, since float cannot hold them */
    struct map map;
};

enum status { DONE, BAD_VIEW, BAD_CONTEXT, BAD_BORDER, BAD_PASS, BAD_TAPS, BAD_TYPE, BAD_MAP, NO_MEMORY };

/* Run a task. Writes to `out` and `losses` only after every check has passed. */
enum status filter(const struct task *task, struct losses *losses);

/* Check a task; every size in it may be trusted afterwards. (checks.c) */
enum status check_task(const struct task *task);

/* The position in 0 .. length - 1 that stands for any position, -1 for the constant. (rows.c) */
ptrdiff_t border_index(ptrdiff_t position, ptrdiff_t length, enum border_mode mode);

static inline bool is_floating(enum accumulator accumulator)
{
    return accumulator == IN_F32 || accumulator == IN_F64;
}

size_t sample_bytes(enum sample_type type);
size_t element_bytes(enum accumulator accumulator);

#endif
