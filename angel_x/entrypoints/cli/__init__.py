"""The command line: ``angel-x``."""


def main() -> None:
    """Run the command of the arguments."""
    # Importing the package is free.
    import os  # noqa: PLC0415
    import sys  # noqa: PLC0415

    from angel_x.adapters import installation  # noqa: PLC0415
    from angel_x.errors import ShadowedPackage  # noqa: PLC0415

    try:
        installation.check_packages()
    except ShadowedPackage as error:
        sys.exit(f"Error: {error}")
    installation.forget_celery(os.environ)

    try:
        from angel_x.entrypoints.cli.root import cli  # noqa: PLC0415 - needs the packages

        cli(prog_name="angel-x")
    except ModuleNotFoundError as error:
        extra = installation.extra_of(error.name or "angel_x")
        if extra is None:
            raise
        sys.exit(f"Error: {error.name} is not installed: pip install 'angel-x[{extra}]'")
