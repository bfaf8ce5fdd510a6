/* The one routine: fetch rows, filter along them, keep the results in a ring, filter across the ring, map,
 * store. A direct pass keeps the fetched rows themselves. What differs between kernels is data: the steps. */
#include "filter.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

enum {
    ALIGNMENT = 64,
    PAGE = 4096,
    CHUNK_BYTES = 4096,          /* of sums at a time: those of all outputs stay in the first cache */
    ALONG_ELEMENTS = 2048,       /* at a time, for the same reason */
    SHORT_KERNEL = 9,            /* rows of taps up to which two output rows share loads, not four */
    MIN_TILE = 4096,             /* elements */
    RING_BYTES = 1 << 20,        /* larger rings are cut into tiles of columns */
    STREAMED_BYTES = 4 << 20     /* larger outputs go past the caches */
};

static const double lowest[SAMPLE_TYPES] = {0, INT8_MIN, 0, INT16_MIN, 0, INT32_MIN, 0, 0};
static const double highest[SAMPLE_TYPES] = {UINT8_MAX,  INT8_MAX,  UINT16_MAX, INT16_MAX,
                                             UINT32_MAX, INT32_MAX, 0,          0};

/* One row of the sum: of which ring, which of its rows counted from the group's first, from where on. */
struct step {
    const char *ring;
    size_t pitch;
    ptrdiff_t row, shift;
};

struct sums {
    struct sweep sweep;
    struct step *steps;
};

struct work {
    const struct task *task;
    const struct loops *loops;
    struct finish finish;
    struct rows rows;
    int outputs;
    bool pairs, closes, streams, some_direct;
    ptrdiff_t terms; /* separable ones of all passes together: one after the other */
    size_t element, channels;
    ptrdiff_t slots;       /* rows of a ring, or pairs of rows */
    size_t pitch;          /* bytes of one, filtered */
    size_t fetched_pitch;  /* and as fetched, with context */
    ptrdiff_t tile;        /* columns at a time */
    char *fetched[2]; /* rows of samples as they are, or of elements */
    bool as_samples;
    char *widened;    /* elements of some of them */
    int32_t *neighbours[2];
    char *fetched_ring; /* where some pass is direct */
    char *rings;        /* of the terms */
    struct sums *along; /* for each group of terms that share loads */
    int32_t *pair_factors; /* IN_I32 instead: terms x pairs of taps */
    int *shifts;
    struct sums across[MAX_PASSES];
    char *sums[MAX_PASSES][MAX_OUTPUTS], *values, *line;
    char *memory;
};

/* Room is counted first, then handed out: one allocation a call. */
struct room {
    char *base;
    size_t used;
};

/* A product that stays at the largest size rather than overflow, so that it is refused. */
static size_t times(size_t count, size_t bytes)
{
    return bytes && count > SIZE_MAX / 4 / bytes ? SIZE_MAX / 4 : count * bytes;
}

