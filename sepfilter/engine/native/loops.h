/* The inner loops, once for each instruction set: a table of function pointers, filled by dispatch.c. */
#ifndef SEPFILTER_LOOPS_H
#define SEPFILTER_LOOPS_H

#include "filter.h"
#include "layers.h"

/* Rows that loops read and write are padded: up to this many elements past the end are touched. */
#define PADDING 256

/* Output rows that share each load of an input row: 1, 2 or 4. */
#define MAX_OUTPUTS 4

/* Along a row, as many blocks of so many vectors share loads: three of them are whole pixels of 1 to 4 channels. */
#define APART_OUTPUTS 3
#define APART_VECTORS 3

/* Products of 16-bit samples that are summed up in a row, in float, before they join the total: that keeps
 * rounding small. */
#define PARTIAL_SUM 12

/* Steps of a sweep up to `end`, which the same outputs m take (bit m of `takes`); at the end the partial sums
 * of some are complete (bit m of `closes`). */
struct run {
    size_t end;
    uint8_t takes, closes;
};

/* Input rows times factors: outputs[m][i] = sum over t of rows[t][i] * factors[t * M + m]. Float sums mind the
 * runs: what an output does not take cannot reach it, not even a NaN. */
struct sweep {
    size_t taps;
    const void **rows;
    void *factors;
    struct run *runs;
    bool closes; /* whether any run does */
};

/* How sums become samples; `sums` may be overwritten on the way. */
struct finish {
    float scale, offset, divisor;
    double wide_scale, wide_offset, wide_divisor;
    bool divides, maps, absolute;
    bool nothing; /* the sums are the samples */
    bool quick; /* only maps and rounds, to one of the usual types */
    bool small; /* no mapped sum leaves 32 bits */
    bool shifts; /* IN_U16: the samples are sums plus `start`, over 256 */
    uint16_t start;
    enum sample_type type;
    double low, high; /* of the type */
};

typedef void sweep_loop(size_t first, size_t count, const struct sweep *sweep, void *const *outputs);
typedef void widen_loop(size_t count, const void *samples, const void *below, void *elements);
typedef void finish_loop(size_t count, void *sums, const struct finish *how, void *samples,
                         struct losses *losses);

/* One block of outputs of a layer: out[p * out_step + n] = start[n] + sum over t of
 * in[p * in_step + offsets[t]] * weights[t * LAYER_BLOCK + n], n < outputs. */
struct mix_step {
    size_t taps, in_step, out_step, outputs;
    const size_t *offsets;
    const float *weights, *start;
};

/* out[e] = start[e % period] + sum over t of rows[t][e] * factors[t * period + e % period], up to a whole period. */
typedef void weigh_loop(size_t count, size_t taps, const float *const *rows, const float *factors, size_t period,
                        const float *start, float *out);
typedef void mix_loop(size_t pixels, const struct mix_step *step, const float *in, float *out);
typedef void bend_loop(float *values, size_t pixels, size_t channels, const struct activated *how);

struct loops {
    const char *name;
    /* Samples to elements: 16-bit integers, float, double; for IN_I32 a sample and the one below it as a pair of
     * int16_t, else `below` is ignored. NULL where not supported. */
    widen_loop *widen[ACCUMULATORS][SAMPLE_TYPES];
    /* For 1, 2 and 4 outputs. */
    sweep_loop *sweep[ACCUMULATORS][3];
    /* For one output row, in blocks that share loads; NULL for 16 bits. */
    sweep_loop *apart[ACCUMULATORS];
    size_t vector_bytes;
    /* Sums of IN_I32, divided by 2**shift and rounded, each with the one `distance` further on as a pair. */
    void (*pair_sums)(size_t count, size_t distance, int shift, int32_t *sums);
    /* Sums to samples. */
    finish_loop *finish[ACCUMULATORS];
    /* Integer sums to double. */
    void (*to_double[2])(size_t count, const void *sums, double *values);
    /* The magnitude of two sums: float, or double for IN_F64 and where `wide` is set. */
    void (*magnitude[ACCUMULATORS])(size_t count, const void *x, const void *y, bool wide, void *values);
    /* Of layers: depthwise, mixing, and activations without exponentials. */
    weigh_loop *weigh;
    mix_loop *mix;
    bend_loop *bend;
};

extern const struct loops loops_baseline;
#if defined(__x86_64__)
extern const struct loops loops_avx2, loops_avx512;
#endif

/* The table in use. Level: NULL for the best, or a name; false where it is unknown or unsupported. */
const struct loops *current_loops(void);
bool choose_loops(const char *level);
/* The names of the levels that this machine supports, best first, NULL at the end. */
const char *const *supported_levels(void);

#endif
