/* Inner loops of filter banks for one instruction set; included by body.h. FUSED(sum, a, b) adds a product of
 * vectors, rounded once where the instruction set can. */
#ifndef FUSED
#define FUSED(sum, a, b) ((sum) += (a) * (b))
#endif
#define UNROLL_ALL _Pragma("GCC unroll 16")
#define BLOCK_VECTORS (LAYER_BLOCK / LANES_32)
/* As many pixels as leave registers for the weights; scalars are spread without changing -0. */
#define MIX_PIXELS (3 * LANES_32 / 4)
#define SPREAD(scalar) ((scalar) - (vf){0})

/* out[e] = start[e % period] + sum over t of rows[t][e] * factors[t * period + e % period] */
INLINE void ISA(weigh_blocks)(const int blocks, size_t count, size_t taps, const float *const *rows,
                              const float *factors, size_t period, const float *start, float *out)
{
    for (size_t base = 0; base < count; base += period)
        for (size_t at = 0; at < period; at += (size_t)blocks * LAYER_BLOCK) {
            vf sum[4 * BLOCK_VECTORS];
            UNROLL_ALL for (int v = 0; v < blocks * BLOCK_VECTORS; v++)
                sum[v] = *(const loose_vf *)(start + at + v * LANES_32);
            const float *factor = factors + at;
            for (size_t t = 0; t < taps; t++, factor += period) {
                const float *row = rows[t] + base + at;
                UNROLL_ALL for (int v = 0; v < blocks * BLOCK_VECTORS; v++)
                    FUSED(sum[v], *(const loose_vf *)(row + v * LANES_32),
                          *(const loose_vf *)(factor + v * LANES_32));
            }
            UNROLL_ALL for (int v = 0; v < blocks * BLOCK_VECTORS; v++)
                *(loose_vf *)(out + base + at + v * LANES_32) = sum[v];
        }
}

static void ISA(weigh)(size_t count, size_t taps, const float *const *rows, const float *factors, size_t period,
                       const float *start, float *out)
{
    size_t blocks = period / LAYER_BLOCK;
    if (blocks % 3 == 0)
        ISA(weigh_blocks)(3, count, taps, rows, factors, period, start, out);
    else if (blocks % 2 == 0)
        ISA(weigh_blocks)(2, count, taps, rows, factors, period, start, out);
    else
        ISA(weigh_blocks)(1, count, taps, rows, factors, period, start, out);
}

INLINE void ISA(mix_pixels)(const int pixels, const struct mix_step *step, const float *in, float *out, bool whole)
{
    vf sum[MIX_PIXELS][BLOCK_VECTORS];
    UNROLL_ALL for (int p = 0; p < pixels; p++)
        UNROLL_ALL for (int v = 0; v < BLOCK_VECTORS; v++)
            sum[p][v] = *(const loose_vf *)(step->start + v * LANES_32);
    const float *weights = step->weights;
    for (size_t t = 0; t < step->taps; t++, weights += LAYER_BLOCK) {
        const float *from = in + step->offsets[t];
        vf weight[BLOCK_VECTORS];
        UNROLL_ALL for (int v = 0; v < BLOCK_VECTORS; v++)
            weight[v] = *(const loose_vf *)(weights + v * LANES_32);
        UNROLL_ALL for (int p = 0; p < pixels; p++) {
            vf value = SPREAD(from[(size_t)p * step->in_step]);
            UNROLL_ALL for (int v = 0; v < BLOCK_VECTORS; v++)
                FUSED(sum[p][v], value, weight[v]);
        }
    }
    if (whole) {
        UNROLL_ALL for (int p = 0; p < pixels; p++)
            UNROLL_ALL for (int v = 0; v < BLOCK_VECTORS; v++)
                *(loose_vf *)(out + (size_t)p * step->out_step + v * LANES_32) = sum[p][v];
        return;
    }
    for (int p = 0; p < pixels; p++) {
        float kept[LAYER_BLOCK];
        for (int v = 0; v < BLOCK_VECTORS; v++)
            *(loose_vf *)(kept + v * LANES_32) = sum[p][v];
        memcpy(out + (size_t)p * step->out_step, kept, step->outputs * sizeof(float));
    }
}

/* Some pixels of a row, and one block of their outputs. */
static void ISA(mix)(size_t pixels, const struct mix_step *step, const float *in, float *out)
{
    bool whole = step->outputs == LAYER_BLOCK;
    size_t p = 0;
    for (; p + MIX_PIXELS <= pixels; p += MIX_PIXELS)
        ISA(mix_pixels)(MIX_PIXELS, step, in + p * step->in_step, out + p * step->out_step, whole);
    for (; p < pixels; p++)
        ISA(mix_pixels)(1, step, in + p * step->in_step, out + p * step->out_step, whole);
}

/* Activations without exponentials, sample by sample; a NaN stays one. */
static void ISA(bend)(float *restrict values, size_t pixels, size_t channels, const struct activated *how)
{
    size_t count = pixels * channels;
    float alpha = how->alpha_count ? how->alphas[0] : 0.0f;
    switch (how->kind) {
    case RELU:
        for (size_t i = 0; i < count; i++)
            values[i] = values[i] < 0.0f ? 0.0f : values[i];
        break;
    case RELU6:
        for (size_t i = 0; i < count; i++) {
            float value = values[i] < 0.0f ? 0.0f : values[i];
            values[i] = value > 6.0f ? 6.0f : value;
        }
        break;
    case HARD_SWISH:
        for (size_t i = 0; i < count; i++) {
            float upper = values[i] + 3.0f < 0.0f ? 0.0f : values[i] + 3.0f;
            values[i] = values[i] * (upper > 6.0f ? 6.0f : upper) / 6.0f;
        }
        break;
    default:
        if (how->alpha_count <= 1)
            for (size_t i = 0; i < count; i++)
                values[i] = values[i] < 0.0f ? values[i] * alpha : values[i];
        else
            for (size_t p = 0; p < pixels; p++, values += channels)
                for (size_t c = 0; c < channels; c++)
                    values[c] = values[c] < 0.0f ? values[c] * how->alphas[c] : values[c];
    }
}
