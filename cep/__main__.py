"""`python -m cep` is the command `cep`."""

from cep.cli.main import main

main()
