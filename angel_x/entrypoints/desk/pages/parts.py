"""Small parts of pages: tagged boxes, figures, buttons and forms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from nicegui import ui

from angel_x.entrypoints.desk.views.words import NONE, Text

if TYPE_CHECKING:
    from nicegui.element import Element

    from angel_x.errors import ApiError


def box(classes: str, tag: str = "div") -> Element:
    """Return an element with classes of the style sheet."""
    return ui.element(tag).classes(classes)


def heading(text: str, source: str = "", fresh: float | None = None) -> None:
    """Show the title of a section, with the age of its reading, stale after ``fresh`` seconds."""
    with box("ax-heading"):
        with box("", "h2"):
            ui.label(text)
        if source:
            aging(box("ax-age"), "data-age", source, fresh)


@contextmanager
def titled_dialog(title: str, kind: str = "") -> Iterator[ui.dialog]:
    """Draw a dialog below its title, by which screen readers name it."""
    with ui.dialog() as dialog, ui.card().classes(f"ax-card {kind}".strip()):
        dialog.props["aria-label"] = title
        ui.label(title).classes("ax-card-title")
        yield dialog


def aging(element: Element, name: str, source: str, fresh: float | None) -> None:
    """Let an element follow the age of a reading; by default it is stale as the browser says."""
    element.props[name] = source
    if fresh is not None:
        element.props["data-limit"] = fresh


def filter_field() -> None:
    """Show the field that filters the rows of every table of the page."""
    box("ax-filter", "input").props(
        'id=ax-filter type=search placeholder="Filter rows  ( / )" aria-label="Filter rows" '
        "autocomplete=off spellcheck=false"
    )


class Label:
    """A text whose tone changes with it."""

    def __init__(self, classes: str, text: str = NONE) -> None:
        self._classes = classes
        self._shown = Text(text)
        self._label = ui.label(text).classes(classes)

    def show(self, text: Text) -> None:
        if text == self._shown:
            return
        self._shown = text
        self._label.set_text(text.text)
        self._label.classes(replace=f"{self._classes} {text.tone}".strip())
        self._label.props["title"] = text.title


class Figure:
    """A number with its name, gray once its reading is stale."""

    def __init__(self, label: str, source: str, title: str = "") -> None:
        with box("ax-figure") as figure:
            figure.props["data-source"] = source
            figure.props["title"] = title
            ui.label(label).classes("ax-figure-name")
            self._value = Label("ax-figure-value")

    def show(self, text: Text) -> None:
        self._value.show(text)


def button(text: str, act: Callable[..., object], *, kind: str = "") -> ui.button:
    """Return a button; its kind is ``main``, ``danger`` or nothing."""
    made = ui.button(text, on_click=act, color=None).props("unelevated no-caps")
    return made.classes(f"ax-button {f'ax-{kind}' if kind else ''}".strip())


def show_faults(error: ApiError, fields: Mapping[str, ui.input]) -> str:
    """Show each fault beside its field, and return the words of those without one."""
    for field in fields.values():
        field.error = None
    rest = []
    for fault in error.faults:
        if fault.field in fields:
            fields[fault.field].error = fault.detail
        else:
            rest.append(f"{fault.field} {fault.detail}".strip())
    if error.faults:
        return "; ".join(rest)
    return str(error)
