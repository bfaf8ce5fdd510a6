"""A source in linear light, and the sink that its filtered pixels are encoded into."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import add
from typing import Any

import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.light.icc_curves import curve_of
from sepfilter.images.light.samples import clipped_samples, encoded_pixels, linear_pixels, linear_spec
from sepfilter.images.light.tone_curves import Curve
from sepfilter.images.metadata import Metadata
from sepfilter.images.sink import Sink
from sepfilter.images.source import Source
from sepfilter.values import value

Pixels = npt.NDArray[Any]


@value
class InLight:
    """Another source decoded to linear light, where 1 is full white and full opacity.

    Attributes
    ----------
    source : Source
        Encoded: 8 or 16 bits, or floats.
    curve : Curve
        How.
    note : str or None
        Why the curve is not the profile's.
    """

    source: Source
    curve: Curve
    note: str | None = None

    @property
    def description(self) -> str:
        """What is done, for reports, by which curve."""
        if self.source.metadata.icc is None:
            return f"linear, by {self.curve.name}'s curve: there is no profile"
        if self.note:
            return f"linear, by {self.curve.name}'s curve"
        return f"linear, by the profile's curve ({self.curve.name})"

    @property
    def spec(self) -> ImageSpec:
        """The same in floats."""
        return linear_spec(self.source.spec)

    @property
    def metadata(self) -> Metadata:
        """Those of the source, with a word on the curve."""
        metadata = self.source.metadata
        return metadata if not self.note else replace(metadata, warnings=(*metadata.warnings, self.note))

    @property
    def strip_rows(self) -> int:
        """As the source's."""
        return self.source.strip_rows

    def read(self, window: Window) -> Pixels:
        """Decode a part."""
        return linear_pixels(self.source.read(window), self.source.spec, self.curve, white=1.0)

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()

    def encoding(self, sink: Sink, spec: ImageSpec) -> EncodingSink:
        """What takes filtered light to a sink of encoded pixels."""
        return EncodingSink(sink, spec, self.curve)


def in_light(source: Source, name: str) -> InLight:
    """An image in linear light, by the curve of its profile, or sRGB's.

    Parameters
    ----------
    source : Source
        Encoded.
    name : str
        The image, in messages.

    Raises
    ------
    UnsupportedImageError
        Its samples are signed, or integers of 32 bits.
    """
    spec = source.spec
    linear_spec(spec, name=name)
    curve, reason = curve_of(source.metadata.icc, spec.channels - spec.alpha)
    note = f"the colour profile has no simple curve: {reason}; sRGB's was used" if reason else None
    return InLight(source, curve, note)


@dataclass(slots=True)
class EncodingSink:
    """Encodes linear light on its way to another sink.

    Attributes
    ----------
    sink : Sink
        Takes encoded pixels.
    spec : ImageSpec
        Of those.
    curve : Curve
        How.
    lost : (int, int, int)
        Colour samples so far that were clipped below, above, or not finite.
    """

    sink: Sink
    spec: ImageSpec
    curve: Curve
    lost: tuple[int, ...] = (0, 0, 0)

    def write(self, window: Window, pixels: Pixels) -> None:
        """Encode rows."""
        self.sink.write(window, encoded_pixels(pixels, self.spec, self.curve, white=1.0))
        lost = clipped_samples(pixels, self.spec, self.curve, white=1.0)
        self.lost = tuple(map(add, self.lost, lost))

    def finish(self) -> None:
        """Write what is left."""
        self.sink.finish()