static void *take(struct room *room, size_t count, size_t bytes)
{
    char *place = room->base ? room->base + room->used : NULL;
    size_t wanted = times(count, bytes);
    if (room->used < SIZE_MAX / 4)
        room->used += (wanted + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return place;
}

static bool is_direct(const struct pass *pass)
{
    return pass->terms == 0;
}

static int group_size(ptrdiff_t terms)
{
    return terms >= 4 ? 4 : terms >= 2 ? 2 : 1;
}

static int table_index(int outputs)
{
    return outputs >> 1; /* 1, 2, 4 -> 0, 1, 2 */
}

static void put_factor(const struct work *work, void *factors, size_t at, double value)
{
    switch (work->task->accumulator) {
    case IN_I16: ((int16_t *)factors)[at] = (int16_t)value; break;
    case IN_F32: ((float *)factors)[at] = (float)value; break;
    default: ((double *)factors)[at] = value; break;
    }
}

static int32_t as_pair(double first, double second)
{
    return (int32_t)((uint32_t)(uint16_t)(int16_t)first | (uint32_t)(uint16_t)(int16_t)second << 16);
}

/* ---- memory ---- */

static void room_for_sums(const struct work *work, struct room *room, struct sums *sums, size_t taps, int outputs)
{
    sums->sweep = (struct sweep){.taps = 0};
    sums->steps = take(room, taps, sizeof(struct step));
    sums->sweep.rows = take(room, taps, sizeof(void *));
    sums->sweep.factors = take(room, times(taps, (size_t)outputs), work->element);
    sums->sweep.runs = take(room, taps, sizeof(struct run));
}

static void lay_out(struct work *work, struct room *room)
{
    const struct task *task = work->task;
    size_t kernel_rows = (size_t)task->pass[0].height, kernel_columns = (size_t)task->pass[0].width;
    size_t columns = (size_t)work->tile + kernel_columns, elements = columns * work->channels + PADDING;
    size_t terms = (size_t)work->terms, chunk = CHUNK_BYTES / work->element + PADDING;
    size_t step_rows = work->pairs ? (size_t)work->slots : kernel_rows + (size_t)work->outputs - 1;
    size_t along = ALONG_ELEMENTS + (kernel_columns + 1) * work->channels + PADDING;

    for (int i = 0; i < task->passes; i++) {
        const struct pass *pass = &task->pass[i];
        size_t each = is_direct(pass) ? kernel_columns : (size_t)pass->terms;
        room_for_sums(work, room, &work->across[i], times(step_rows, each), work->outputs);
        for (int m = 0; m < work->outputs; m++)
            work->sums[i][m] = take(room, chunk, work->element);
    }
    work->rings = take(room, times(terms, (size_t)work->slots), work->pitch);
    work->fetched_ring = work->some_direct ? take(room, (size_t)work->slots, work->fetched_pitch) : NULL;
    work->along = take(room, work->pairs ? 0 : terms, sizeof(struct sums));
    for (size_t term = 0, group = 0; term < terms && !work->pairs; group++) {
        struct sums nowhere, *along = work->along ? &work->along[group] : &nowhere;
        int outputs = group_size((ptrdiff_t)(terms - term));
        room_for_sums(work, room, along, kernel_columns, outputs);
        term += (size_t)outputs;
    }
    work->pair_factors = take(room, work->pairs ? times(terms, (kernel_columns + 1) / 2) : 0, sizeof(int32_t));
    work->shifts = take(room, terms, sizeof(int));
    for (int i = 0; i < 2; i++) {
        work->fetched[i] = take(room, elements + work->channels, sizeof(double));
        work->neighbours[i] = take(room, work->pairs ? along : 0, sizeof(int32_t));
    }
    work->widened = take(room, along, work->element);
    work->values = take(room, chunk, sizeof(double));
    work->line = take(room, chunk, sizeof(double));
    work->rows.stand_in = take(room, columns, sizeof(ptrdiff_t));
    work->rows.packed = take(room, columns * work->channels, sample_bytes(task->in.type));
    work->rows.constant = take(room, work->channels, sizeof(double));
}

/* ---- steps ---- */

static char *ring_of(const struct work *work, ptrdiff_t term)
{
    return work->rings + (size_t)term * (size_t)work->slots * work->pitch;
}

static double tap_at(const double *taps, ptrdiff_t count, ptrdiff_t stride, ptrdiff_t i)
{
    return i >= 0 && i < count ? taps[i * stride] : 0.0;
}

/* What is added to while steps are: the runs so far, and the products of each output's partial sum. */
struct progress {
    struct sums *sums;
    int outputs;
    size_t runs;
    uint8_t open[MAX_OUTPUTS];
};

/* Join the step before it if the same outputs take it, and none was complete there. */
static void add_to_runs(struct progress *progress, uint8_t takes, uint8_t closes)
{
    struct sweep *sweep = &progress->sums->sweep;
    struct run *last = progress->runs ? &sweep->runs[progress->runs - 1] : NULL;
    if (!last || last->takes != takes || last->closes)
        last = &sweep->runs[progress->runs++];
    *last = (struct run){sweep->taps, takes, closes};
    sweep->closes |= closes != 0;
}

/* Add a step that brings taps[m], or with pairs taps[2 * m] and taps[2 * m + 1], to each output m, unless all
 * are 0. */
static void add_step(const struct work *work, struct progress *progress, struct step step, const double *taps)
{
    struct sums *sums = progress->sums;
    size_t at = sums->sweep.taps * (size_t)progress->outputs;
    uint8_t takes = 0, closes = 0;
    for (int m = 0; m < progress->outputs; m++) {
        bool none = work->pairs ? taps[2 * m] == 0 && taps[2 * m + 1] == 0 : taps[m] == 0;
        if (work->pairs)
            ((int32_t *)sums->sweep.factors)[at + (size_t)m] = as_pair(taps[2 * m], taps[2 * m + 1]);
        else
            put_factor(work, sums->sweep.factors, at + (size_t)m, taps[m]);
        if (none)
            continue;
        takes |= (uint8_t)(1 << m);
        if (work->closes && ++progress->open[m] == PARTIAL_SUM) {
            closes |= (uint8_t)(1 << m);
            progress->open[m] = 0;
        }
    }
    if (!takes)
        return;
    if (work->task->accumulator == IN_I16) /* times 0 costs less than a branch */
        takes = (uint8_t)((1 << progress->outputs) - 1);
    sums->steps[sums->sweep.taps++] = step;
    add_to_runs(progress, takes, closes);
}

/* Row step.row of a ring, counted from the group's first, meets tap step.row - m of output m. */
static void add_ring_row(const struct work *work, struct progress *progress, struct step step,
                         const double *taps, ptrdiff_t stride)
{
    ptrdiff_t height = work->task->pass[0].height;
    double wanted[2 * MAX_OUTPUTS];
    for (int m = 0; m < work->outputs; m++)
        if (work->pairs) {
            wanted[2 * m] = tap_at(taps, height, stride, 2 * step.row - m);
            wanted[2 * m + 1] = tap_at(taps, height, stride, 2 * step.row + 1 - m);
        } else {
            wanted[m] = tap_at(taps, height, stride, step.row - m);
        }
    add_step(work, progress, step, wanted);
}

static void plan_across(struct work *work, int i, ptrdiff_t first_term)
{
    const struct pass *pass = &work->task->pass[i];
    ptrdiff_t pixel = (ptrdiff_t)(work->channels * work->element);
    ptrdiff_t rows = work->pairs ? work->slots : pass->height + work->outputs - 1;
    struct progress progress = {.sums = &work->across[i], .outputs = work->outputs};
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t term = 0; term < pass->terms; term++)
            add_ring_row(work, &progress,
                         (struct step){ring_of(work, first_term + term), work->pitch, row, 0},
                         pass->columns + term * pass->height, 1);
        for (ptrdiff_t x = 0; is_direct(pass) && x < pass->width; x++)
            add_ring_row(work, &progress,
                         (struct step){work->fetched_ring, work->fetched_pitch, row, x * pixel},
                         pass->taps + x, pass->width);
    }
}

