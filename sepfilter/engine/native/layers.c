/* Layers of filter banks: rows gathered and weighed (depthwise), and products of matrices (pointwise, ordinary). */
#include "layers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "loops.h"

enum {
    MOST_SAMPLES = 1 << 30, /* of a side, of a kernel, of a pixel */
    TILE_FLOATS = 16384,    /* outputs that are mixed before they are bent: they stay in a core's second cache */
    TILE_PIXELS = 48        /* pixels of a tile are a multiple of it, and so of those that any loop takes at once */
};

/* ---- activations ---- */

static void softmax(float *pixel, size_t channels)
{
    float most = pixel[0], sum = 0.0f;
    for (size_t c = 1; c < channels; c++)
        most = pixel[c] > most ? pixel[c] : most;
    for (size_t c = 0; c < channels; c++)
        sum += pixel[c] = expf(pixel[c] - most);
    for (size_t c = 0; c < channels; c++)
        pixel[c] /= sum;
}

static void activate(float *values, size_t pixels, size_t channels, const struct activated *how)
{
    size_t count = pixels * channels;
    switch (how->kind) {
    case NO_ACTIVATION: break;
    case SIGMOID:
        for (size_t i = 0; i < count; i++)
            values[i] = 1.0f / (1.0f + expf(-values[i]));
        break;
    case TANH:
        for (size_t i = 0; i < count; i++)
            values[i] = tanhf(values[i]);
        break;
    case SOFTMAX:
        for (size_t p = 0; p < pixels; p++)
            softmax(values + p * channels, channels);
        break;
    default: current_loops()->bend(values, pixels, channels, how);
    }
}

static bool is_activated(const struct activated *how, size_t channels)
{
    if (how->kind < 0 || how->kind >= ACTIVATIONS)
        return false;
    if (how->kind == LEAKY_RELU || how->kind == PRELU)
        return how->alpha_count == 1 || how->alpha_count == channels;
    return how->alpha_count == 0;
}

/* ---- what both have in common ---- */

static bool is_block(const struct block *block)
{
    return block->height - 1 < MOST_SAMPLES && block->width - 1 < MOST_SAMPLES && block->channels - 1 < MAX_CHANNELS;
}

