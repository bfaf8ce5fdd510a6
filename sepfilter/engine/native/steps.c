/* From taps to the steps of sums, from the map to how sums become samples: once a call. */
#include <math.h>
#include <string.h>

#include "work.h"

static const double lowest[SAMPLE_TYPES] = {0, INT8_MIN, 0, INT16_MIN, 0, INT32_MIN, 0, 0};
static const double highest[SAMPLE_TYPES] = {UINT8_MAX,  INT8_MAX,  UINT16_MAX, INT16_MAX,
                                             UINT32_MAX, INT32_MAX, 0,          0};

static void put_factor(const struct work *work, void *factors, size_t at, double value)
{
    switch (work->task->accumulator) {
    case IN_I16: ((int16_t *)factors)[at] = (int16_t)value; break;
    case IN_U16: ((uint16_t *)factors)[at] = (uint16_t)value; break;
    case IN_F32: ((float *)factors)[at] = (float)value; break;
    default: ((double *)factors)[at] = value; break;
    }
}

static int32_t as_pair(double first, double second)
{
    return (int32_t)((uint32_t)(uint16_t)(int16_t)first | (uint32_t)(uint16_t)(int16_t)second << 16);
}

/* Append tap i of a column or row of taps, with pairs tap i + 1 as well; 0 where there is none. */
static double *append(const struct work *work, double *to, const double *taps, ptrdiff_t count, ptrdiff_t stride,
                      ptrdiff_t i)
{
    for (ptrdiff_t last = i + work->together; i < last; i++)
        *to++ = i >= 0 && i < count ? taps[i * stride] : 0.0;
    return to;
}

