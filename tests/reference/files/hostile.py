"""A crafted file for each rule of SECURITY.md, written anew for each run of the tests; none lies in the repository."""

import hostile_arrays
import hostile_hdf5
import hostile_structures
import hostile_zips
from hostile_rows import ROWS

__all__ = ["ROWS", "hostile_arrays", "hostile_hdf5", "hostile_structures", "hostile_zips"]
