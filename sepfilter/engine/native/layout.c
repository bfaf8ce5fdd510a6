/* How much is at hand at a time, and where it lies. */
#include <stdlib.h>

#include "work.h"

#ifdef SEPFILTER_GUARDS /* for builds with AddressSanitizer */
#include <sanitizer/asan_interface.h>
#define GUARD 64
#define POISON(from, bytes) ASAN_POISON_MEMORY_REGION(from, bytes)
#define UNPOISON(from, bytes) ASAN_UNPOISON_MEMORY_REGION(from, bytes)
#else
#define GUARD 0
#define POISON(from, bytes) (void)0
#define UNPOISON(from, bytes) (void)0
#endif

enum {
    ALIGNMENT = 64,
    CHUNK_BYTES = 16384, /* of sums at a time: of the sizes tried, the quickest for most kernels */
    PAGE = 4096,
    SHORT_KERNEL = 9, /* rows of taps up to which two output rows share loads, not four */
#ifdef SEPFILTER_GUARDS /* so that small images have tiles, and are streamed */
    MIN_TILE = 64,
    RING_BYTES = 1 << 14,
    STREAMED_BYTES = 1 << 10
#else
    MIN_TILE = 4096,         /* elements */
    RING_BYTES = 1 << 20,    /* larger rings are cut into tiles of columns */
    STREAMED_BYTES = 4 << 20 /* larger outputs go past the caches */
#endif
};

/* Bytes of a ring's row: a little past a multiple of a page, so that rows do not share cache lines. */
static size_t row_pitch(size_t elements, size_t bytes)
{
    size_t row = (elements + PADDING) * bytes;
    return (row + PAGE - PAGE / 16 - 1) / PAGE * PAGE + PAGE / 16;
}

/* Blocks share loads if the next begins at a step of this one, well before its last. */
static ptrdiff_t choose_gap(const struct work *work)
{
    size_t block = APART_VECTORS * work->loops->vector_bytes / work->element;
    size_t together = (size_t)work->together, step = work->channels * together;
    bool pays = block % step == 0 && 2 * block / step <= (size_t)work->task->pass[0].width / together;
    return work->loops->apart[work->task->accumulator] && pays ? (ptrdiff_t)(block / step) : 0;
}

void choose_sizes(struct work *work)
{
    const struct task *task = work->task;
    ptrdiff_t height = task->pass[0].height, width = task->pass[0].width;
    for (int i = 0; i < task->passes; i++)
        work->terms += task->pass[i].terms;
    work->pairs = task->accumulator == IN_I32;
    work->together = work->pairs ? 2 : 1;
    work->closes = task->accumulator == IN_F32 && (task->in.type == U16 || task->in.type == I16);
    work->element = element_bytes(task->accumulator);
    work->channels = (size_t)task->in.channels;
    /* With pairs the last tap along may lack its neighbour: one column more, times 0. */
    work->context = (size_t)(width - 1 + work->pairs) * work->channels;
    work->gap = choose_gap(work);
    work->outputs = height <= SHORT_KERNEL || work->terms > 1 ? 2 : MAX_OUTPUTS;
    while (work->outputs > 1 && task->out.height < work->outputs && !(work->pairs && work->outputs == 2))
        work->outputs /= 2;
    work->slots = (height + work->outputs - 1 + work->together - 1) / work->together;

    size_t per_column = (size_t)work->slots * work->channels * work->element;
    ptrdiff_t fitting = (ptrdiff_t)(RING_BYTES / per_column), least = MIN_TILE / task->in.channels + 1;
    work->tile = fitting > least ? fitting : least;
    if (work->tile > task->out.width)
        work->tile = task->out.width;
    work->pitch = row_pitch((size_t)work->tile * work->channels + work->context, work->element);
    work->chunk = CHUNK_BYTES / work->element;
    if (work->chunk > (size_t)work->tile * work->channels)
        work->chunk = (size_t)work->tile * work->channels;
    work->filtered_pitch = work->chunk + work->context + PADDING;
    work->streams = (size_t)task->out.height * (size_t)task->out.width * work->channels
        > STREAMED_BYTES / sample_bytes(task->out.type);
}

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