/* What is added to while steps are: the runs so far, and the products of each output's partial sum. */
struct progress {
    struct sums *sums;
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

/* Add a step that brings taps[m], or with pairs taps[2 * m] and taps[2 * m + 1], to each output m; false, and
 * nothing is added, where all are 0. */
static bool add_step(const struct work *work, struct progress *progress, const double *taps)
{
    struct sums *sums = progress->sums;
    size_t at = sums->sweep.taps * (size_t)sums->outputs;
    uint8_t takes = 0, closes = 0;
    for (int m = 0; m < sums->outputs; m++) {
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
        return false;
    if (work->element == sizeof(int16_t)) /* times 0 costs less than a branch */
        takes = (uint8_t)((1 << sums->outputs) - 1);
    sums->sweep.taps++;
    add_to_runs(progress, takes, closes);
    return true;
}

/* Row step.row of the ring meets that tap less m of image row m, of one column of taps after the other. */
static void add_ring_row(const struct work *work, struct progress *progress, struct step step,
                         const double *const *columns, ptrdiff_t stride)
{
    ptrdiff_t height = work->task->pass[0].height;
    double wanted[2 * MAX_OUTPUTS], *to = wanted;
    for (int output = 0; output < progress->sums->outputs; output++) {
        ptrdiff_t first = work->together * step.row - output % work->outputs;
        to = append(work, to, columns[output / work->outputs], height, stride, first);
    }
    if (add_step(work, progress, wanted))
        progress->sums->steps[progress->sums->sweep.taps - 1] = step;
}

/* The column taps of a term, counted over all passes. */
static const double *column_of(const struct work *work, ptrdiff_t term)
{
    const struct pass *pass = work->task->pass;
    if (term >= pass->terms)
        term -= (pass++)->terms;
    return pass->columns + term * pass->height;
}

static void plan_across(struct work *work)
{
    for (ptrdiff_t group = 0, term = 0; group < work->groups; group++) {
        struct sums *across = &work->across[group];
        struct progress progress = {.sums = across};
        const double *columns[MAX_OUTPUTS];
        for (int output = 0; output < across->outputs; output++) {
            columns[output / work->outputs] = column_of(work, term + output / work->outputs);
            across->targets[output] = work->filtered
                + (size_t)(term * work->outputs + output) * work->filtered_pitch * work->element;
        }
        for (ptrdiff_t row = 0; row < work->slots; row++)
            add_ring_row(work, &progress, (struct step){row, 0}, columns, 1);
        term += across->outputs / work->outputs;
    }
}

/* Along the rows of a pass's terms: the steps are the same for all image rows. */
static void plan_along(struct work *work, int i, ptrdiff_t first_term)
{
    const struct pass *pass = &work->task->pass[i];
    struct sums *along = &work->last[i];
    struct progress progress = {.sums = along};
    size_t pitch = (size_t)work->outputs * work->filtered_pitch;
    for (ptrdiff_t step = 0; step < along_steps(work); step++)
        for (ptrdiff_t term = 0; term < pass->terms; term++) {
            const double *taps = pass->rows + term * pass->width;
            size_t x = (size_t)(step * work->together);
            size_t from = (size_t)(first_term + term) * pitch + x * work->channels;
            double wanted[2 * MAX_OUTPUTS], *to = wanted;
            for (ptrdiff_t block = 0; block < along->outputs; block++)
                to = append(work, to, taps, pass->width, 1, work->together * (step - block * work->gap));
            if (add_step(work, &progress, wanted))
                along->sweep.rows[along->sweep.taps - 1] = work->filtered + from * work->element;
        }
}

static void plan_direct(struct work *work, int i)
{
    const struct pass *pass = &work->task->pass[i];
    ptrdiff_t pixel = (ptrdiff_t)(work->channels * work->element);
    struct progress progress = {.sums = &work->last[i]};
    for (ptrdiff_t row = 0; row < work->slots; row++)
        for (ptrdiff_t x = 0; x < pass->width; x++) {
            const double *taps = pass->taps + x;
            add_ring_row(work, &progress, (struct step){row, x * pixel}, &taps, pass->width);
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
    /* In 256ths and a half more, so that no sum is a tie: adding an integer and a shift round alike. */
    double start = 256 * map->offset + 127.5;
    finish->shifts = task->accumulator == IN_U16 && plain && finish->type == U8 && finish->wide_scale == 1.0 / 256
        && start == floor(start) && start >= 0 && start <= INT16_MAX;
    finish->start = finish->shifts ? (uint16_t)start : 0;
    double largest = task->accumulator == IN_I32 ? 2147483648.0 : single ? 32768.0 : 46341.0;
    finish->small = (task->accumulator == IN_I16 || (task->accumulator == IN_I32 && single))
        && largest * fabs(finish->wide_scale) + fabs(finish->wide_offset) < 1073741824.0;
}

static void prepare_rows(struct work *work)
{
    const struct task *task = work->task;
    struct rows *rows = &work->rows;
    size_t columns = (size_t)work->tile * work->channels + work->context;
    rows->pairs = work->pairs;
    rows->widen = work->loops->widen[task->accumulator][task->in.type];
    rows->pixel_bytes = work->channels * work->element;
    if (task->border != CONSTANT)
        return;
    if (is_floating(task->accumulator)) {
        for (size_t c = 0; c < work->channels; c++)
            put_factor(work, rows->constant, c, task->constant);
        return;
    }
    memset(rows->blank, (int)task->constant, columns); /* of bytes */
    rows->widen(work->channels, rows->blank, rows->blank, rows->constant);
}

void plan_steps(struct work *work)
{
    prepare_rows(work);
    plan_finish(work);
    plan_across(work);
    ptrdiff_t first_term = 0;
    for (int i = 0; i < work->task->passes; i++) {
        const struct pass *pass = &work->task->pass[i];
        if (is_direct(pass))
            plan_direct(work, i);
        else
            plan_along(work, i, first_term);
        for (ptrdiff_t term = 0; term < pass->terms; term++)
            work->shifts[first_term + term] = pass->shifts ? (int)pass->shifts[term] : 0;
        first_term += pass->terms;
    }
}
