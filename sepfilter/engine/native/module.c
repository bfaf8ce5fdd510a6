/* The Python module: arguments to a task, a status to an exception. Limited API, buffers only: one binary
 * serves every Python from 3.11 on. A free-threaded Python has no limited API and gets a plain build. */
#include "layer_module.h"

#include <string.h>

#include "loops.h"

static const char *const explanations[] = {
    [DONE] = NULL,
    [BAD_VIEW] = "an array is empty, too large, or has strides that overflow",
    [BAD_CONTEXT] = "the output is not as large as the input without its context",
    [BAD_BORDER] = "there is no such border, or its constant does not suit the accumulator",
    [BAD_PASS] = "a pass has no taps, too many, or an anchor outside of them",
    [BAD_TAPS] = "taps are not finite, or not 16-bit integers where they have to be",
    [BAD_TYPE] = "the accumulator does not read or write samples of that type",
    [BAD_MAP] = "scale or offset is not finite",
    [NO_MEMORY] = "there is not enough memory",
};

/* Sample types by size, after their kind: signed, unsigned, float. -1: none. */
static int type_of(const Py_buffer *buffer)
{
    const char *format = buffer->format ? buffer->format : "B";
    if (*format == '@' || *format == '=')
        format++;
    if (format[0] == '\0' || format[1] != '\0')
        return -1;
    if (strchr("bhilq", *format))
        return buffer->itemsize == 1 ? I8 : buffer->itemsize == 2 ? I16 : buffer->itemsize == 4 ? I32 : -1;
    if (strchr("BHILQ", *format))
        return buffer->itemsize == 1 ? U8 : buffer->itemsize == 2 ? U16 : buffer->itemsize == 4 ? U32 : -1;
    return *format == 'f' ? F32 : *format == 'd' ? F64 : -1;
}

static bool as_view(const Py_buffer *buffer, struct view *view)
{
    int type = type_of(buffer);
    if (buffer->ndim != 3 || type < 0)
        return false;
    for (int axis = 0; axis < 3; axis++) {
        if (buffer->strides[axis] % buffer->itemsize)
            return false;
        view->strides[axis] = buffer->strides[axis] / buffer->itemsize;
    }
    view->data = buffer->buf;
    view->height = buffer->shape[0];
    view->width = buffer->shape[1];
    view->channels = buffer->shape[2];
    view->type = (enum sample_type)type;
    return true;
}

/* Buffers held during a call: pixels, output, and up to three of each pass. */
struct held {
    Py_buffer buffers[2 + 3 * MAX_PASSES];
    int count;
};

static void release(struct held *held)
{
    while (held->count > 0)
        PyBuffer_Release(&held->buffers[--held->count]);
}

static Py_buffer *hold(struct held *held, PyObject *object, int flags)
{
    Py_buffer *buffer = &held->buffers[held->count];
    if (PyObject_GetBuffer(object, buffer, flags) < 0)
        return NULL;
    held->count++;
    return buffer;
}

/* A C-contiguous array of doubles with `axes` axes. */
static Py_buffer *hold_doubles(struct held *held, PyObject *object, int axes)
{
    Py_buffer *buffer = hold(held, object, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT);
    if (buffer && (buffer->ndim != axes || type_of(buffer) != F64 || (uintptr_t)buffer->buf % sizeof(double))) {
        PyErr_Format(PyExc_TypeError, "taps must be an aligned array of float64 with %d axes", axes);
        return NULL;
    }
    return buffer;
}

/* A pass is (taps, denominator) or (columns, rows, shifts or None, denominator). */
static bool as_pass(struct held *held, PyObject *tuple, struct pass *pass)
{
    PyObject *first, *second = NULL, *shifts = Py_None;
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "a pass must be a tuple");
        return false;
    }
    if (PyTuple_Size(tuple) == 2) {
        if (!PyArg_ParseTuple(tuple, "Od", &first, &pass->denominator))
            return false;
        Py_buffer *taps = hold_doubles(held, first, 2);
        if (!taps)
            return false;
        pass->taps = taps->buf;
        pass->height = taps->shape[0];
        pass->width = taps->shape[1];
        return true;
    }
    if (!PyArg_ParseTuple(tuple, "OOOd", &first, &second, &shifts, &pass->denominator))
        return false;
    Py_buffer *columns = hold_doubles(held, first, 2), *rows = columns ? hold_doubles(held, second, 2) : NULL;
    if (!rows)
        return false;
    pass->terms = columns->shape[0];
    pass->height = columns->shape[1];
    pass->width = rows->shape[1];
    pass->columns = columns->buf;
    pass->rows = rows->buf;
    bool agree = pass->terms > 0 && rows->shape[0] == pass->terms;
    if (agree && shifts != Py_None) {
        Py_buffer *held_shifts = hold_doubles(held, shifts, 1);
        if (!held_shifts)
            return false;
        pass->shifts = held_shifts->buf;
        agree = held_shifts->shape[0] == pass->terms;
    }
    if (!agree)
        PyErr_SetString(PyExc_ValueError, "columns, rows and shifts must be of as many terms, at least one");
    return agree;
}

