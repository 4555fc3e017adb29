from __future__ import annotations

from pathlib import Path

from config.reference import describe, reference
from config.settings import SETTINGS

FILE = Path(__file__).parents[3] / "docs" / "reference" / "settings.md"


def test_the_settings_reference_is_current() -> None:
    assert FILE.read_text(encoding="utf-8") == reference(), (
        "run: python -m config.reference > docs/reference/settings.md"
    )


def test_the_reference_holds_every_setting_once() -> None:
    assert [row[0] for row in describe()] == [f"`{setting.variable}`" for setting in SETTINGS]
