"""How the measures of flatness displace the parameters of a network."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Perturbation:
    """How parameters are displaced.

    Attributes:
        radius: of the ball of relative displacements delta, |delta|_2 <= radius, in the worst case.
        steps: of projected ascent in the worst case.
        sigma: standard deviation of the Gaussian displacement of every parameter.
        relative_sigma: the same relative to a parameter or to a filter.
        pairs: numbers of antithetic pairs of random displacements; at least 2.
    """

    radius: float = 0.5
    steps: int = 10
    sigma: float = 0.01
    relative_sigma: float = 0.1
    pairs: int = 10

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> "Perturbation":
        """Take those of the settings that are attributes; the others have their defaults."""
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})
