"""Numbers as arguments and options."""

from __future__ import annotations

from typing import cast

import click

from angel_x.domain.values.written_number import RULE, is_plain


class Whole(click.IntRange):
    """A whole number."""

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the number, or refuse the text."""
        _check(value, param, ctx)
        return super().convert(cast("int", value), param, ctx)


class Real(click.FloatRange):
    """A number with or without decimals."""

    def convert(
        self, value: str | float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or refuse the text."""
        _check(value, param, ctx)
        return super().convert(cast("float", value), param, ctx)


def _check(value: object, param: click.Parameter | None, ctx: click.Context | None) -> None:
    if isinstance(value, str) and not is_plain(value):
        raise click.BadParameter(f"{RULE}, was {value!r}", ctx, param)
