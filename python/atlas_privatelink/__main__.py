"""`python -m atlas_privatelink` is `atlas-privatelink`."""

from __future__ import annotations

import sys

from atlas_privatelink.cli import main

if __name__ == "__main__":
    sys.exit(main())
