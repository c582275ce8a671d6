"""`python -m comparisons` is `gateproof`."""

import sys

from comparisons.cli import main

sys.exit(main())