/* The row taps of a term, counted over all passes. */
static const double *row_of(const struct work *work, ptrdiff_t term)
{
    const struct pass *pass = &work->task->pass[0];
    if (term >= pass->terms)
        return pass[1].rows + (term - pass->terms) * pass->width;
    return pass->rows + term * pass->width;
}

static void plan_along(struct work *work)
{
    ptrdiff_t pixel = (ptrdiff_t)(work->channels * work->element), width = work->task->pass[0].width;
    for (ptrdiff_t term = 0, group = 0; term < work->terms; group++) {
        int outputs = group_size(work->terms - term);
        struct progress progress = {.sums = &work->along[group], .outputs = outputs};
        for (ptrdiff_t x = 0; x < width; x++) {
            double taps[2 * MAX_OUTPUTS];
            for (int m = 0; m < outputs; m++)
                taps[m] = row_of(work, term + m)[x];
            add_step(work, &progress, (struct step){NULL, 0, 0, x * pixel}, taps);
        }
        term += outputs;
    }
}

static void plan_pairs_along(struct work *work)
{
    ptrdiff_t width = work->task->pass[0].width, pairs = (width + 1) / 2;
    for (ptrdiff_t term = 0; term < work->terms; term++) {
        const double *taps = row_of(work, term), *shifts = work->task->pass[0].shifts;
        for (ptrdiff_t t = 0; t < pairs; t++)
            work->pair_factors[term * pairs + t] = as_pair(taps[2 * t], tap_at(taps, width, 1, 2 * t + 1));
        work->shifts[term] = shifts ? (int)shifts[term] : 0;
    }
}

