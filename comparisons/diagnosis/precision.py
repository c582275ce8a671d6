"""How precise given numbers are: how they were rounded, and what an explanation may therefore be off by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comparisons.proof.bounds import UNITS

Array = NDArray[Any]

# Numbers that a rounding to so many decimals would be by chance, one in 10 or less: how many it takes to believe it.
DECIMALS = {1: 8, 2: 5, 3: 4, 4: 3, 5: 6, 6: 12}
DIGITS = {3: 8, 4: 6, 5: 8, 6: 24}  # significant ones


@dataclass(frozen=True)
class Precision:
    """`dtype` is the one of the computation, `half` half a unit of the last place that was written (0: all of them)."""

    dtype: str
    half: Any
    said: str

    @property
    def u(self) -> float:
        return UNITS[self.dtype]


def of(values: Array, few: bool = False) -> Precision:
    """The precision that numbers show: by their dtype, by what they are, or by the digits that were printed; `few`
    believes in digits however few numbers show them."""
    wide = np.asarray(values, "float64")
    seen = np.unique(wide[np.isfinite(wide)])
    seen = seen[seen * 256 != np.round(seen * 256)]  # 0, ±1 and ±0.5 show nothing
    dtype = values.dtype.name if values.dtype.name in UNITS else "float64"
    if dtype == "float64" and np.array_equal(wide.astype("float32"), wide, equal_nan=True):
        dtype = "float32"
    for decimals, enough in DECIMALS.items() if dtype != "float16" else ():
        if len(seen) >= (1 if few else enough) and _same(seen, np.round(seen, decimals), dtype):
            said = f"printed with {decimals} decimal{'s' * (decimals > 1)}"
            return Precision("float32", 0.5 * 10.0**-decimals, said)
    for digits, enough in DIGITS.items() if dtype != "float16" else ():
        if len(seen) >= (1 if few else enough) and _same(
            seen, np.array([float(f"{v:.{digits - 1}e}") for v in seen]), dtype
        ):
            exponent = np.floor(np.log10(np.maximum(np.abs(wide), np.finfo("float64").tiny)))
            return Precision("float32", 0.5 * 10.0 ** (exponent - digits + 1), f"printed with {digits} digits")
    return Precision(dtype, 0.0, dtype)


def _same(seen: Array, rounded: Array, dtype: str) -> bool:
    if dtype == "float32":
        return bool((rounded.astype("float32") == seen.astype("float32")).all())
    return bool((np.abs(rounded - seen) <= 1e-15 * np.maximum(np.abs(seen), 1)).all())
