"""The command line: ``angel-x``."""


def main() -> None:
    """Run the command that the arguments name."""
    from angel_x.entrypoints.cli.root import cli  # noqa: PLC0415 - importing the package is free

    cli(prog_name="angel-x")