/* The input has just what the outputs are made of, or some more at the bottom and right. */
static bool fits(const struct block *in, const struct block *out, const size_t kernel[2], const size_t stride[2],
                 const size_t dilation[2])
{
    const size_t has[2] = {in->height, in->width}, makes[2] = {out->height, out->width};
    for (int axis = 0; axis < 2; axis++) {
        if (kernel[axis] - 1 >= MAX_CHANNELS || stride[axis] - 1 >= MAX_CHANNELS || dilation[axis] - 1 >= MAX_CHANNELS)
            return false;
        if ((makes[axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 > has[axis])
            return false;
    }
    return true;
}

/* ---- depthwise ---- */

/* Input rows of one share as they are gathered: pixels in `stride[1]` phases, one after the other, so that the
 * samples that a tap meets lie side by side. */
struct gathered {
    const struct depthwise *layer;
    const struct share *share;
    size_t slots, phase, pitch; /* rows kept; floats of a phase, of a row */
    float *ring;
    size_t *held; /* input row of each slot, plus 1 */
    float *across; /* terms x pitch: rows filtered down */
    float *line;   /* one row of results */
    const float **rows;
    const float *zeros;
    void *memory;
};

static size_t rounded_up(size_t count, size_t step)
{
    return (count + step - 1) / step * step;
}

static bool take_room(struct gathered *from)
{
    const struct depthwise *layer = from->layer;
    const struct share *share = from->share;
    size_t most = layer->kernel[0] > layer->kernel[1] ? layer->kernel[0] : layer->kernel[1];
    size_t taps = share->terms ? most * share->terms : layer->kernel[0] * layer->kernel[1];
    size_t pixels = (layer->in.width + layer->stride[1] - 1) / layer->stride[1];
    size_t line = rounded_up(layer->out.width * share->channels, share->period);

    from->slots = (layer->kernel[0] - 1) * layer->dilation[0] + 1;
    /* Blocks at the end of a row reach up to a period further than its last output, at any tap. */
    from->phase = rounded_up(pixels * share->channels, share->period) + share->period;
    from->pitch = from->phase * layer->stride[1];
    size_t floats = (from->slots + share->terms) * from->pitch + 2 * share->period + line;
    size_t bytes = floats * sizeof(float) + from->slots * sizeof(size_t) + taps * sizeof(float *);
    if (from->pitch > SIZE_MAX / 64 / (from->slots + share->terms))
        return false;
    char *room = from->memory = calloc(bytes, 1);
    if (!room)
        return false;
    from->rows = (const float **)room;
    from->held = (size_t *)(from->rows + taps);
    from->ring = (float *)(from->held + from->slots);
    from->across = from->ring + from->slots * from->pitch;
    /* Rows are read up to a period past the last phase: what follows is there, whatever it holds. */
    from->line = from->across + share->terms * from->pitch + share->period;
    from->zeros = from->line + line;
    return true;
}

static bool is_every_channel(const int32_t *channels, size_t count, size_t all)
{
    for (size_t c = 0; c < count; c++)
        if (channels[c] != (int32_t)c)
            return false;
    return count == all;
}

/* A row of the input, in its slot; gathered when it is first asked for. */
static const float *gathered_row(const struct gathered *from, size_t y)
{
    const struct depthwise *layer = from->layer;
    const struct share *share = from->share;
    float *row = from->ring + y % from->slots * from->pitch;
    if (from->held[y % from->slots] == y + 1)
        return row;
    from->held[y % from->slots] = y + 1;
    const float *pixel = layer->in.data + y * layer->in.width * layer->in.channels;
    if (layer->stride[1] == 1 && is_every_channel(share->take, share->channels, layer->in.channels)) {
        memcpy(row, pixel, layer->in.width * layer->in.channels * sizeof(float));
        return row;
    }
    for (size_t x = 0; x < layer->in.width; x++, pixel += layer->in.channels) {
        float *to = row + x % layer->stride[1] * from->phase + x / layer->stride[1] * share->channels;
        for (size_t c = 0; c < share->channels; c++)
            to[c] = share->take[c] < 0 ? 0.0f : pixel[share->take[c]];
    }
    return row;
}

/* Where the samples lie that a tap along meets. */
static size_t place_of(const struct gathered *from, size_t tap)
{
    size_t x = tap * from->layer->dilation[1], step = from->layer->stride[1];
    return x % step * from->phase + x / step * from->share->channels;
}

static void weigh_row(const struct gathered *from, size_t y)
{
    const struct depthwise *layer = from->layer;
    const struct share *share = from->share;
    weigh_loop *weigh = current_loops()->weigh;
    size_t line = layer->out.width * share->channels, taps = 0;
    if (!share->terms) {
        for (size_t i = 0; i < layer->kernel[0]; i++) {
            const float *row = gathered_row(from, y * layer->stride[0] + i * layer->dilation[0]);
            for (size_t j = 0; j < layer->kernel[1]; j++)
                from->rows[taps++] = row + place_of(from, j);
        }
        weigh(line, taps, from->rows, share->taps, share->period, share->start, from->line);
        return;
    }
    for (size_t i = 0; i < layer->kernel[0]; i++)
        from->rows[i] = gathered_row(from, y * layer->stride[0] + i * layer->dilation[0]);
    for (size_t term = 0; term < share->terms; term++)
        weigh(from->pitch, layer->kernel[0], from->rows, share->columns + term * layer->kernel[0] * share->period,
              share->period, from->zeros, from->across + term * from->pitch);
    for (size_t term = 0; term < share->terms; term++)
        for (size_t j = 0; j < layer->kernel[1]; j++)
            from->rows[taps++] = from->across + term * from->pitch + place_of(from, j);
    weigh(line, taps, from->rows, share->rows, share->period, share->start, from->line);
}

static void scatter(const struct gathered *from, float *pixel)
{
    const struct block *out = &from->layer->out;
    const struct share *share = from->share;
    const float *line = from->line;
    if (is_every_channel(share->put, share->channels, out->channels)) {
        memcpy(pixel, line, out->width * out->channels * sizeof(float));
        return;
    }
    for (size_t x = 0; x < out->width; x++, pixel += out->channels, line += share->channels)
        for (size_t c = 0; c < share->channels; c++)
            if (share->put[c] >= 0)
                pixel[share->put[c]] = line[c];
}

static bool is_share(const struct share *share, const struct depthwise *layer)
{
    if (share->channels - 1 >= 2 * MAX_CHANNELS || share->terms > MAX_CHANNELS)
        return false;
    if (share->period == 0 || share->period % LAYER_BLOCK || share->period % share->channels)
        return false;
    for (size_t c = 0; c < share->channels; c++)
        if (share->take[c] >= (int32_t)layer->in.channels || share->put[c] >= (int32_t)layer->out.channels)
            return false;
    return true;
}

enum layer_status run_depthwise(const struct depthwise *layer)
{
    enum layer_status status = LAYER_DONE;
    if (!is_block(&layer->in) || !is_block(&layer->out))
        return BAD_BLOCK;
    if (!fits(&layer->in, &layer->out, layer->kernel, layer->stride, layer->dilation))
        return BAD_KERNEL;
    if (!is_activated(&layer->activated, layer->out.channels))
        return BAD_ACTIVATION;
    for (size_t s = 0; s < layer->shares; s++)
        if (!is_share(&layer->share[s], layer))
            return BAD_SHARE;
    struct gathered *from = calloc(layer->shares, sizeof *from);
    if (!from)
        return LAYER_NO_MEMORY;
    for (size_t s = 0; s < layer->shares && status == LAYER_DONE; s++) {
        from[s].layer = layer;
        from[s].share = &layer->share[s];
        if (!take_room(&from[s]))
            status = LAYER_NO_MEMORY;
    }
    for (size_t y = 0; y < layer->out.height && status == LAYER_DONE; y++) {
        float *row = layer->out.data + y * layer->out.width * layer->out.channels;
        for (size_t s = 0; s < layer->shares; s++) {
            weigh_row(&from[s], y);
            scatter(&from[s], row);
        }
        activate(row, layer->out.width, layer->out.channels, &layer->activated);
    }
    for (size_t s = 0; s < layer->shares; s++)
        free(from[s].memory);
    free(from);
    return status;
}

/* ---- mixing ---- */

size_t mixing_blocks(const struct mixing *layer)
{
    return (layer->out.channels / layer->groups + LAYER_BLOCK - 1) / LAYER_BLOCK;
}

static void mix_tile(const struct mixing *layer, struct mix_step *step, const float *in, size_t pixels, float *out)
{
    size_t inputs = layer->in.channels / layer->groups, outputs = layer->out.channels / layer->groups;
    size_t blocks = mixing_blocks(layer);
    for (size_t group = 0; group < layer->groups; group++)
        for (size_t block = 0; block < blocks; block++) {
            size_t place = group * blocks + block, left = outputs - block * LAYER_BLOCK;
            step->weights = layer->weights + place * step->taps * LAYER_BLOCK;
            step->start = layer->start + place * LAYER_BLOCK;
            step->outputs = left < LAYER_BLOCK ? left : LAYER_BLOCK;
            current_loops()->mix(pixels, step, in + group * inputs, out + group * outputs + block * LAYER_BLOCK);
        }
    activate(out, pixels, layer->out.channels, &layer->activated);
}

/* Where the samples of each tap lie from the first one. */
static void place_taps(const struct mixing *layer, size_t *offsets)
{
    size_t inputs = layer->in.channels / layer->groups, taps = 0;
    for (size_t i = 0; i < layer->kernel[0]; i++)
        for (size_t j = 0; j < layer->kernel[1]; j++)
            for (size_t c = 0; c < inputs; c++)
                offsets[taps++] = (i * layer->dilation[0] * layer->in.width + j * layer->dilation[1])
                    * layer->in.channels + c;
}

enum layer_status run_mixing(const struct mixing *asked)
{
    struct mixing flat = *asked, *layer = &flat;
    if (!is_block(&layer->in) || !is_block(&layer->out))
        return BAD_BLOCK;
    if (!fits(&layer->in, &layer->out, layer->kernel, layer->stride, layer->dilation))
        return BAD_KERNEL;
    if (layer->groups - 1 >= MAX_CHANNELS || layer->in.channels % layer->groups || layer->out.channels % layer->groups)
        return BAD_WEIGHTS;
    if (!is_activated(&layer->activated, layer->out.channels))
        return BAD_ACTIVATION;
    size_t taps = layer->kernel[0] * layer->kernel[1] * (layer->in.channels / layer->groups);
    size_t *offsets = malloc(taps * sizeof *offsets);
    if (!offsets)
        return LAYER_NO_MEMORY;
    place_taps(layer, offsets);
    bool steps = layer->stride[0] != 1 || layer->stride[1] != 1;
    if (layer->kernel[0] * layer->kernel[1] == 1 && !steps && layer->in.width == layer->out.width) {
        layer->in.width = layer->out.width *= layer->out.height; /* rows follow one another */
        layer->in.height = layer->out.height = 1;
    }
    struct mix_step step = {.taps = taps, .offsets = offsets, .in_step = layer->stride[1] * layer->in.channels,
                            .out_step = layer->out.channels};
    size_t tile = TILE_FLOATS / layer->out.channels / TILE_PIXELS * TILE_PIXELS;
    tile = tile ? tile : TILE_PIXELS;
    for (size_t y = 0; y < layer->out.height; y++)
        for (size_t x = 0; x < layer->out.width; x += tile) {
            size_t left = layer->out.width - x, met = y * layer->stride[0] * layer->in.width + x * layer->stride[1];
            mix_tile(layer, &step, layer->in.data + met * layer->in.channels, left < tile ? left : tile,
                     layer->out.data + (y * layer->out.width + x) * layer->out.channels);
        }
    free(offsets);
    return LAYER_DONE;
}
