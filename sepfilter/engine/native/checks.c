/* Every size of a task is checked here, whatever the caller checked before: afterwards sums and products of
 * them, in elements and bytes, cannot overflow, and every access that follows from them lies inside. */
#include <math.h>

#include "filter.h"

static const size_t bytes_of_sample[SAMPLE_TYPES] = {1, 1, 2, 2, 4, 4, 4, 8};
static const size_t bytes_of_element[ACCUMULATORS] = {2, 4, 4, 8, 2};

size_t sample_bytes(enum sample_type type)
{
    return bytes_of_sample[type];
}

size_t element_bytes(enum accumulator accumulator)
{
    return bytes_of_element[accumulator];
}

static bool is_side(ptrdiff_t length)
{
    return length >= 1 && length <= MAX_SIDE;
}

/* The distance from the first sample to the last along each axis must fit, added up, into half of memory. */
static bool is_view(const struct view *view)
{
    if ((unsigned)view->type >= SAMPLE_TYPES || !view->data)
        return false;
    if (!is_side(view->height) || !is_side(view->width))
        return false;
    if (view->channels < 1 || view->channels > MAX_CHANNELS || view->width > MAX_SIDE / view->channels)
        return false;
    ptrdiff_t sides[3] = {view->height, view->width, view->channels}, room = PTRDIFF_MAX / 8;
    for (int axis = 0; axis < 3; axis++) {
        ptrdiff_t stride = view->strides[axis];
        if (stride < -(PTRDIFF_MAX / 8) || stride > PTRDIFF_MAX / 8)
            return false;
        ptrdiff_t distance = stride < 0 ? -stride : stride;
        if (sides[axis] > 1 && distance > room / (sides[axis] - 1))
            return false;
        room -= distance * (sides[axis] - 1);
    }
    return true;
}

/* What is produced is what the context leaves over, and is as large as the output. */
static bool is_context(const struct task *task)
{
    for (int side = 0; side < 4; side++)
        if (task->context[side] < 0 || task->context[side] > MAX_SIDE)
            return false;
    return task->in.height - task->context[0] - task->context[1] == task->out.height
        && task->in.width - task->context[2] - task->context[3] == task->out.width
        && task->in.channels == task->out.channels;
}

static bool are_whole_within(const double *numbers, ptrdiff_t count, double low, double high)
{
    for (ptrdiff_t i = 0; i < count; i++)
        if (!(numbers[i] >= low && numbers[i] <= high) || numbers[i] != floor(numbers[i]))
            return false;
    return true;
}

static bool are_signed(const double *numbers, ptrdiff_t count)
{
    return are_whole_within(numbers, count, INT16_MIN, INT16_MAX);
}

static bool are_unsigned(const double *numbers, ptrdiff_t count)
{
    return are_whole_within(numbers, count, 0, UINT16_MAX);
}

static bool are_finite(const double *numbers, ptrdiff_t count)
{
    for (ptrdiff_t i = 0; i < count; i++)
        if (!isfinite(numbers[i]))
            return false;
    return true;
}

static enum status check_pass(const struct pass *pass, enum accumulator accumulator, ptrdiff_t channels)
{
    bool (*are_usable)(const double *, ptrdiff_t) =
        is_floating(accumulator) ? are_finite : accumulator == IN_U16 ? are_unsigned : are_signed;
    if (!is_side(pass->height) || pass->width < 1 || pass->width > MAX_SIDE / channels)
        return BAD_PASS;
    if (pass->terms < 0 || pass->terms > MAX_TERMS)
        return BAD_PASS;
    if (!(isfinite(pass->denominator) && pass->denominator > 0))
        return BAD_PASS;
    if (pass->terms == 0) {
        if (!pass->taps || pass->shifts || pass->width > MAX_SIDE / pass->height)
            return BAD_PASS;
        return are_usable(pass->taps, pass->height * pass->width) ? DONE : BAD_TAPS;
    }
    if (!pass->columns || !pass->rows || (pass->shifts && accumulator != IN_I32))
        return BAD_PASS;
    if (pass->height > MAX_SIDE / pass->terms || pass->width > MAX_SIDE / pass->terms)
        return BAD_PASS;
    if (!are_usable(pass->columns, pass->terms * pass->height)
        || !are_usable(pass->rows, pass->terms * pass->width))
        return BAD_TAPS;
    for (ptrdiff_t term = 0; pass->shifts && term < pass->terms; term++)
        if (!(pass->shifts[term] >= 0 && pass->shifts[term] <= 30)
            || pass->shifts[term] != floor(pass->shifts[term]))
            return BAD_PASS;
    return DONE;
}

/* Which samples an accumulator reads and which it can write. */
static bool are_types(const struct task *task)
{
    enum sample_type in = task->in.type, out = task->out.type;
    bool narrow = out == U8 || out == I8 || out == U16 || out == I16 || out == F32;
    switch (task->accumulator) {
    case IN_I16:
    case IN_I32: return (in == U8 || in == I8) && (task->wide || narrow);
    case IN_U16: return in == U8 && narrow && !task->wide && task->passes == 1;
    case IN_F32: return in != U32 && in != I32 && in != F64 && narrow && !task->wide;
    default: return !task->wide;
    }
}

/* Integer sums are made of samples, beyond the edges too. */
static bool is_constant(const struct task *task)
{
    double low = task->in.type == U8 ? 0 : INT8_MIN, high = task->in.type == U8 ? UINT8_MAX : INT8_MAX;
    if (is_floating(task->accumulator))
        return true;
    return are_whole_within(&task->constant, 1, low, high);
}

enum status check_task(const struct task *task)
{
    if (!is_view(&task->in) || !is_view(&task->out))
        return BAD_VIEW;
    if (!is_context(task))
        return BAD_CONTEXT;
    if ((unsigned)task->border >= BORDER_MODES || !isfinite(task->constant))
        return BAD_BORDER;
    if ((unsigned)task->accumulator >= ACCUMULATORS || !are_types(task))
        return BAD_TYPE;
    if (task->border == CONSTANT && !is_constant(task))
        return BAD_BORDER;
    if (task->passes < 1 || task->passes > MAX_PASSES)
        return BAD_PASS;
    for (int i = 0; i < task->passes; i++) {
        const struct pass *pass = &task->pass[i];
        enum status status = check_pass(pass, task->accumulator, task->in.channels);
        if (status != DONE)
            return status;
        if (pass->height != task->pass[0].height || pass->width != task->pass[0].width)
            return BAD_PASS;
        if (task->passes > 1 && (pass->denominator != 1 || pass->shifts))
            return BAD_PASS;
    }
    if (task->anchor[0] < 0 || task->anchor[0] >= task->pass[0].height || task->anchor[1] < 0
        || task->anchor[1] >= task->pass[0].width)
        return BAD_PASS;
    if (!isfinite(task->map.scale) || !isfinite(task->map.offset))
        return BAD_MAP;
    return DONE;
}
