"""``python -m trustlayer``, the same as ``trustlayer``."""

from trustlayer.cli import main

if __name__ == "__main__":
    main()
