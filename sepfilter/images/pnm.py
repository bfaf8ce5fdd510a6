"""Netpbm's formats and portable float maps: where they are read and written."""

from sepfilter.images.pnm_sink import open_pfm_sink, open_ppm_sink
from sepfilter.images.pnm_source import open_pfm, open_pnm

__all__ = ["open_pfm", "open_pfm_sink", "open_pnm", "open_ppm_sink"]
