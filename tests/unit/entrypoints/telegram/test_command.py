from __future__ import annotations

import pytest

from angel_x.entrypoints.telegram.command import Command, CommandName, parse, plain


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/status", Command(CommandName.STATUS)),
        ("  /Status@My_bot  ", Command(CommandName.STATUS)),
        ("/halt", Command(CommandName.HALT)),
        ("/halt lunch\nand  tea", Command(CommandName.HALT, "lunch and tea")),
        ("/squareoff NIFTY", Command(CommandName.SQUAREOFF, "NIFTY")),
        ("/confirm 4821", Command(CommandName.CONFIRM, "4821")),
        ("/start ref", Command(CommandName.START, "ref")),
    ],
)
def test_a_command_is_its_name_and_the_rest_on_one_line(text: str, command: Command) -> None:
    assert parse(text) == command


@pytest.mark.parametrize(
    "text", ["", "status", "/", "/buy", "/statusNIFTY", "/status,", "hi /halt"]
)
def test_another_text_is_no_command(text: str) -> None:
    assert parse(text) is None


def test_characters_that_are_not_shown_are_left_out() -> None:
    assert plain("a\u202eb\u0000c\u200b d\t\ne") == "abc d e"
