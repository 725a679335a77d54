"""Where the real decree is. It is no part of the project: SOHOA_SCANS names its folder."""

import os
from pathlib import Path

SCANS = Path(os.environ.get("SOHOA_SCANS", Path(__file__).parents[1].with_name("shared") / "data" / "scans"))
DECREE, TRUTH = SCANS / "nd-96-2016.pdf", SCANS / "nd-96-2016.txt"
PAGES = 50
