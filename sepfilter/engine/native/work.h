/* What the parts of the engine share: sizes, memory, and the steps that sums are made in. */
#ifndef SEPFILTER_WORK_H
#define SEPFILTER_WORK_H

#include "rows.h"

enum {
    CHUNK_BYTES = 4096, /* of sums at a time: those of all outputs stay in the first cache */
#ifdef SEPFILTER_GUARDS
    ALONG_ELEMENTS = 128
#else
    ALONG_ELEMENTS = 2048 /* filtered along at a time, for the same reason */
#endif
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

/* All that a call works with. */
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
    size_t memory_bytes;
};

static inline bool is_direct(const struct pass *pass)
{
    return pass->terms == 0;
}

static inline int group_size(ptrdiff_t terms)
{
    return terms >= 4 ? 4 : terms >= 2 ? 2 : 1;
}

static inline int table_index(int outputs)
{
    return outputs >> 1; /* 1, 2, 4 -> 0, 1, 2 */
}

static inline char *ring_of(const struct work *work, ptrdiff_t term)
{
    return work->rings + (size_t)term * (size_t)work->slots * work->pitch;
}

/* Choose how many rows, columns and elements are at hand at a time. (layout.c) */
void choose_sizes(struct work *work);

/* Allocate all memory of a call at once, or return false; free it. (layout.c) */
bool take_memory(struct work *work);
void give_back_memory(struct work *work);

/* Fill in everything that depends on taps, border constant and map. (steps.c) */
void plan_steps(struct work *work);

#endif
