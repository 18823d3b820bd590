"""`python -m gesso`, and `torchrun … -m gesso train …`."""

from gesso.cli import main

if __name__ == "__main__":
    main()
