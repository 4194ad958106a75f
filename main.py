"""Run FlowForge from a checkout: `python main.py --help`."""

import shlex
import sys
from pathlib import Path

try:
    from flowforge.cli.app import main
except ModuleNotFoundError as error:
    if error.name is None or error.name.partition(".")[0] == "flowforge":
        raise
    # Whoever types `python` gets the system's, and a traceback would not say which Python has what is needed.
    root = Path(__file__).resolve().parent
    python = root / ".venv" / "bin" / "python"
    first = "" if python.exists() else f"make -C {shlex.quote(str(root))} setup && "
    sys.exit(
        f"flowforge: {sys.executable} has no {error.name}; this one has everything:\n"
        f"  {first}{shlex.join([str(python), *sys.argv])}"
    )

if __name__ == "__main__":
    main()
