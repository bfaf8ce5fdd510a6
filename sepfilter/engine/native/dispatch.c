/* Which instruction set's loops run: the best that the machine has, or the one that is asked for. */
#include <string.h>

#include "loops.h"

static const struct loops *current;

static bool is_complete(const struct loops *loops)
{
    for (int accumulator = 0; accumulator < ACCUMULATORS; accumulator++) {
        for (int outputs = 0; outputs < 3; outputs++)
            if (!loops->sweep[accumulator][outputs])
                return false;
        if (!loops->finish[accumulator] || !loops->widen[accumulator][U8])
            return false;
        if (!loops->magnitude[accumulator] && accumulator != IN_U16)
            return false;
    }
    if (!loops->weigh || !loops->mix || !loops->bend)
        return false;
    return loops->name && loops->pair_sums && loops->to_double[0] && loops->to_double[1];
}

/* Best first; the machine is asked anew each time, which is cheap beside an image. */
static size_t supported(const struct loops *found[])
{
    size_t count = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
        && __builtin_cpu_supports("avx512vnni");
    if (avx512 && is_complete(&loops_avx512))
        found[count++] = &loops_avx512;
    if (avx2 && is_complete(&loops_avx2))
        found[count++] = &loops_avx2;
#endif
    if (is_complete(&loops_baseline))
        found[count++] = &loops_baseline;
    return count;
}

const char *const *supported_levels(void)
{
    static const char *names[4];
    const struct loops *found[3];
    size_t count = supported(found);
    for (size_t i = 0; i < count; i++)
        names[i] = found[i]->name;
    names[count] = NULL;
    return names;
}

bool choose_loops(const char *level)
{
    const struct loops *found[3];
    size_t count = supported(found);
    for (size_t i = 0; i < count; i++)
        if (!level || strcmp(level, found[i]->name) == 0) {
            current = found[i];
            return true;
        }
    return false;
}

const struct loops *current_loops(void)
{
    if (!current)
        choose_loops(NULL);
    return current;
}