static void plan_finish(struct work *work)
{
    const struct map *map = &work->task->map;
    struct finish *finish = &work->finish;
    double denominator = work->task->pass[0].denominator;
    int exponent;
    finish->divides = denominator != 1 && frexp(denominator, &exponent) != 0.5;
    /* Dividing by a power of two is exact as a factor. */
    finish->wide_divisor = finish->divides ? denominator : 1;
    finish->wide_scale = finish->divides ? map->scale : map->scale / denominator;
    finish->wide_offset = map->offset;
    finish->divisor = (float)finish->wide_divisor;
    finish->scale = (float)finish->wide_scale;
    finish->offset = (float)finish->wide_offset;
    finish->maps = finish->wide_scale != 1 || finish->wide_offset != 0;
    finish->absolute = map->absolute;
    finish->count = map->count;
    finish->type = work->task->out.type;
    bool usual = finish->type == U8 || finish->type == U16 || finish->type == F32;
    bool plain = work->task->accumulator == IN_I16 && work->task->passes == 1 && finish->type == I16 && !finish->maps;
    finish->quick = (usual || plain) && !finish->divides && !finish->absolute && !finish->count;
    double largest = work->task->accumulator == IN_I16 ? 32768.0 : 2147483648.0;
    finish->small = work->task->passes == 1 && (work->pairs || work->task->accumulator == IN_I16)
        && largest * fabs(finish->wide_scale) + fabs(finish->wide_offset) < 1073741824.0;
    finish->low = lowest[finish->type];
    finish->high = highest[finish->type];
}

/* ---- rows into the rings ---- */

/* Filter elements that lie at `elements`, with their context, into place `at` of a slot of the rings. */
static void filter_along(const struct work *work, ptrdiff_t slot, size_t at, size_t count, const char *elements)
{
    for (ptrdiff_t term = 0, group = 0; term < work->terms; group++) {
        struct sums *along = &work->along[group];
        int outputs = group_size(work->terms - term);
        void *targets[MAX_OUTPUTS];
        for (int m = 0; m < outputs; m++)
            targets[m] = ring_of(work, term + m) + (size_t)slot * work->pitch + at * work->element;
        for (size_t t = 0; t < along->sweep.taps; t++)
            along->sweep.rows[t] = elements + along->steps[t].shift;
        work->loops->sweep[work->task->accumulator][table_index(outputs)](0, count, &along->sweep, targets);
        term += outputs;
    }
}

static void filter_pairs_along(const struct work *work, ptrdiff_t slot, size_t at, size_t count)
{
    size_t pairs = ((size_t)work->task->pass[0].width + 1) / 2;
    for (ptrdiff_t term = 0; term < work->terms;) {
        int some = work->terms - term >= 2 ? 2 : 1;
        const int32_t *factors[2];
        int32_t *targets[2];
        for (int m = 0; m < some; m++) {
            factors[m] = work->pair_factors + (size_t)(term + m) * pairs;
            targets[m] = (int32_t *)(ring_of(work, term + m) + (size_t)slot * work->pitch) + at;
        }
        work->loops->along_pairs[some - 1](count, pairs, work->neighbours[0], work->neighbours[1],
                                           2 * work->channels, factors, work->shifts + term, targets);
        term += some;
    }
}

