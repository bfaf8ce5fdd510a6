/* Layers of filter banks from Python: arrays to blocks, a status to an exception. See module.c. */
#include "layer_module.h"

#include <string.h>

#include "layers.h"

static const char *const explanations[] = {
    [LAYER_DONE] = NULL,
    [BAD_BLOCK] = "an array is empty or too large",
    [BAD_KERNEL] = "the input does not have what the outputs are made of, or a stride or dilation is out of range",
    [BAD_SHARE] = "a share has channels that are not there, or a period that is not made of blocks and pixels",
    [BAD_WEIGHTS] = "groups do not divide the channels",
    [BAD_ACTIVATION] = "there is no such activation, or its alphas are of another number",
    [LAYER_NO_MEMORY] = "there is not enough memory",
};

enum { MOST_SHARES = 64, MOST_BUFFERS = 3 + 6 * MOST_SHARES };

struct held {
    Py_buffer buffers[MOST_BUFFERS];
    int count;
};

static void release(struct held *held)
{
    while (held->count > 0)
        PyBuffer_Release(&held->buffers[--held->count]);
}

/* A C-contiguous array of a format ('f' or 'i') with so many axes. */
static Py_buffer *hold(struct held *held, PyObject *object, char format, int axes, int flags)
{
    Py_buffer *buffer = &held->buffers[held->count];
    if (PyObject_GetBuffer(object, buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | flags) < 0)
        return NULL;
    held->count++;
    const char *found = buffer->format ? buffer->format : "B";
    found += *found == '@' || *found == '=';
    if (found[0] != format || found[1] || buffer->ndim != axes || buffer->itemsize != 4
        || (uintptr_t)buffer->buf % 4) {
        PyErr_Format(PyExc_TypeError, "an aligned array of %s with %d axes is wanted",
                     format == 'f' ? "float32" : "int32", axes);
        return NULL;
    }
    return buffer;
}

static const float *hold_floats(struct held *held, PyObject *object, size_t count)
{
    Py_buffer *buffer = hold(held, object, 'f', 1, 0);
    if (buffer && (size_t)buffer->shape[0] != count) {
        PyErr_Format(PyExc_ValueError, "an array has %zd numbers, and %zd are wanted", buffer->shape[0],
                     (Py_ssize_t)count);
        return NULL;
    }
    return buffer ? buffer->buf : NULL;
}

static bool as_block(struct held *held, PyObject *object, int flags, struct block *block)
{
    Py_buffer *buffer = hold(held, object, 'f', 3, flags);
    if (buffer)
        *block = (struct block){buffer->buf, (size_t)buffer->shape[0], (size_t)buffer->shape[1],
                                (size_t)buffer->shape[2]};
    return buffer != NULL;
}

static bool as_activated(struct held *held, int kind, PyObject *alphas, struct activated *activated)
{
    Py_buffer *buffer = hold(held, alphas, 'f', 1, 0);
    if (buffer)
        *activated = (struct activated){(enum activation)kind, buffer->buf, (size_t)buffer->shape[0]};
    return buffer != NULL;
}

/* A share is (take, put, start, taps) or (take, put, start, columns, rows). */
static bool as_share(struct held *held, PyObject *tuple, const struct depthwise *layer, struct share *share)
{
    PyObject *take, *put, *start, *first, *second = NULL;
    if (!PyTuple_Check(tuple)) {
        PyErr_SetString(PyExc_TypeError, "a share must be a tuple");
        return false;
    }
    if (!PyArg_ParseTuple(tuple, "OOOO|O", &take, &put, &start, &first, &second))
        return false;
    Py_buffer *taken = hold(held, take, 'i', 1, 0), *given = taken ? hold(held, put, 'i', 1, 0) : NULL;
    Py_buffer *begin = given ? hold(held, start, 'f', 1, 0) : NULL;
    if (!begin)
        return false;
    *share = (struct share){.channels = (size_t)taken->shape[0], .take = taken->buf, .put = given->buf,
                            .start = begin->buf, .period = (size_t)begin->shape[0]};
    if (given->shape[0] != taken->shape[0] || share->period > (size_t)1 << 24) {
        PyErr_SetString(PyExc_ValueError, "a share takes as many channels as it gives, in no longer periods");
        return false;
    }
    if (!second)
        return (share->taps = hold_floats(held, first, layer->kernel[0] * layer->kernel[1] * share->period));
    Py_buffer *columns = hold(held, first, 'f', 1, 0);
    if (!columns)
        return false;
    share->columns = columns->buf;
    size_t one = layer->kernel[0] * share->period;
    share->terms = one ? (size_t)columns->shape[0] / one : 0;
    if (!share->terms || (size_t)columns->shape[0] % one) {
        PyErr_SetString(PyExc_ValueError, "columns must be of whole terms");
        return false;
    }
    return (share->rows = hold_floats(held, second, share->terms * layer->kernel[1] * share->period));
}

