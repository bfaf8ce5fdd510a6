/* The one routine: fetch rows into a ring, filter across them, then along the results, map, store. A direct pass
 * takes all its taps to the ring at once. What differs between kernels is data: the steps. */
#include "filter.h"

#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "work.h"

static void sum_up(size_t first, size_t count, const struct sums *sums, void *const *targets)
{
    sums->loop(first, count, &sums->sweep, targets);
}

/* Point the steps of sums on the ring to the rows that output row y, and those with it, need. */
static void point_to_ring(const struct work *work, ptrdiff_t y, struct sums *sums)
{
    ptrdiff_t start = y / work->together;
    for (size_t t = 0; t < sums->sweep.taps; t++) {
        ptrdiff_t slot = (start + sums->steps[t].row) % work->slots;
        sums->sweep.rows[t] = work->ring + slot * (ptrdiff_t)work->pitch + sums->steps[t].shift;
    }
}

/* Fill the rows of `filtered`: sums across the ring for all terms, from element `first` on. */
static void filter_across(const struct work *work, size_t first, size_t count)
{
    for (ptrdiff_t group = 0; group < work->groups; group++) {
        const struct sums *across = &work->across[group];
        sum_up(first, count + work->context, across, across->targets);
    }
}

/* Make pairs of neighbours of the sums of a term, row m. */
static void pair_up(const struct work *work, ptrdiff_t term, int m, size_t count)
{
    size_t row = (size_t)(term * work->outputs + m);
    work->loops->pair_sums(count + work->context - work->channels, work->channels, work->shifts[term],
                           (int32_t *)work->filtered + row * work->filtered_pitch);
}

/* The last sums of pass i, for `rows` image rows: to work->sums[i]. */
static void filter_last(const struct work *work, int i, int rows, size_t first, size_t count)
{
    const struct pass *pass = work->task->pass;
    const struct sums *last = &work->last[i];
    if (is_direct(&pass[i])) {
        sum_up(first, count, last, (void *const *)work->sums[i]);
        return;
    }
    ptrdiff_t term = i ? pass->terms : 0;
    for (int m = 0; m < rows; m++) {
        for (ptrdiff_t t = term; work->pairs && t < term + pass[i].terms; t++)
            pair_up(work, t, m, count);
        sum_up((size_t)m * work->filtered_pitch, count, last, (void *const *)&work->sums[i][m]);
    }
}

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
    for (ptrdiff_t group = 0; group < work->groups; group++)
        point_to_ring(work, y, &work->across[group]);
    for (int i = 0; i < task->passes; i++)
        if (is_direct(&task->pass[i]))
            point_to_ring(work, y, &work->last[i]);
    for (size_t at = 0; at < count; at += work->chunk) {
        size_t some = count - at < work->chunk ? count - at : work->chunk;
        filter_across(work, at, some);
        for (int i = 0; i < task->passes; i++)
            filter_last(work, i, rows, at, some);
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
    choose_columns(&work->rows, left, left + columns + (ptrdiff_t)(work->context / work->channels));
    for (ptrdiff_t y = 0; y < height; y += work->outputs) {
        ptrdiff_t needed = y + work->outputs + task->pass[0].height - 1;
        if (needed > in_rows)
            needed = in_rows;
        for (; ready * work->together < needed; ready++)
            fetch_row(&work->rows, top + ready * work->together,
                      work->ring + (size_t)(ready % work->slots) * work->pitch);
        int rows = height - y < work->outputs ? (int)(height - y) : work->outputs;
        produce(work, y, rows, (size_t)first * work->channels, (size_t)columns * work->channels, losses);
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
