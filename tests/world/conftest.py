"""The downloads beside the tests are imported by name: `import packages`."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
