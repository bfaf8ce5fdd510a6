"""Layers of filter banks: depthwise, pointwise and ordinary convolution."""