/* Rows 2 * row and 2 * row + 1 of the tile's input, as pairs, into their slot. */
static void bring_in_pair(const struct work *work, ptrdiff_t row, ptrdiff_t top, size_t count, size_t context)
{
    ptrdiff_t slot = row % work->slots;
    const char *upper = work->fetched[0], *lower = work->fetched[1];
    size_t pixel = work->rows.pixel_bytes, bytes = pixel / work->channels;
    pair_loop *pair = work->loops->pair[work->as_samples ? work->task->in.type : I16];
    fetch_row(&work->rows, top + 2 * row, work->fetched[0]);
    fetch_row(&work->rows, top + 2 * row + 1, work->fetched[1]);
    if (work->some_direct)
        pair(count + context, upper, lower,
             (int32_t *)(work->fetched_ring + (size_t)slot * work->fetched_pitch));
    for (size_t at = 0; at < count && work->terms; at += ALONG_ELEMENTS, upper += ALONG_ELEMENTS * bytes,
                lower += ALONG_ELEMENTS * bytes) {
        size_t some = count - at < ALONG_ELEMENTS ? count - at : ALONG_ELEMENTS;
        pair(some + context, upper, upper + pixel, work->neighbours[0]);
        pair(some + context, lower, lower + pixel, work->neighbours[1]);
        filter_pairs_along(work, slot, at, some);
    }
}

/* Row `row` of the tile's input, filtered along, into its slot. */
static void bring_in_row(const struct work *work, ptrdiff_t row, ptrdiff_t top, size_t count, size_t context)
{
    ptrdiff_t slot = row % work->slots;
    widen_loop *widen = work->loops->widen[work->task->accumulator][work->task->in.type];
    char *fetched = work->some_direct ? work->fetched_ring + (size_t)slot * work->fetched_pitch : work->fetched[0];
    fetch_row(&work->rows, top + row, fetched);
    for (size_t at = 0; at < count && work->terms; at += ALONG_ELEMENTS) {
        size_t some = count - at < ALONG_ELEMENTS ? count - at : ALONG_ELEMENTS;
        const char *elements = fetched + at * work->element;
        if (work->as_samples) {
            widen(some + context, fetched + at * sample_bytes(work->task->in.type), work->widened);
            elements = work->widened;
        }
        filter_along(work, slot, at, some, elements);
    }
}

/* ---- from the rings to the output ---- */

static void store(const struct work *work, ptrdiff_t y, size_t first, size_t count)
{
    const struct view *view = &work->task->out;
    size_t bytes = sample_bytes(view->type), channels = work->channels;
    char *row = (char *)view->data + y * view->strides[0] * (ptrdiff_t)bytes;
    if (view->strides[2] == 1 && (view->strides[1] == view->channels || view->width == 1)) {
        char *target = row + first * bytes;
        if (work->streams)
            work->loops->stream(count * bytes, work->line, target);
        else
            memcpy(target, work->line, count * bytes);
        return;
    }
    const char *from = work->line;
    for (size_t i = first; i < first + count; i++, from += bytes) {
        ptrdiff_t x = (ptrdiff_t)(i / channels), c = (ptrdiff_t)(i % channels);
        memcpy(row + (x * view->strides[1] + c * view->strides[2]) * (ptrdiff_t)bytes, from, bytes);
    }
}

/* Output m of the chunk at hand, from sums to samples. */
static void finish(const struct work *work, int m, size_t count, struct losses *losses)
{
    const struct task *task = work->task;
    enum accumulator sums = task->accumulator, values = task->wide ? IN_F64 : sums;
    void *from = work->sums[0][m];
    if (task->passes == 2) {
        work->loops->magnitude[sums](count, work->sums[0][m], work->sums[1][m], task->wide, work->values);
        from = work->values;
        values = task->wide || sums == IN_F64 ? IN_F64 : IN_F32;
    } else if (task->wide) {
        work->loops->to_double[sums](count, from, (double *)work->values);
        from = work->values;
    }
    work->loops->finish[values](count, from, &work->finish, work->line, losses);
}

