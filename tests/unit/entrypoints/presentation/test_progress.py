from __future__ import annotations

import io

from rich.console import Console

from angel_x.entrypoints.presentation.progress import working


def shown(*, is_terminal: bool) -> str:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=is_terminal, width=60)
    with working("the first step", console) as tell:
        tell("the second step")
    return screen.getvalue()


def test_a_terminal_shows_the_step_that_is_worked_at_and_a_file_shows_nothing() -> None:
    assert "step" in shown(is_terminal=True)
    assert shown(is_terminal=False) == ""
