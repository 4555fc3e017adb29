"""The page with a section for each type of problem."""

from __future__ import annotations

from html import escape

from angel_x.entrypoints.presentation.problem_types import PROBLEM_TYPES, ProblemType

_HEAD = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Angel-X API: problems</title>
<link rel="icon" href="data:,">
<style>
body { font-family: system-ui, sans-serif; line-height: 1.5; margin: 2rem auto; max-width: 45rem; padding: 0 1rem }
h2 { font-size: 1.1rem; margin-bottom: 0 } p { margin: 0 0 .25rem } :target { background: #fff3bf; color: #000 }
</style>
</head>
<body>
<h1>Problems of the Angel-X API</h1>
<p>Every error is a problem (RFC 9457). Its <code>type</code> is one of these, and the header <code>Link</code> of the
answer leads to its section. <a href="/docs">All calls</a></p>
"""


def page() -> str:
    """Return the page, as HTML."""
    return "\n".join([_HEAD, *map(_section, PROBLEM_TYPES), "</body>", "</html>", ""])


def _section(kind: ProblemType) -> str:
    return "\n".join(
        [
            f'<h2 id="{kind.name}">{kind.status:d} {escape(kind.title)}</h2>',
            f"<p><code>{kind.urn}</code></p>",
            f"<p>{_html(kind.meaning)}</p>",
            f"<p>{_html(kind.remedy)}</p>",
        ]
    )


def _html(sentence: str) -> str:
    """Return a sentence of the table as HTML; words between backquotes are code."""
    words = escape(sentence).split("`")
    return "".join(f"<code>{w}</code>" if i % 2 else w for i, w in enumerate(words))