static PyObject *as_answer(enum layer_status status)
{
    if (status == LAYER_NO_MEMORY)
        return PyErr_NoMemory();
    if (status != LAYER_DONE) {
        PyErr_SetString(PyExc_ValueError, explanations[status]);
        return NULL;
    }
    Py_RETURN_NONE;
}

static bool is_sized(const size_t *numbers)
{
    for (int i = 0; i < 6; i++)
        if (numbers[i] - 1 >= 4096) {
            PyErr_SetString(PyExc_ValueError, explanations[BAD_KERNEL]);
            return false;
        }
    return true;
}

PyObject *module_depthwise(PyObject *module, PyObject *arguments)
{
    PyObject *in, *out, *shares, *alphas;
    struct held held = {.count = 0};
    struct share share[MOST_SHARES];
    Py_ssize_t n[6];
    int kind;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OO(nn)(nn)(nn)O!iO:depthwise", &in, &out, &n[0], &n[1], &n[2], &n[3], &n[4],
                          &n[5], &PyTuple_Type, &shares, &kind, &alphas))
        return NULL;
    struct depthwise layer = {
        .kernel = {(size_t)n[0], (size_t)n[1]}, .stride = {(size_t)n[2], (size_t)n[3]},
        .dilation = {(size_t)n[4], (size_t)n[5]}, .share = share, .shares = (size_t)PyTuple_Size(shares)};
    bool ready = is_sized((size_t[]){layer.kernel[0], layer.kernel[1], layer.stride[0], layer.stride[1],
                                     layer.dilation[0], layer.dilation[1]})
        && as_block(&held, in, 0, &layer.in) && as_block(&held, out, PyBUF_WRITABLE, &layer.out)
        && as_activated(&held, kind, alphas, &layer.activated);
    if (ready && layer.shares > MOST_SHARES) {
        PyErr_SetString(PyExc_ValueError, "there are too many shares");
        ready = false;
    }
    for (size_t s = 0; ready && s < layer.shares; s++)
        ready = as_share(&held, PyTuple_GetItem(shares, (Py_ssize_t)s), &layer, &share[s]);
    enum layer_status status = LAYER_DONE;
    if (ready) {
        Py_BEGIN_ALLOW_THREADS
        status = run_depthwise(&layer);
        Py_END_ALLOW_THREADS
    }
    release(&held);
    return ready ? as_answer(status) : NULL;
}

PyObject *module_mix(PyObject *module, PyObject *arguments)
{
    PyObject *in, *out, *weights, *start, *alphas;
    struct held held = {.count = 0};
    Py_ssize_t n[6], groups;
    int kind;
    (void)module;
    if (!PyArg_ParseTuple(arguments, "OO(nn)(nn)(nn)nOOiO:mix", &in, &out, &n[0], &n[1], &n[2], &n[3], &n[4], &n[5],
                          &groups, &weights, &start, &kind, &alphas))
        return NULL;
    struct mixing layer = {.kernel = {(size_t)n[0], (size_t)n[1]}, .stride = {(size_t)n[2], (size_t)n[3]},
                           .dilation = {(size_t)n[4], (size_t)n[5]}, .groups = (size_t)groups};
    bool ready = is_sized((size_t[]){layer.kernel[0], layer.kernel[1], layer.stride[0], layer.stride[1],
                                     layer.dilation[0], layer.dilation[1]})
        && as_block(&held, in, 0, &layer.in) && as_block(&held, out, PyBUF_WRITABLE, &layer.out)
        && as_activated(&held, kind, alphas, &layer.activated);
    if (ready && (groups < 1 || layer.in.channels % layer.groups || layer.out.channels % layer.groups)) {
        PyErr_SetString(PyExc_ValueError, explanations[BAD_WEIGHTS]);
        ready = false;
    }
    if (ready) {
        size_t starts = layer.groups * mixing_blocks(&layer) * LAYER_BLOCK;
        size_t taps = layer.kernel[0] * layer.kernel[1] * (layer.in.channels / layer.groups);
        layer.weights = hold_floats(&held, weights, starts * taps);
        layer.start = layer.weights ? hold_floats(&held, start, starts) : NULL;
        ready = layer.start != NULL;
    }
    enum layer_status status = LAYER_DONE;
    if (ready) {
        Py_BEGIN_ALLOW_THREADS
        status = run_mixing(&layer);
        Py_END_ALLOW_THREADS
    }
    release(&held);
    return ready ? as_answer(status) : NULL;
}
