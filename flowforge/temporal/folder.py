"""The data folder: made where it is missing, and one clear line where it cannot be."""

from pathlib import Path

from flowforge.errors import StartupError


def create(folder: Path) -> None:
    """Make `folder` and its parents.

    Raises:
        StartupError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def unwritable(folder: Path, error: OSError) -> StartupError:
    """Return the error that says that `folder` cannot be written to, and what to do."""
    return StartupError(
        f"cannot write in {folder} ({error.strerror}); make it writable or set FLOWFORGE_DATA_DIR to another folder"
    )
