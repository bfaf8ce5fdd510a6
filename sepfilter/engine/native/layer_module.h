/* What module.c and layer_module.c share: Python's interface, and the functions of layers. */
#ifndef SEPFILTER_LAYER_MODULE_H
#define SEPFILTER_LAYER_MODULE_H

#include <pyconfig.h>
#ifndef Py_GIL_DISABLED
#define Py_LIMITED_API 0x030b0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdbool.h>

PyObject *module_depthwise(PyObject *module, PyObject *arguments);
PyObject *module_mix(PyObject *module, PyObject *arguments);

#endif
