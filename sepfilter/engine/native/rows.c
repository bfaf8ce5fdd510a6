#include "rows.h"

#include <string.h>

ptrdiff_t border_index(ptrdiff_t position, ptrdiff_t length, enum border_mode mode)
{
    ptrdiff_t period, folded;
    if (position >= 0 && position < length)
        return position;
    switch (mode) {
    case CONSTANT: return -1;
    case NEAREST: return position < 0 ? 0 : length - 1;
    case WRAP: period = length; break;
    case REFLECT: period = 2 * length; break;
    default: period = length > 1 ? 2 * length - 2 : 1; break;
    }
    folded = position % period;
    if (folded < 0)
        folded += period;
    if (folded < length)
        return folded;
    return mode == REFLECT ? period - 1 - folded : period - folded;
}

static ptrdiff_t within(ptrdiff_t value, ptrdiff_t low, ptrdiff_t high)
{
    return value < low ? low : value > high ? high : value;
}

void choose_columns(struct rows *rows, ptrdiff_t first, ptrdiff_t last)
{
    const struct task *task = rows->task;
    ptrdiff_t width = task->in.width, outside = 0;
    rows->first = first;
    rows->last = last;
    rows->inside_first = within(0, first, last);
    rows->inside_last = within(width, rows->inside_first, last);
    for (ptrdiff_t x = first; x < last; x++)
        if (x < rows->inside_first || x >= rows->inside_last)
            rows->stand_in[outside++] = border_index(x, width, task->border);
}

/* Where the samples of some columns of a row lie side by side and aligned: in the view, or gathered. */
static const void *packed_samples(const struct rows *rows, ptrdiff_t y, ptrdiff_t first, ptrdiff_t last,
                                  char *room)
{
    const struct view *view = &rows->task->in;
    size_t bytes = sample_bytes(view->type);
    if (y < 0)
        return rows->blank;
    const char *row = (const char *)view->data + y * view->strides[0] * (ptrdiff_t)bytes;
    if (view->strides[2] == 1 && view->strides[1] == view->channels && (uintptr_t)row % bytes == 0)
        return row + first * view->channels * (ptrdiff_t)bytes;
    char *to = room;
    for (ptrdiff_t x = first; x < last; x++)
        for (ptrdiff_t c = 0; c < view->channels; c++, to += bytes)
            memcpy(to, row + (x * view->strides[1] + c * view->strides[2]) * (ptrdiff_t)bytes, bytes);
    return room;
}

static void widen(const struct rows *rows, ptrdiff_t y, ptrdiff_t below, ptrdiff_t first, ptrdiff_t last, void *to)
{
    const void *samples = packed_samples(rows, y, first, last, rows->packed[0]);
    const void *others = rows->pairs ? packed_samples(rows, below, first, last, rows->packed[1]) : NULL;
    rows->widen((size_t)((last - first) * rows->task->in.channels), samples, others, to);
}

void fetch_row(const struct rows *rows, ptrdiff_t y, void *elements)
{
    const struct task *task = rows->task;
    size_t pixel = rows->pixel_bytes;
    ptrdiff_t below = border_index(y + rows->pairs, task->in.height, task->border);
    char *to = elements;

    y = border_index(y, task->in.height, task->border);
    if (y < 0 && below < 0) {
        for (ptrdiff_t x = rows->first; x < rows->last; x++, to += pixel)
            memcpy(to, rows->constant, pixel);
        return;
    }
    if (rows->inside_first < rows->inside_last)
        widen(rows, y, below, rows->inside_first, rows->inside_last,
              to + (size_t)(rows->inside_first - rows->first) * pixel);
    const ptrdiff_t *stand_in = rows->stand_in;
    for (ptrdiff_t x = rows->first; x < rows->last; x++) {
        if (x == rows->inside_first && x < rows->inside_last) {
            x = rows->inside_last - 1;
            continue;
        }
        char *target = to + (size_t)(x - rows->first) * pixel;
        ptrdiff_t from = *stand_in++;
        if (from < 0)
            memcpy(target, rows->constant, pixel);
        else if (from >= rows->inside_first && from < rows->inside_last)
            memcpy(target, to + (size_t)(from - rows->first) * pixel, pixel);
        else
            widen(rows, y, below, from, from + 1, target);
    }
}