/* A piece of the room; with guards what lies between pieces is poisoned. */
static void *take(struct room *room, size_t count, size_t bytes)
{
    char *place = room->base ? room->base + room->used : NULL;
    size_t wanted = times(count, bytes), given = (wanted + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT + GUARD;
    if (place)
        POISON(place + wanted, given - wanted);
    if (room->used < SIZE_MAX / 4)
        room->used += given;
    return place;
}

static void room_for_sums(const struct work *work, struct room *room, struct sums *sums, size_t taps, int outputs)
{
    *sums = (struct sums){.outputs = outputs, .loop = work->loops->sweep[work->task->accumulator][outputs >> 1]};
    sums->steps = take(room, taps, sizeof(struct step));
    sums->sweep.rows = take(room, taps, sizeof(void *));
    sums->sweep.factors = take(room, times(taps, (size_t)outputs), work->element);
    sums->sweep.runs = take(room, taps, sizeof(struct run));
}

/* With guards, what a row does not use is poisoned as well. */
static void guard_rows(char *rows, size_t count, size_t pitch, size_t used)
{
    for (size_t row = 0; rows && row < count; row++)
        POISON(rows + row * pitch + used, pitch - used);
    (void)pitch, (void)used;
}

static void lay_out(struct work *work, struct room *room)
{
    const struct task *task = work->task;
    size_t kernel_columns = (size_t)task->pass[0].width, slots = (size_t)work->slots;
    size_t elements = (size_t)work->tile * work->channels + work->context, chunk = work->chunk + PADDING;
    size_t samples = times(elements, sample_bytes(task->in.type));

    work->ring = take(room, slots, work->pitch);
    guard_rows(work->ring, slots, work->pitch, (elements + PADDING) * work->element);
    work->filtered = take(room, times((size_t)work->terms, (size_t)work->outputs),
                          times(work->filtered_pitch, work->element));
    work->shifts = take(room, (size_t)work->terms, sizeof(int));
    work->across = take(room, (size_t)work->terms, sizeof(struct sums));
    work->groups = 0;
    for (ptrdiff_t term = 0; term < work->terms; work->groups++) {
        struct sums nowhere, *across = work->across ? &work->across[work->groups] : &nowhere;
        int together = group_size(work, work->terms - term);
        room_for_sums(work, room, across, slots, together * work->outputs);
        term += together;
    }
    for (int i = 0; i < task->passes; i++) {
        const struct pass *pass = &task->pass[i];
        if (is_direct(pass))
            room_for_sums(work, room, &work->last[i], times(slots, kernel_columns), work->outputs);
        else
            room_for_sums(work, room, &work->last[i], times((size_t)pass->terms, (size_t)along_steps(work)),
                          work->gap ? APART_OUTPUTS : 1);
        if (!is_direct(pass) && work->gap)
            work->last[i].loop = work->loops->apart[task->accumulator];
        for (int m = 0; m < work->outputs; m++)
            work->sums[i][m] = take(room, chunk, work->element);
    }
    work->values = take(room, chunk, sizeof(double));
    work->line = take(room, chunk, sizeof(double));
    work->rows.stand_in = take(room, elements / work->channels, sizeof(ptrdiff_t));
    for (int i = 0; i < 2; i++)
        work->rows.packed[i] = take(room, samples, 1);
    work->rows.constant = take(room, work->channels, sizeof(double));
    work->rows.blank = take(room, samples, 1);
}

bool take_memory(struct work *work)
{
    struct room room = {NULL, 0};
    lay_out(work, &room);
    work->memory_bytes = room.used + ALIGNMENT;
    work->memory = room.used < SIZE_MAX / 4 ? malloc(work->memory_bytes) : NULL;
    if (!work->memory)
        return false;
    room.base = work->memory + (ALIGNMENT - (uintptr_t)work->memory % ALIGNMENT);
    room.used = 0;
    lay_out(work, &room);
    return true;
}

void give_back_memory(struct work *work)
{
    UNPOISON(work->memory, work->memory_bytes);
    free(work->memory);
}
