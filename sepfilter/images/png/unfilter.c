/* Undoes the filters of PNG rows (PNG specification, section 9). Limited API, as the engine. */
#include <pyconfig.h>
#ifndef Py_GIL_DISABLED
#define Py_LIMITED_API 0x030b0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum filter { NONE, SUB, UP, AVERAGE, PAETH };

#define LONGEST_PIXEL 8

/* A pixel of up to eight bytes, and what may follow it, in lanes wide enough for differences of three. */
typedef int16_t lanes __attribute__((vector_size(2 * LONGEST_PIXEL)));
typedef uint8_t bytes __attribute__((vector_size(LONGEST_PIXEL)));

/* Copies of eight bytes are much faster than those of three, but at the end of a row there is no room for them. */
static inline void copy(void *to, const void *from, int pixel, bool room)
{
    if (room)
        memcpy(to, from, LONGEST_PIXEL);
    else
        memcpy(to, from, (size_t)pixel);
}

static inline lanes load(const uint8_t *from, int pixel, bool room)
{
    bytes loaded = {0};
    copy(&loaded, from, pixel, room);
    return __builtin_convertvector(loaded, lanes);
}

static inline lanes magnitude(lanes x)
{
    lanes sign = x >> 15;
    return (x ^ sign) - sign;
}

static inline lanes either(lanes mask, lanes yes, lanes no)
{
    return (mask & yes) | (~mask & no);
}

/* Of three neighbours the one nearest to left + up - corner; in a tie the one named first. */
static inline lanes paeth(lanes left, lanes up, lanes corner)
{
    lanes along = up - corner, down = left - corner;
    lanes by_left = magnitude(along), by_up = magnitude(down), by_corner = magnitude(along + down);
    return either((by_left <= by_up) & (by_left <= by_corner), left, either(by_up <= by_corner, up, corner));
}

static inline __attribute__((always_inline)) void undo_paeth(Py_ssize_t n, int pixel, const uint8_t *restrict in,
                                                             const uint8_t *restrict up, uint8_t *restrict out)
{
    lanes left = {0}, corner = {0};
    for (Py_ssize_t i = 0; i < n; i += pixel) {
        bool room = n - i >= LONGEST_PIXEL;
        lanes here = load(up + i, pixel, room);
        left = (load(in + i, pixel, room) + paeth(left, here, corner)) & 255;
        corner = here;
        bytes samples = __builtin_convertvector(left, bytes);
        copy(out + i, &samples, pixel, room);
    }
}

/* One row of `n` bytes: `in` are differences, `up` is the row above, `out` the samples. Inlined for each size of a
 * pixel, so that the pixel to the left stays in registers. */
static inline __attribute__((always_inline)) void undo_row(int filter, Py_ssize_t n, int pixel,
                                                           const uint8_t *restrict in, const uint8_t *restrict up,
                                                           uint8_t *restrict out)
{
    uint8_t left[LONGEST_PIXEL] = {0};
    switch (filter) {
    case NONE:
        memcpy(out, in, (size_t)n);
        break;
    case SUB:
        for (Py_ssize_t i = 0; i < n; i += pixel)
            for (int c = 0; c < pixel; c++)
                out[i + c] = left[c] = (uint8_t)(in[i + c] + left[c]);
        break;
    case UP:
        for (Py_ssize_t i = 0; i < n; i++)
            out[i] = (uint8_t)(in[i] + up[i]);
        break;
    case AVERAGE:
        for (Py_ssize_t i = 0; i < n; i += pixel)
            for (int c = 0; c < pixel; c++)
                out[i + c] = left[c] = (uint8_t)(in[i + c] + (left[c] + up[i + c]) / 2);
        break;
    case PAETH:
        undo_paeth(n, pixel, in, up, out);
        break;
    }
}

#define CASE(size) case size: undo_row(filter, n, size, in, up, out); break

static void undo_row_of(int pixel, int filter, Py_ssize_t n, const uint8_t *in, const uint8_t *up, uint8_t *out)
{
    switch (pixel) {
    CASE(1);
    CASE(2);
    CASE(3);
    CASE(4);
    CASE(6);
    CASE(8);
    }
}

/* Every row behind its filter's number. False where there is no such filter. */
static bool undo_rows(Py_ssize_t rows, Py_ssize_t n, int pixel, const uint8_t *in, const uint8_t *above, uint8_t *out)
{
    for (Py_ssize_t row = 0; row < rows; row++, in += n + 1, above = out, out += n) {
        if (*in > PAETH)
            return false;
        undo_row_of(pixel, *in, n, in + 1, above, out);
    }
    return true;
}

static bool is_pixel(int size)
{
    return size == 1 || size == 2 || size == 3 || size == 4 || size == 6 || size == 8;
}

static PyObject *module_undo(PyObject *module, PyObject *arguments)
{
    (void)module;
    Py_buffer lines, above, out;
    int pixel;
    if (!PyArg_ParseTuple(arguments, "y*y*iw*", &lines, &above, &pixel, &out))
        return NULL;
    Py_ssize_t n = above.len, rows = n ? out.len / n : 0;
    bool fits = n && is_pixel(pixel) && n % pixel == 0 && out.len == rows * n && lines.len - out.len == rows;
    bool known = true;
    if (fits) {
        Py_BEGIN_ALLOW_THREADS
        known = undo_rows(rows, n, pixel, lines.buf, above.buf, out.buf);
        Py_END_ALLOW_THREADS
    }
    PyBuffer_Release(&lines);
    PyBuffer_Release(&above);
    PyBuffer_Release(&out);
    if (!fits || !known) {
        PyErr_SetString(PyExc_ValueError, fits ? "there is no such filter" : "buffers and pixels do not fit together");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"undo", module_undo, METH_VARARGS,
     "undo(lines, above, pixel_bytes, out): filtered rows, each behind its filter's number, to samples"},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#if defined(Py_GIL_DISABLED)
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_unfilter", .m_doc = "The filters of PNG, undone.", .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__unfilter(void)
{
    return PyModuleDef_Init(&definition);
}
