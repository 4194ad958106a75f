"""Run FlowForge from a checkout: `python main.py --help`."""

from flowforge.cli.app import main

if __name__ == "__main__":
    main()
