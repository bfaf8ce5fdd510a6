/* Template of the pass along the rows for IN_I32: pairs of neighbours times pairs of taps, for TERMS terms and
 * two image rows at once. The results, 16 bits each, come as pairs of one below the other. */

#define EACH_TERM UNROLL for (int m = 0; m < TERMS; m++)
#define EACH_VECTOR UNROLL for (int v = 0; v < VECTORS; v++)

static void NAME(size_t count, size_t taps, const int32_t *upper, const int32_t *lower, size_t stride,
                 const int32_t *const *factors, const int *shifts, int32_t *const *outputs)
{
    _Static_assert(VECTORS * (VECTOR_BYTES / 4) <= PADDING, "rows are padded for as much as a block");
    const vu low_half = (vu){0} + 0xffff;
    for (size_t at = 0; at < count; at += VECTORS * LANES_32) {
        vi above[TERMS][VECTORS], below[TERMS][VECTORS];
        EACH_TERM EACH_VECTOR above[m][v] = below[m][v] = (vi){0} + (1 << shifts[m] >> 1);
        for (size_t t = 0; t < taps; t++) {
            const int32_t *one = upper + at + t * stride, *other = lower + at + t * stride;
            vi first[VECTORS], second[VECTORS];
            EACH_VECTOR first[v] = *(const loose_vi *)(one + v * LANES_32);
            EACH_VECTOR second[v] = *(const loose_vi *)(other + v * LANES_32);
            EACH_TERM {
                vi factor = (vi){0} + factors[m][t];
                EACH_VECTOR above[m][v] = DOT_ADD(above[m][v], first[v], factor);
                EACH_VECTOR below[m][v] = DOT_ADD(below[m][v], second[v], factor);
            }
        }
        EACH_TERM EACH_VECTOR *(loose_vi *)(outputs[m] + at + v * LANES_32) =
            (vi)(((vu)(above[m][v] >> shifts[m]) & low_half) | (vu)(below[m][v] >> shifts[m]) << 16);
    }
}

#undef NAME
#undef TERMS
#undef VECTORS
#undef EACH_TERM
#undef EACH_VECTOR
