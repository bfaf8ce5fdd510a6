/* The sweeps of one kind, for 1, 2 and 4 outputs: eight vectors of sums in each. Wants SWEEP(outputs), which names
 * them, and what sweep.h wants of the kind. */
#define NAME SWEEP(1)
#define OUTPUTS 1
#define VECTORS 8
#include "sweep.h"

#define NAME SWEEP(2)
#define OUTPUTS 2
#define VECTORS 4
#include "sweep.h"

#define NAME SWEEP(4)
#define OUTPUTS 4
#define VECTORS 2
#include "sweep.h"

#undef SWEEP