/* Produce `rows` output rows, at most as many as share loads, of the tile that begins at element `first`. */
static void produce(struct work *work, ptrdiff_t y, int rows, size_t first, size_t count, struct losses *losses)
{
    const struct task *task = work->task;
    size_t chunk = CHUNK_BYTES / work->element;
    ptrdiff_t start = work->pairs ? y / 2 : y;
    for (int i = 0; i < task->passes; i++) {
        struct sums *across = &work->across[i];
        for (size_t t = 0; t < across->sweep.taps; t++) {
            const struct step *step = &across->steps[t];
            ptrdiff_t slot = (start + step->row) % work->slots;
            across->sweep.rows[t] = step->ring + slot * (ptrdiff_t)step->pitch + step->shift;
        }
    }
    for (size_t at = 0; at < count; at += chunk) {
        size_t some = count - at < chunk ? count - at : chunk;
        for (int i = 0; i < task->passes; i++)
            work->loops->sweep[task->accumulator][table_index(work->outputs)](
                at, some, &work->across[i].sweep, (void *const *)work->sums[i]);
        for (int m = 0; m < rows; m++) {
            finish(work, m, some, losses);
            store(work, y + m, first + at, some);
        }
    }
}

static void run_tile(struct work *work, ptrdiff_t first, ptrdiff_t columns, struct losses *losses)
{
    const struct task *task = work->task;
    ptrdiff_t height = task->out.height, in_rows = height + task->pass[0].height - 1, ready = 0;
    ptrdiff_t left = task->context[2] - task->anchor[1] + first, top = task->context[0] - task->anchor[0];
    size_t count = (size_t)columns * work->channels;
    size_t context = (size_t)(task->pass[0].width - 1) * work->channels;
    /* With pairs the last tap may lack its neighbour: one column more, times 0. */
    choose_columns(&work->rows, left, left + columns + task->pass[0].width - 1 + work->pairs);
    for (ptrdiff_t y = 0; y < height; y += work->outputs) {
        ptrdiff_t needed = y + work->outputs + task->pass[0].height - 1;
        if (needed > in_rows)
            needed = in_rows;
        if (work->pairs)
            needed = (needed + 1) / 2;
        for (; ready < needed; ready++)
            if (work->pairs)
                bring_in_pair(work, ready, top, count, context);
            else
                bring_in_row(work, ready, top, count, context);
        int rows = height - y < work->outputs ? (int)(height - y) : work->outputs;
        produce(work, y, rows, (size_t)first * work->channels, count, losses);
    }
}

/* ---- sizes ---- */

/* Bytes of a ring's row: a little past a multiple of a page, so that rows do not share cache lines. */
static size_t row_pitch(const struct work *work, size_t columns)
{
    size_t row = (columns * work->channels + PADDING) * work->element;
    return (row + PAGE - PAGE / 16 - 1) / PAGE * PAGE + PAGE / 16;
}

static void choose_sizes(struct work *work)
{
    const struct task *task = work->task;
    ptrdiff_t height = task->pass[0].height, width = task->pass[0].width;
    for (int i = 0; i < task->passes; i++) {
        work->some_direct |= is_direct(&task->pass[i]);
        work->terms += task->pass[i].terms;
    }
    ptrdiff_t planes = work->terms + work->some_direct;
    work->pairs = task->accumulator == IN_I32;
    work->closes = task->accumulator == IN_F32 && (task->in.type == U16 || task->in.type == I16);
    work->element = element_bytes(task->accumulator);
    work->channels = (size_t)task->in.channels;
    work->outputs = height <= SHORT_KERNEL ? 2 : MAX_OUTPUTS;
    while (work->outputs > 1 && task->out.height < work->outputs && !(work->pairs && work->outputs == 2))
        work->outputs /= 2;
    work->slots = work->pairs ? (height + work->outputs) / 2 : height + work->outputs - 1;

    size_t per_column = (size_t)(planes * work->slots) * work->channels * work->element;
    ptrdiff_t fitting = (ptrdiff_t)(RING_BYTES / per_column), least = MIN_TILE / task->in.channels + 1;
    work->tile = fitting > least ? fitting : least;
    if (work->tile > task->out.width)
        work->tile = task->out.width;
    work->pitch = row_pitch(work, (size_t)work->tile);
    work->fetched_pitch = row_pitch(work, (size_t)(work->tile + width));
    work->streams = (size_t)task->out.height * (size_t)task->out.width * work->channels
        > STREAMED_BYTES / sample_bytes(task->out.type);
}

