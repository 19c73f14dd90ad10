"""Entry point of `python -m delivery`, which the `slipway` script runs."""

from delivery.commands.cli import main

if __name__ == "__main__":
    main()
