"""What is collected depends on what is there: tests over data outside of the project are not made where it is not."""

from __future__ import annotations

from pathlib import Path

from tests.conformance.cases import FOLDER

SHARED = Path(__file__).parents[2] / "shared"
collect_ignore = [] if SHARED.is_dir() else ["test_real_data.py", "deliver/test_published_vectors.py"]
collect_ignore += [] if FOLDER.is_dir() else ["conformance/test_conformance.py"]
