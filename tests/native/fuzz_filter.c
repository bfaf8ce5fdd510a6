/* Fuzz the compiled engine's entry, filter(), at every instruction set of this machine. From the project's root:
 *
 *   mkdir -p build/corpus && clang -std=c11 -g -O1 -fno-math-errno -Wall -Wextra -DSEPFILTER_GUARDS \
 *     -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -fno-sanitize-coverage=trace-cmp \
 *     -Isepfilter/engine/native tests/native/fuzz_filter.c sepfilter/engine/native/[!m]*.c -lm -o build/fuzz_filter \
 *     && build/fuzz_filter -max_total_time=600 -max_len=256 build/corpus
 *
 * The bytes choose a task that is consistent, and in one case of four make one number of it hostile. With
 * -fsanitize=fuzzer,memory and no guards, results show that depend on memory never written to. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loops.h"

#define REQUIRE(condition) \
    ((condition) ? (void)0 : (fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition), abort()))
#define LENGTH(array) (int)(sizeof(array) / sizeof *(array))
enum { MOST_SAMPLES = 4096, HEAD = 16 }; /* so many bytes spoil a task, the others make one */
enum { WHOLE = 9, FINITE = 17 }; /* so many of these are whole 16-bit numbers, and finite */
static const double numbers[] = {1, -1, 2, 0, 3, -7, 255, 32767, -32768, 0.5, -1.0 / 3, 16.25, 1e-310, 1e38, -3e38,
                                 1e300, -1.7e308, 32768, (double)INFINITY, (double)NAN};
enum { NO_SIDE = 6, NO_STRIDE = 9 }; /* from there on these cannot be a side, and a stride */
static const ptrdiff_t sizes[] = {1, 2, MAX_TERMS, MAX_TERMS + 1, MAX_SIDE - 1, MAX_SIDE, -1, 0, MAX_SIDE + 1,
                                  PTRDIFF_MAX / 8 + 1, PTRDIFF_MIN / 8 - 1, PTRDIFF_MAX / 2 + 1, PTRDIFF_MAX,
                                  PTRDIFF_MIN};

/* Memory of exactly the size that is used, so that a byte too much is found. Each pass has three blocks, from TAPS. */
enum { IN, OUT, EXPECTED, TAPS, BLOCKS = TAPS + 3 * MAX_PASSES };
static struct block { char *memory; ptrdiff_t bytes; } blocks[BLOCKS];
static const uint8_t *unused, *end; /* of the fuzzer's bytes */

static int pick(int choices)
{
    return (unused < end ? *unused++ : 0) % choices;
}

static void *allocate(int block, ptrdiff_t bytes)
{
    blocks[block].bytes = bytes;
    return blocks[block].memory = malloc((size_t)bytes);
}

static double *make_numbers(int block, ptrdiff_t count, int choices)
{
    double *made = allocate(block, count * (ptrdiff_t)sizeof(double));
    int pattern = pick(4); /* the bytes would not last for many */
    for (ptrdiff_t i = 0; i < count; i++)
        made[i] = pattern == 0 ? (double)(i % 5 - 1) : pattern == 1 ? (double)(i % 3 == 1) : numbers[pick(choices)];
    return made;
}

/* Axes in any order and direction, repeated samples, gaps between them, room at both ends, any address. */
static void make_view(int block, struct view *view)
{
    static const int orders[][3] = {{2, 1, 0}, {2, 1, 0}, {1, 2, 0}, {0, 1, 2}, {1, 0, 2}, {0, 2, 1}};
    const int *order = orders[pick(LENGTH(orders))], repeated = pick(24), backwards = pick(8), kind = pick(3);
    const ptrdiff_t sides[] = {view->height, view->width, view->channels}, size = (ptrdiff_t)sample_bytes(view->type);
    ptrdiff_t room = pick(3), first = room, last = room, step = 1, odd = pick(8) == 1;
    for (int i = 0, gaps = 1 + pick(3); i < 3; i++) {
        int axis = order[i], turned = backwards >> axis & 1;
        step += pick(gaps);
        ptrdiff_t stride = axis == repeated ? 0 : step;
        view->strides[axis] = turned ? -stride : stride;
        first += turned * stride * (sides[axis] - 1);
        last += stride * (sides[axis] - 1);
        step *= sides[axis];
    }
    char *memory = allocate(block, (last + 1 + room) * size + odd);
    uint32_t noise = (uint32_t)pick(256);
    for (ptrdiff_t i = 0; i < blocks[block].bytes; i++, noise = noise * 1664525 + 1013904223)
        memory[i] = (char)(kind == 0 ? 0 : noise >> 24 & (kind == 1 ? 255 : 63)); /* 63: all floats are finite */
    view->data = memory + first * size + odd;
}

