/* From taps to the steps of sums, from the map to how sums become samples: once a call. */
#include <math.h>

#include "work.h"

static const double lowest[SAMPLE_TYPES] = {0, INT8_MIN, 0, INT16_MIN, 0, INT32_MIN, 0, 0};
static const double highest[SAMPLE_TYPES] = {UINT8_MAX,  INT8_MAX,  UINT16_MAX, INT16_MAX,
                                             UINT32_MAX, INT32_MAX, 0,          0};

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
    const struct task *task = work->task;
    const struct map *map = &task->map;
    struct finish *finish = &work->finish;
    double denominator = task->pass[0].denominator;
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
    finish->type = task->out.type;
    finish->low = lowest[finish->type];
    finish->high = highest[finish->type];
    bool plain = !finish->divides && !finish->absolute, single = task->passes == 1;
    finish->nothing = plain && single && !finish->maps && !task->wide && task->accumulator == IN_I16
        && finish->type == I16;
    finish->quick = plain && (finish->type == U8 || finish->type == U16 || finish->type == F32);
    double largest = task->accumulator == IN_I32 ? 2147483648.0 : single ? 32768.0 : 46341.0;
    finish->small = (task->accumulator == IN_I16 || (task->accumulator == IN_I32 && single))
        && largest * fabs(finish->wide_scale) + fabs(finish->wide_offset) < 1073741824.0;
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

void plan_steps(struct work *work)
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
