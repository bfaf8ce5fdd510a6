/* Rows of the view as rows of elements, with what the border puts beyond the edges. */
#ifndef SEPFILTER_ROWS_H
#define SEPFILTER_ROWS_H

#include "loops.h"

struct rows {
    const struct task *task;
    widen_loop *widen;
    bool pairs;         /* elements are of two rows, one below the other */
    size_t pixel_bytes; /* of elements */
    ptrdiff_t first, last; /* columns wanted, of the view; they may lie outside of it */
    ptrdiff_t inside_first, inside_last; /* those of them that the view has */
    ptrdiff_t *stand_in; /* for each column wanted outside, left ones first: the column inside, or -1 */
    char *packed[2];  /* room for a row of samples each, where the view's do not lie side by side */
    char *constant;   /* one pixel of elements that lies outside */
    char *blank;      /* a row of bytes that does, for integer sums */
};

/* Choose the columns. `stand_in` has room for as many as lie outside. */
void choose_columns(struct rows *rows, ptrdiff_t first, ptrdiff_t last);

/* Write the elements of one row of the view, or of it and the next as pairs; both may lie outside. */
void fetch_row(const struct rows *rows, ptrdiff_t y, void *elements);

#endif