static bool is_whole(enum accumulator accumulator)
{
    return accumulator != IN_F32 && accumulator != IN_F64;
}

static void make_pass(struct task *task, int index)
{
    struct pass *pass = &task->pass[index];
    int taps = TAPS + 3 * index, choices = is_whole(task->accumulator) ? WHOLE : FINITE;
    pass->height = index ? task->pass[0].height : 1 + pick(pick(4) ? 9 : 24);
    pass->width = index ? task->pass[0].width : 1 + pick(pick(4) ? 9 : 40);
    pass->denominator = task->passes > 1 || pick(2) ? 1 : fmax(fabs(numbers[pick(FINITE)]), 5e-324);
    pass->terms = pick(10);
    if (pass->terms == 0) {
        pass->taps = make_numbers(taps, pass->height * pass->width, choices);
        return;
    }
    pass->columns = make_numbers(taps, pass->terms * pass->height, choices);
    pass->rows = make_numbers(taps + 1, pass->terms * pass->width, choices);
    bool shifted = task->accumulator == IN_I32 && task->passes == 1 && pick(2);
    double *shifts = shifted ? make_numbers(taps + 2, pass->terms, choices) : NULL;
    for (ptrdiff_t term = 0; shifts && term < pass->terms; term++)
        shifts[term] = pick(32); /* 31 is too much */
    pass->shifts = shifts;
}

static void make_task(struct task *task)
{
    static const enum sample_type types[] = {U8, I8, U16, I16, F32, U32, I32, F64}; /* of float sums: the first five */
    struct view *in = &task->in, *out = &task->out;
    task->accumulator = (enum accumulator)pick(ACCUMULATORS);
    bool whole = is_whole(task->accumulator), without_sign = task->accumulator == IN_U16;
    task->wide = whole && !without_sign && pick(2);
    in->type = types[pick(without_sign ? 1 : whole ? 2 : task->accumulator == IN_F32 ? 5 : 8)];
    out->type = types[pick(task->wide || task->accumulator == IN_F64 ? 8 : 5)];
    in->channels = out->channels = 1 + (pick(4) ? pick(5) : pick(256) * (pick(8) ? 1 : 16));
    out->height = 1 + pick(pick(4) ? 9 : 64) % (MOST_SAMPLES / out->channels);
    out->width = 1 + (pick(4) ? pick(9) : pick(256) * 31) % (MOST_SAMPLES / (out->channels * out->height));
    for (int side = 0; side < 4; side++)
        task->context[side] = pick(3) ? 0 : pick(12);
    in->height = out->height + task->context[0] + task->context[1];
    in->width = out->width + task->context[2] + task->context[3];
    task->border = (enum border_mode)pick(BORDER_MODES);
    task->constant = whole ? pick(256) - (in->type == I8 ? 128 : 0) : numbers[pick(FINITE)];
    task->map = (struct map){1, 0, pick(4) == 1};
    if (pick(4))
        task->map.scale = numbers[pick(FINITE)], task->map.offset = numbers[pick(FINITE)];
    task->passes = without_sign || pick(4) ? 1 : 2;
    make_view(IN, in);
    make_view(OUT, out);
    for (int i = 0; i < task->passes; i++)
        make_pass(task, i);
    for (int i = TAPS; i < TAPS + 2 && without_sign; i++)
        for (ptrdiff_t t = 0; t < blocks[i].bytes / (ptrdiff_t)sizeof(double); t++)
            ((double *)blocks[i].memory)[t] = fabs(((double *)blocks[i].memory)[t]);
    task->anchor[0] = pick((int)task->pass[0].height);
    task->anchor[1] = pick((int)task->pass[0].width);
}

/* Change one number. True: filter() has to refuse it, whatever the others are. It must be so wherever more memory is
 * claimed than is there: a view of small memory that says it is large cannot be told from a large one. */
