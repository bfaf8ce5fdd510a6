/* What the parts of the engine share: sizes, memory, and the steps that sums are made in. */
#ifndef SEPFILTER_WORK_H
#define SEPFILTER_WORK_H

#include "rows.h"

/* One input of a sum on the ring: row `row`, counted from the first that a group of output rows needs, from byte
 * `shift` on. */
struct step {
    ptrdiff_t row, shift;
};

struct sums {
    sweep_loop *loop;
    struct sweep sweep;
    struct step *steps;
    int outputs;
    void *targets[MAX_OUTPUTS];
};

/* All that a call works with. */
struct work {
    const struct task *task;
    const struct loops *loops;
    struct finish finish;
    struct rows rows;
    int outputs; /* image rows at a time */
    bool pairs, closes, streams;
    ptrdiff_t together; /* rows in a slot of the ring and taps in a step: 2 with pairs, else 1 */
    ptrdiff_t terms; /* separable ones of all passes together: one after the other */
    size_t element, channels, context; /* context: elements that a row needs besides those it produces */
    ptrdiff_t gap; /* steps along a row from a block to the next that shares loads; 0 where none does */
    ptrdiff_t tile;  /* columns at a time */
    ptrdiff_t slots; /* of the ring, which has rows as they are fetched, or pairs of them */
    size_t pitch;    /* bytes of one */
    size_t chunk;    /* elements produced at a time */
    char *ring;
    char *filtered;        /* sums across the ring: for each term as many rows as there are outputs, a chunk wide */
    size_t filtered_pitch; /* elements of a row of them */
    int *shifts;           /* IN_I32: by what power of 2 those of a term are divided */
    struct sums *across;   /* from the ring to `filtered`, for each group of terms that share loads */
    ptrdiff_t groups;
    struct sums last[MAX_PASSES]; /* of a pass, to `sums`: along the rows of `filtered`, or all taps on the ring */
    char *sums[MAX_PASSES][MAX_OUTPUTS], *values, *line;
    char *memory;
    size_t memory_bytes;
};

static inline bool is_direct(const struct pass *pass)
{
    return pass->terms == 0;
}

/* Steps of a term along a row. */
static inline ptrdiff_t along_steps(const struct work *work)
{
    ptrdiff_t steps = (work->task->pass[0].width + work->together - 1) / work->together;
    return steps + (work->gap ? (APART_OUTPUTS - 1) * work->gap : 0);
}

/* How many of the terms left share loads. */
static inline int group_size(const struct work *work, ptrdiff_t terms)
{
    int most = MAX_OUTPUTS / work->outputs;
    while (most > terms)
        most /= 2;
    return most;
}

/* Choose how many rows, columns and elements are at hand at a time. (layout.c) */
void choose_sizes(struct work *work);

/* Allocate all memory of a call at once, or return false; free it. (layout.c) */
bool take_memory(struct work *work);
void give_back_memory(struct work *work);

/* Fill in everything that depends on taps, border constant and map. (steps.c) */
void plan_steps(struct work *work);

#endif
