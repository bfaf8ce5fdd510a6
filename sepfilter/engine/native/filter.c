/* The one routine: fetch rows, filter along them, keep the results in a ring, filter across the ring, map,
 * store. A direct pass keeps the fetched rows themselves. What differs between kernels is data: the steps. */
#include "filter.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "work.h"

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

/* Copy past the caches, where the machine can. */
static void stream(size_t bytes, const char *from, char *to)
{
#if defined(__SSE2__)
    size_t head = (0 - (uintptr_t)to) % 16, at = head;
    if (bytes < 256) {
        memcpy(to, from, bytes);
        return;
    }
    memcpy(to, from, head);
    for (; at + 16 <= bytes; at += 16)
        _mm_stream_si128((__m128i *)(to + at), _mm_loadu_si128((const __m128i *)(from + at)));
    _mm_sfence(); /* before another thread is told that the rows are there */
    memcpy(to + at, from + at, bytes - at);
#else
    memcpy(to, from, bytes);
#endif
}

static void store(const struct work *work, ptrdiff_t y, size_t first, size_t count, const char *samples)
{
    const struct view *view = &work->task->out;
    size_t bytes = sample_bytes(view->type), channels = work->channels;
    char *row = (char *)view->data + y * view->strides[0] * (ptrdiff_t)bytes;
    if (view->strides[2] == 1 && (view->strides[1] == view->channels || view->width == 1)) {
        char *target = row + first * bytes;
        if (work->streams)
            stream(count * bytes, samples, target);
        else
            memcpy(target, samples, count * bytes);
        return;
    }
    for (size_t i = first; i < first + count; i++, samples += bytes) {
        ptrdiff_t x = (ptrdiff_t)(i / channels), c = (ptrdiff_t)(i % channels);
        memcpy(row + (x * view->strides[1] + c * view->strides[2]) * (ptrdiff_t)bytes, samples, bytes);
    }
}

/* Output m of the chunk at hand, from sums to samples; returns where these are. */
static const char *finish(const struct work *work, int m, size_t count, struct losses *losses)
{
    const struct task *task = work->task;
    enum accumulator sums = task->accumulator, values = task->wide ? IN_F64 : sums;
    void *from = work->sums[0][m];
    if (work->finish.nothing)
        return from;
    if (task->passes == 2) {
        work->loops->magnitude[sums](count, work->sums[0][m], work->sums[1][m], task->wide, work->values);
        from = work->values;
        values = task->wide || sums == IN_F64 ? IN_F64 : IN_F32;
    } else if (task->wide) {
        work->loops->to_double[sums](count, from, (double *)work->values);
        from = work->values;
    }
    work->loops->finish[values](count, from, &work->finish, work->line, losses);
    return work->line;
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
            const char *samples = finish(work, m, some, losses);
            store(work, y + m, first + at, some, samples);
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

enum status filter(const struct task *task, struct losses *losses)
{
    struct work work = {.task = task, .loops = current_loops(), .rows.task = task};
    enum status status = check_task(task);
    if (status != DONE)
        return status;
    choose_sizes(&work);
    if (!take_memory(&work))
        return NO_MEMORY;
    plan_steps(&work);
    *losses = (struct losses){0, 0, 0};
    for (ptrdiff_t first = 0; first < task->out.width; first += work.tile) {
        ptrdiff_t columns = task->out.width - first < work.tile ? task->out.width - first : work.tile;
        run_tile(&work, first, columns, losses);
    }
    give_back_memory(&work);
    return DONE;
}