/* Whether a sample can be the border's constant. */
static bool holds(enum sample_type type, double constant)
{
    return type == F64 || (type == F32 && (double)(float)constant == constant)
        || (type < F32 && constant == floor(constant) && constant >= lowest[type] && constant <= highest[type]);
}

/* One sample of the border's constant. */
static void put_sample(enum sample_type type, double constant, void *to)
{
    switch (type) {
    case U8: *(uint8_t *)to = (uint8_t)constant; break;
    case I8: *(int8_t *)to = (int8_t)constant; break;
    case U16: *(uint16_t *)to = (uint16_t)constant; break;
    case I16: *(int16_t *)to = (int16_t)constant; break;
    case U32: *(uint32_t *)to = (uint32_t)constant; break;
    case I32: *(int32_t *)to = (int32_t)constant; break;
    case F32: *(float *)to = (float)constant; break;
    default: *(double *)to = constant; break;
    }
}

/* Rows are fetched as samples, and made elements a part at a time, unless the border's constant is no sample or
 * a direct pass keeps them. */
static void prepare_rows(struct work *work)
{
    const struct task *task = work->task;
    size_t bytes = work->pairs ? sizeof(int16_t) : work->element;
    work->as_samples = (work->pairs || !work->some_direct)
        && (task->border != CONSTANT || holds(task->in.type, task->constant));
    work->rows.widen = work->as_samples ? NULL : work->loops->widen[task->accumulator][task->in.type];
    if (work->as_samples)
        bytes = sample_bytes(task->in.type);
    work->rows.pixel_bytes = work->channels * bytes;
    for (size_t c = 0; c < work->channels && task->border == CONSTANT; c++)
        if (work->as_samples)
            put_sample(task->in.type, task->constant, work->rows.constant + c * bytes);
        else if (work->pairs)
            put_sample(I16, task->constant, work->rows.constant + c * bytes);
        else
            put_factor(work, work->rows.constant, c, task->constant);
}

static void prepare(struct work *work)
{
    const struct task *task = work->task;
    prepare_rows(work);
    plan_finish(work);
    ptrdiff_t first_term = 0;
    for (int i = 0; i < task->passes; i++) {
        plan_across(work, i, first_term);
        first_term += task->pass[i].terms;
    }
    if (work->pairs)
        plan_pairs_along(work);
    else
        plan_along(work);
}

enum status filter(const struct task *task, struct losses *losses)
{
    enum status status = check_task(task);
    if (status != DONE)
        return status;
    struct work work = {.task = task, .loops = current_loops()};
    struct room room = {NULL, 0};
    work.rows.task = task;
    choose_sizes(&work);
    lay_out(&work, &room);
    work.memory = room.used < SIZE_MAX / 4 ? malloc(room.used + ALIGNMENT) : NULL;
    if (!work.memory)
        return NO_MEMORY;
    room.base = work.memory + (ALIGNMENT - (uintptr_t)work.memory % ALIGNMENT);
    room.used = 0;
    lay_out(&work, &room);
    prepare(&work);
    *losses = (struct losses){0, 0, 0};
    for (ptrdiff_t first = 0; first < task->out.width; first += work.tile) {
        ptrdiff_t columns = task->out.width - first < work.tile ? task->out.width - first : work.tile;
        run_tile(&work, first, columns, losses);
    }
    free(work.memory);
    return DONE;
}
