"""`python -m asura`: the command line."""

from asura.cli import main

main()
