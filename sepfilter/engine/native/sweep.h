/* Template of the one inner kernel: rows times factors, OUTPUTS output rows sharing each load, or with APART as
 * many blocks of one output row. Wants NAME, ELEMENT, VECTOR, OUTPUTS, VECTORS (a block's width) and
 * MULTIPLY_ADD(sum, value, factor); CLOSES where partial sums are to be closed. Every sample goes through the same
 * operations in the same order wherever it lies, so that results do not depend on how an image is cut. */

#define EACH_OUTPUT UNROLL for (int m = 0; m < OUTPUTS; m++)
#define EACH_VECTOR UNROLL for (int v = 0; v < VECTORS; v++)
#define LOAD                                                \
    VECTOR value[VECTORS];                                  \
    EACH_VECTOR value[v] = *(const loose *)(rows[t] + at + v * LANES);
#define ALL ((1 << OUTPUTS) - 1)
#define LOOP(mask)                                                                   \
    for (; t < run->end; t++, factors += OUTPUTS) {                                  \
        LOAD                                                                         \
        EACH_OUTPUT if ((mask) & 1 << m)                                             \
            EACH_VECTOR MULTIPLY_ADD(sum[m][v], value[v], factors[m]);               \
    }
#ifdef APART
#define STEP (OUTPUTS * BLOCK)
#define TARGET(m, v) (*(loose *)((ELEMENT *)outputs[0] + (at - first) + (m) * BLOCK + (v) * LANES))
#else
#define STEP BLOCK
#define TARGET(m, v) (*(loose *)((ELEMENT *)outputs[m] + (at - first) + (v) * LANES))
#endif

static void NAME(size_t first, size_t count, const struct sweep *sweep, void *const *outputs)
{
    typedef VECTOR __attribute__((aligned(sizeof(ELEMENT)), may_alias)) loose;
    enum { LANES = sizeof(VECTOR) / sizeof(ELEMENT), BLOCK = LANES * VECTORS };
    _Static_assert(STEP <= PADDING, "rows are padded for as much as a block");
    const ELEMENT *const *rows = (const ELEMENT *const *)sweep->rows;
    const size_t taps = sweep->taps;

    for (size_t at = first; at < first + count; at += STEP) {
        const ELEMENT *factors = sweep->factors;
        VECTOR sum[OUTPUTS][VECTORS];
        EACH_OUTPUT EACH_VECTOR sum[m][v] = (VECTOR){0};
#ifdef CLOSES
        if (sweep->closes)
            EACH_OUTPUT EACH_VECTOR TARGET(m, v) = (VECTOR){0};
#endif
        const struct run *run = sweep->runs;
        for (size_t t = 0; t < taps; run++) {
            if (run->takes == ALL)
                LOOP(ALL)
            else
                LOOP(run->takes)
#ifdef CLOSES
            EACH_OUTPUT if (run->closes & 1 << m)
                EACH_VECTOR {
                    TARGET(m, v) += sum[m][v];
                    sum[m][v] = (VECTOR){0};
                }
#endif
        }
#ifdef CLOSES
        if (sweep->closes)
            EACH_OUTPUT EACH_VECTOR sum[m][v] += TARGET(m, v);
#endif
        EACH_OUTPUT EACH_VECTOR TARGET(m, v) = sum[m][v];
    }
}

#undef NAME
#undef OUTPUTS
#undef VECTORS
#undef EACH_OUTPUT
#undef EACH_VECTOR
#undef LOAD
#undef TARGET
#undef STEP
#undef ALL
#undef LOOP
#undef APART
