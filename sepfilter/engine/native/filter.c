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
    SMALL_KERNEL = 25,           /* direct taps up to which two output rows share loads, not four */
    MIN_TILE = 4096,             /* elements */
    RING_BYTES = 1 << 20,        /* larger rings are cut into tiles of columns */
    STREAMED_BYTES = 4 << 20     /* larger outputs go past the caches */
};

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

/* What a pass keeps: a ring for each term, how rows get into it, and how sums are made of it. */
struct lane {
    const struct pass *pass;
    char *ring; /* terms rings, or for a direct pass the fetched rows */
    struct sums *along; /* separable: for each group of terms that share loads */
    int32_t *pair_factors; /* separable, IN_I32: terms x pairs of taps */
    struct sums across;
};

struct work {
    const struct task *task;
    const struct loops *loops;
    struct finish finish;
    struct rows rows;
    struct lane lanes[MAX_PASSES];
    int outputs;
    bool pairs, closes, streams;
    size_t element, channels;
    ptrdiff_t slots;       /* rows of a ring, or pairs of rows */
    size_t pitch;          /* bytes of one, filtered */
    size_t fetched_pitch;  /* and as fetched, with context */
    ptrdiff_t tile;        /* columns at a time */
    char *fetched[2];
    int32_t *neighbours[2];
    char *fetched_ring; /* where some pass is direct */
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
    size_t ring = times((size_t)work->slots, work->pitch);
    size_t step_rows = work->pairs ? (size_t)work->slots : kernel_rows + (size_t)work->outputs - 1;
    bool some_direct = false, some_separable = false;

    for (int i = 0; i < task->passes; i++) {
        const struct pass *pass = &task->pass[i];
        struct lane *lane = &work->lanes[i];
        size_t terms = (size_t)pass->terms;
        lane->pass = pass;
        some_direct |= is_direct(pass);
        some_separable |= !is_direct(pass);
        room_for_sums(work, room, &lane->across,
                      times(step_rows, is_direct(pass) ? kernel_columns : terms), work->outputs);
        if (is_direct(pass))
            continue;
        lane->ring = take(room, terms, ring);
        lane->pair_factors = take(room, terms * ((kernel_columns + 1) / 2), sizeof(int32_t));
        lane->along = take(room, terms, sizeof(struct sums));
        for (size_t term = 0, group = 0; term < terms && !work->pairs; group++) {
            int outputs = group_size((ptrdiff_t)(terms - term));
            struct sums nowhere, *along = lane->along ? &lane->along[group] : &nowhere;
            room_for_sums(work, room, along, kernel_columns, outputs);
            term += (size_t)outputs;
        }
    }
    work->fetched_ring = some_direct ? take(room, (size_t)work->slots, work->fetched_pitch) : NULL;
    for (int i = 0; i < 2; i++) {
        work->fetched[i] = take(room, elements + work->channels, work->element);
        work->neighbours[i] = take(room, some_separable && work->pairs ? elements : 0, sizeof(int32_t));
    }
    size_t chunk = CHUNK_BYTES / work->element + PADDING;
    for (int i = 0; i < task->passes; i++)
        for (int m = 0; m < work->outputs; m++)
            work->sums[i][m] = take(room, chunk, work->element);
    work->values = take(room, chunk, sizeof(double));
    work->line = take(room, chunk, sizeof(double));
    work->rows.stand_in = take(room, columns, sizeof(ptrdiff_t));
    work->rows.packed = take(room, columns * work->channels, sample_bytes(task->in.type));
    work->rows.constant = take(room, work->channels, sizeof(double));
}

/* ---- steps ---- */

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

