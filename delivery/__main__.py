"""`python -m delivery`, which the script `slipway` runs."""

from delivery.commands.cli import main

if __name__ == "__main__":
    main()