static bool as_task(struct held *held, PyObject *arguments, struct task *task)
{
    PyObject *pixels, *out, *passes;
    int border, accumulator, wide, absolute;
    if (!PyArg_ParseTuple(arguments, "OO(nnnn)id(nn)O!ippdd:filter", &pixels, &out, &task->context[0],
                          &task->context[1], &task->context[2], &task->context[3], &border, &task->constant,
                          &task->anchor[0], &task->anchor[1], &PyTuple_Type, &passes, &accumulator, &wide,
                          &absolute, &task->map.scale, &task->map.offset))
        return false;
    task->border = (enum border_mode)border;
    task->accumulator = (enum accumulator)accumulator;
    task->wide = wide;
    task->map.absolute = absolute;
    Py_buffer *in = hold(held, pixels, PyBUF_STRIDES | PyBUF_FORMAT);
    Py_buffer *to = in ? hold(held, out, PyBUF_STRIDES | PyBUF_FORMAT | PyBUF_WRITABLE) : NULL;
    if (!to)
        return false;
    if (!as_view(in, &task->in) || !as_view(to, &task->out)) {
        PyErr_SetString(PyExc_TypeError, "pixels and output must be arrays of three axes, of a known type");
        return false;
    }
    Py_ssize_t number = PyTuple_Size(passes);
    if (number < 1 || number > MAX_PASSES) {
        PyErr_SetString(PyExc_ValueError, "there must be one pass, or two for a magnitude");
        return false;
    }
    task->passes = (int)number;
    for (Py_ssize_t i = 0; i < number; i++)
        if (!as_pass(held, PyTuple_GetItem(passes, i), &task->pass[i]))
            return false;
    return true;
}

static PyObject *module_filter(PyObject *module, PyObject *arguments)
{
    struct held held = {.count = 0};
    struct task task = {.passes = 0};
    struct losses losses = {0, 0, 0};
    enum status status;
    (void)module;
    if (!as_task(&held, arguments, &task)) {
        release(&held);
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    status = filter(&task, &losses);
    Py_END_ALLOW_THREADS
    release(&held);
    if (status == NO_MEMORY)
        return PyErr_NoMemory();
    if (status != DONE) {
        PyErr_SetString(PyExc_ValueError, explanations[status]);
        return NULL;
    }
    return Py_BuildValue("(KKK)", (unsigned long long)losses.low, (unsigned long long)losses.high,
                         (unsigned long long)losses.nonfinite);
}

static PyObject *module_choose(PyObject *module, PyObject *level)
{
    const char *name = NULL;
    (void)module;
    if (level != Py_None) {
        name = PyUnicode_AsUTF8AndSize(level, NULL);
        if (!name)
            return NULL;
    }
    return PyBool_FromLong(choose_loops(name));
}

static PyObject *module_level(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    return PyUnicode_FromString(current_loops()->name);
}

static PyObject *module_levels(PyObject *module, PyObject *none)
{
    (void)module;
    (void)none;
    PyObject *list = PyList_New(0);
    for (const char *const *name = supported_levels(); list && *name; name++) {
        PyObject *text = PyUnicode_FromString(*name);
        if (!text || PyList_Append(list, text) < 0) {
            Py_XDECREF(text);
            Py_DECREF(list);
            return NULL;
        }
        Py_DECREF(text);
    }
    return list;
}

static PyMethodDef methods[] = {
    {"filter", module_filter, METH_VARARGS,
     "filter(pixels, out, (top, bottom, left, right), border, constant, (ay, ax), passes, accumulator, wide, "
     "absolute, scale, offset) -> (clipped low, clipped high, not finite)"},
    {"depthwise", module_depthwise, METH_VARARGS,
     "depthwise(block, out, kernel, stride, dilation, shares, activation, alphas)"},
    {"mix", module_mix, METH_VARARGS,
     "mix(block, out, kernel, stride, dilation, groups, weights, start, activation, alphas)"},
    {"choose", module_choose, METH_O, "choose(level or None) -> whether this machine has it"},
    {"level", module_level, METH_NOARGS, "The instruction set in use."},
    {"levels", module_levels, METH_NOARGS, "The instruction sets that this machine has, best first."},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module)
{
    return PyModule_AddIntMacro(module, PARTIAL_SUM) || PyModule_AddIntMacro(module, LAYER_BLOCK) ? -1 : 0;
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
#if defined(Py_GIL_DISABLED)
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_native", .m_doc = "The compiled engine.", .m_methods = methods,
    .m_slots = slots,
};

PyMODINIT_FUNC PyInit__native(void)
{
    return PyModuleDef_Init(&definition);
}