static void plan_across(const struct work *work, struct lane *lane)
{
    const struct pass *pass = lane->pass;
    ptrdiff_t pixel = (ptrdiff_t)(work->channels * work->element), ring = work->slots * (ptrdiff_t)work->pitch;
    ptrdiff_t rows = work->pairs ? work->slots : pass->height + work->outputs - 1;
    struct progress progress = {.sums = &lane->across, .outputs = work->outputs};
    for (ptrdiff_t row = 0; row < rows; row++) {
        for (ptrdiff_t term = 0; term < pass->terms; term++)
            add_ring_row(work, &progress,
                         (struct step){lane->ring + term * ring, work->pitch, row, 0},
                         pass->columns + term * pass->height, 1);
        for (ptrdiff_t x = 0; is_direct(pass) && x < pass->width; x++)
            add_ring_row(work, &progress,
                         (struct step){work->fetched_ring, work->fetched_pitch, row, x * pixel},
                         pass->taps + x, pass->width);
    }
}

static void plan_along(const struct work *work, struct lane *lane)
{
    const struct pass *pass = lane->pass;
    ptrdiff_t pixel = (ptrdiff_t)(work->channels * work->element), pairs = (pass->width + 1) / 2;
    if (work->pairs) {
        for (ptrdiff_t term = 0; term < pass->terms; term++)
            for (ptrdiff_t t = 0; t < pairs; t++) {
                const double *taps = pass->rows + term * pass->width;
                lane->pair_factors[term * pairs + t] =
                    as_pair(taps[2 * t], tap_at(taps, pass->width, 1, 2 * t + 1));
            }
        return;
    }
    for (ptrdiff_t term = 0, group = 0; term < pass->terms; group++) {
        int outputs = group_size(pass->terms - term);
        struct progress progress = {.sums = &lane->along[group], .outputs = outputs};
        for (ptrdiff_t x = 0; x < pass->width; x++) {
            double taps[2 * MAX_OUTPUTS];
            for (int m = 0; m < outputs; m++)
                taps[m] = pass->rows[(term + m) * pass->width + x];
            add_step(work, &progress, (struct step){NULL, 0, 0, x * pixel}, taps);
        }
        term += outputs;
    }
}

static void plan_finish(struct work *work)
{
    const struct map *map = &work->task->map;
    struct finish *finish = &work->finish;
    static const double lows[SAMPLE_TYPES] = {0, INT8_MIN, 0, INT16_MIN, 0, INT32_MIN, 0, 0};
    static const double highs[SAMPLE_TYPES] = {UINT8_MAX, INT8_MAX,  UINT16_MAX, INT16_MAX,
                                               UINT32_MAX, INT32_MAX, 0,          0};
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
    finish->low = lows[finish->type];
    finish->high = highs[finish->type];
}

/* ---- rows into the rings ---- */

static void filter_along(const struct work *work, struct lane *lane, size_t count, const char *fetched,
                         ptrdiff_t slot)
{
    const struct pass *pass = lane->pass;
    size_t ring = (size_t)work->slots * work->pitch, pairs = ((size_t)pass->width + 1) / 2;
    char *target = lane->ring + (size_t)slot * work->pitch;
    if (work->pairs) {
        for (ptrdiff_t term = 0; term < pass->terms; term++)
            work->loops->across_pairs(count, pairs, work->neighbours[0], work->neighbours[1],
                                      2 * work->channels, lane->pair_factors + (size_t)term * pairs,
                                      pass->shifts ? (int)pass->shifts[term] : 0,
                                      (int32_t *)(target + (size_t)term * ring));
        return;
    }
    for (ptrdiff_t term = 0, group = 0; term < pass->terms; group++) {
        struct sums *along = &lane->along[group];
        int outputs = group_size(pass->terms - term);
        void *targets[MAX_OUTPUTS];
        for (int m = 0; m < outputs; m++)
            targets[m] = target + (size_t)(term + m) * ring;
        for (size_t t = 0; t < along->sweep.taps; t++)
            along->sweep.rows[t] = fetched + along->steps[t].shift;
        work->loops->sweep[work->task->accumulator][table_index(outputs)](0, count, &along->sweep, targets);
        term += outputs;
    }
}

