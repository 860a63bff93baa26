"""Configuration files from the field, which are not part of the repository."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "lvs.cf-field"
FILES = sorted(FOLDER.glob("*.cf")) if FOLDER.is_dir() else []
MISSING = f"no files from the field in {FOLDER}"
