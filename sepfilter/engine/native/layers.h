/* Layers of filter banks on blocks of float samples, channels side by side: each block comes with all that its
 * outputs are made of, padding included. Every output sample is summed up in the same order wherever it lies. */
#ifndef SEPFILTER_LAYERS_H
#define SEPFILTER_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Outputs, or samples of a row, that go together; weights are packed in blocks of so many. */
#define LAYER_BLOCK 16

enum activation { NO_ACTIVATION, RELU, RELU6, LEAKY_RELU, PRELU, HARD_SWISH, SIGMOID, TANH, SOFTMAX, ACTIVATIONS };

struct activated {
    enum activation kind;
    const float *alphas; /* one, or one a channel */
    size_t alpha_count;
};

/* Samples y, x, c at data[(y * width + x) * channels + c]. */
struct block {
    float *data;
    size_t height, width, channels;
};

/* The kernels of some output channels of a depthwise layer that are run alike. The `channels` samples of a pixel
 * are gathered side by side, and so many pixels that they fill whole blocks are a period. */
struct share {
    size_t channels, period;
    const int32_t *take;   /* input channel of each; -1: none, a zero */
    const int32_t *put;    /* output channel of each; -1: none */
    const float *start;    /* period: what sums begin with, the bias */
    size_t terms;          /* 0: taps holds them all */
    const float *taps;     /* kernel height * width x period */
    const float *columns;  /* terms * kernel height x period */
    const float *rows;     /* terms * kernel width x period */
};

struct depthwise {
    struct block in, out;
    size_t kernel[2], stride[2], dilation[2];
    size_t shares;
    const struct share *share;
    struct activated activated;
};

/* Ordinary convolution of `groups` parts, pointwise with a kernel of one tap. */
struct mixing {
    struct block in, out;
    size_t kernel[2], stride[2], dilation[2];
    size_t groups;
    const float *weights; /* groups x blocks x taps x LAYER_BLOCK, taps = kernel height * width * channels of a group */
    const float *start;   /* groups x blocks x LAYER_BLOCK */
    struct activated activated;
};

enum layer_status { LAYER_DONE, BAD_BLOCK, BAD_KERNEL, BAD_SHARE, BAD_WEIGHTS, BAD_ACTIVATION, LAYER_NO_MEMORY };

/* Checks of everything but the lengths of the arrays behind pointers, which the caller has held. */
enum layer_status run_depthwise(const struct depthwise *layer);
enum layer_status run_mixing(const struct mixing *layer);

/* Blocks of outputs of a group. */
size_t mixing_blocks(const struct mixing *layer);

#endif
