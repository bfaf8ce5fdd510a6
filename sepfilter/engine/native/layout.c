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
static size_t row_pitch(const struct work *work, size_t columns)
{
    size_t row = (columns * work->channels + PADDING) * work->element;
    return (row + PAGE - PAGE / 16 - 1) / PAGE * PAGE + PAGE / 16;
}

void choose_sizes(struct work *work)
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
    sums->sweep = (struct sweep){.taps = 0};
    sums->steps = take(room, taps, sizeof(struct step));
    sums->sweep.rows = take(room, taps, sizeof(void *));
    sums->sweep.factors = take(room, times(taps, (size_t)outputs), work->element);
    sums->sweep.runs = take(room, taps, sizeof(struct run));
}

/* With guards, what a row of a ring does not use is poisoned as well. */
static void guard_rows(char *rows, size_t count, size_t pitch, size_t used)
{
    for (size_t row = 0; rows && row < count; row++)
        POISON(rows + row * pitch + used, pitch - used);
    (void)pitch, (void)used;
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
    guard_rows(work->rings, times(terms, (size_t)work->slots), work->pitch,
               ((size_t)work->tile * work->channels + PADDING) * work->element);
    guard_rows(work->fetched_ring, (size_t)work->slots, work->fetched_pitch, elements * work->element);
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