static bool spoil(struct task *task)
{
    struct view *in = &task->in, *view = pick(2) ? in : &task->out;
    int index = pick(task->passes), value = pick(16) - 4, axis = pick(3);
    struct pass *pass = &task->pass[index];
    ptrdiff_t size = sizes[pick(LENGTH(sizes))], no_side = sizes[NO_SIDE + pick(LENGTH(sizes) - NO_SIDE)];
    ptrdiff_t no_stride = sizes[NO_STRIDE + pick(LENGTH(sizes) - NO_STRIDE)];
    ptrdiff_t *sides[] = {&view->height, &view->width, &view->channels, &task->context[0], &task->context[1],
                          &task->context[2], &task->context[3]}, *side = sides[pick(LENGTH(sides))];
    double number = numbers[pick(LENGTH(numbers))], *taps = (double *)blocks[TAPS + 3 * index + axis].memory;
    double *doubles[] = {&task->constant, &task->map.scale, &task->map.offset, &pass->denominator};
    switch (pick(14)) {
    case 0: view->data = NULL; return true;
    case 1: view->type = (enum sample_type)(value < 0 ? value : value + SAMPLE_TYPES); return true;
    case 2: task->border = (enum border_mode)value; return value < 0 || value >= BORDER_MODES;
    case 3: task->accumulator = (enum accumulator)value; return value < 0 || value >= ACCUMULATORS;
    case 4: task->passes = value; return value < 1 || value > MAX_PASSES;
    case 5: *doubles[pick(LENGTH(doubles))] = number; return !isfinite(number);
    case 6: *(taps ? taps : &number) = number; return taps && !isfinite(number);
    case 7: view->strides[axis] = *sides[axis] > 2 && value < 4 ? PTRDIFF_MAX / 8 : no_stride; return true;
    case 8: *(value & 1 ? &pass->height : &pass->width) = value < 4 ? 1 : no_side; return value >= 4;
    case 9: pass->terms = pass->taps && value < 4 ? 1 : no_side; return pass->terms != 0;
    case 10: pass->height = pass->width = MAX_SIDE; pass->terms = pass->terms ? MAX_TERMS : 0; return true;
    case 11: /* true, where a context may be that large: the same row again and again */
        in->strides[0] = task->context[0] = 0;
        task->context[1] = (ptrdiff_t)((size_t)(in->height = size) - (size_t)task->out.height);
        return size < 1 || size > MAX_SIDE;
    case 12: task->anchor[value & 1] = size; return size < 0 || size >= MAX_TERMS;
    default: value = *side != size; *side = size; return value;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
    const uint8_t *body = data + (length < HEAD ? length : HEAD);
    const char *const *level = supported_levels();
    struct task task = {.passes = 0};
    struct losses losses = {7, 8, 9};
    memset(blocks, 0, sizeof blocks);
    unused = body, end = data + length;
    make_task(&task);
    unused = data, end = body;
    for (int skipped = pick(3); skipped > 0 && level[1]; skipped--)
        level++;
    REQUIRE(choose_loops(*level));
    bool refused = pick(4) == 3 && spoil(&task);

    const struct block *out = &blocks[OUT];
    char *expected = allocate(EXPECTED, out->bytes);
    memcpy(expected, out->memory, (size_t)out->bytes);
    enum status status = filter(&task, &losses);
    bool untouched = losses.low == 7 && losses.high == 8 && losses.nonfinite == 9;
    REQUIRE(status <= NO_MEMORY && (status == DONE || untouched));
    if (status == DONE) {
        const struct view *view = &task.out;
        ptrdiff_t row = view->width * view->channels, samples = view->height * row;
        uint64_t lost = losses.low + losses.high + losses.nonfinite;
        REQUIRE(!refused && lost <= (uint64_t)(2 * samples)); /* infinities are high, too */
        for (ptrdiff_t i = 0; i < samples; i++) {
            ptrdiff_t place = i / row * view->strides[0] + i % row / view->channels * view->strides[1]
                            + i % view->channels * view->strides[2], size = (ptrdiff_t)sample_bytes(view->type);
            char *at = (char *)view->data + place * size;
            memcpy(expected + (at - out->memory), at, (size_t)size);
        }
    }
    REQUIRE(memcmp(expected, out->memory, (size_t)out->bytes) == 0); /* nothing but samples was written to */
    for (int block = 0; block < BLOCKS; block++)
        free(blocks[block].memory);
    return 0;
}