/* Bring row `row` of the tile's input, or the pair of rows 2 * row and 2 * row + 1, into its slot. */
static void bring_in(struct work *work, ptrdiff_t row, ptrdiff_t columns)
{
    const struct task *task = work->task;
    ptrdiff_t slot = row % work->slots, top = task->context[0] - task->anchor[0];
    size_t width = (size_t)(columns + task->pass[0].width - 1) * work->channels;
    char *place = work->fetched_ring ? work->fetched_ring + (size_t)slot * work->fetched_pitch : NULL;
    char *fetched = place && !work->pairs ? place : work->fetched[0];
    bool some_separable = false;
    for (int i = 0; i < task->passes; i++)
        some_separable |= !is_direct(&task->pass[i]);

    if (work->pairs) {
        const int16_t *upper = (const int16_t *)work->fetched[0], *lower = (const int16_t *)work->fetched[1];
        fetch_row(&work->rows, top + 2 * row, work->fetched[0]);
        fetch_row(&work->rows, top + 2 * row + 1, work->fetched[1]);
        if (place)
            work->loops->pair(width, upper, lower, (int32_t *)place);
        if (some_separable) {
            work->loops->pair(width, upper, upper + work->channels, work->neighbours[0]);
            work->loops->pair(width, lower, lower + work->channels, work->neighbours[1]);
        }
    } else {
        fetch_row(&work->rows, top + row, fetched);
    }
    for (int i = 0; i < task->passes; i++)
        if (!is_direct(&task->pass[i]))
            filter_along(work, &work->lanes[i], (size_t)columns * work->channels, fetched, slot);
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
        struct sums *across = &work->lanes[i].across;
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
                at, some, &work->lanes[i].across.sweep, (void *const *)work->sums[i]);
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
    ptrdiff_t left = task->context[2] - task->anchor[1] + first;
    /* With pairs the last tap may lack its neighbour: one column more, times 0. */
    choose_columns(&work->rows, left, left + columns + task->pass[0].width - 1 + work->pairs);
    for (ptrdiff_t y = 0; y < height; y += work->outputs) {
        ptrdiff_t needed = y + work->outputs + task->pass[0].height - 1;
        if (needed > in_rows)
            needed = in_rows;
        if (work->pairs)
            needed = (needed + 1) / 2;
        for (; ready < needed; ready++)
            bring_in(work, ready, columns);
        int rows = height - y < work->outputs ? (int)(height - y) : work->outputs;
        produce(work, y, rows, (size_t)first * work->channels, (size_t)columns * work->channels, losses);
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
    ptrdiff_t height = task->pass[0].height, width = task->pass[0].width, planes = 0;
    bool direct = false;
    for (int i = 0; i < task->passes; i++) {
        direct |= is_direct(&task->pass[i]);
        planes += is_direct(&task->pass[i]) ? 1 : task->pass[i].terms;
    }
    work->pairs = task->accumulator == IN_I32;
    work->closes = task->accumulator == IN_F32 && (task->in.type == U16 || task->in.type == I16);
    work->element = element_bytes(task->accumulator);
    work->channels = (size_t)task->in.channels;
    work->outputs = direct && height * width <= SMALL_KERNEL ? 2 : MAX_OUTPUTS;
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

static void prepare(struct work *work)
{
    plan_finish(work);
    for (int i = 0; i < work->task->passes; i++) {
        plan_across(work, &work->lanes[i]);
        if (!is_direct(work->lanes[i].pass))
            plan_along(work, &work->lanes[i]);
    }
    for (size_t c = 0; c < work->channels; c++)
        switch (work->task->accumulator) {
        case IN_I32: ((int16_t *)work->rows.constant)[c] = (int16_t)work->task->constant; break;
        default: put_factor(work, work->rows.constant, c, work->task->constant); break;
        }
}

enum status filter(const struct task *task, struct losses *losses)
{
    enum status status = check_task(task);
    if (status != DONE)
        return status;
    struct work work = {.task = task, .loops = current_loops()};
    struct room room = {NULL, 0};
    work.rows.task = task;
    work.rows.loops = work.loops;
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
