"""What is collected depends on what is there: tests over data outside of the project are not made where it is not."""

from __future__ import annotations

from pathlib import Path

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
collect_ignore = [] if SHARED_DATA.is_dir() else ["test_real_data.py"]
