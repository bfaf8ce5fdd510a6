"""An image without its opacity, as a source of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from sepfilter.geometry import ImageSpec, Window
from sepfilter.images.metadata import Metadata
from sepfilter.images.source import Source

Pixels = npt.NDArray[Any]


@dataclass(slots=True)
class Colours:
    """Another source, without its opacity."""

    source: Source

    @property
    def spec(self) -> ImageSpec:
        """One channel less."""
        spec = self.source.spec
        return replace(spec, channels=spec.channels - 1, alpha=False)

    @property
    def metadata(self) -> Metadata:
        """As the source's."""
        return replace(self.source.metadata, alpha=False)

    @property
    def strip_rows(self) -> int:
        """As the source's."""
        return self.source.strip_rows

    def read(self, window: Window) -> Pixels:
        """The colours of a part."""
        return self.source.read(window)[..., :-1]

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()
