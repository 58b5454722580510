"""Run the command line with ``python -m songark``."""

from songark.cli.main import main

if __name__ == "__main__":
    main()
