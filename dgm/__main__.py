"""`python -m dgm` is `dgm`."""

from dgm.cli import main

if __name__ == "__main__":
    main()
