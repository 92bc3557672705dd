"""`python -m sandbox`: the same as the carefund-sandbox command."""

from sandbox.main import main

if __name__ == "__main__":
    main()
