"""The reference of problems, generated from their table.

``python -m angel_x.entrypoints.problem_reference`` prints it.
"""

from __future__ import annotations

import sys

from angel_x.entrypoints.presentation.problem_types import PROBLEM_TYPES, ProblemType

_HEAD = """\
# Problems

Made by `python -m angel_x.entrypoints.problem_reference`; do not edit.

Every error of the [API](http.md) is a problem ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)), and so is the result of a
[message](../messages.md) that was refused: `type`, `title`, `status`, `detail` for people, and `errors` with index, field,
value and reason of each fault. `GET /v1/submissions/{client_order_id}` answers such a refusal with the `type` of its
reason, always with status 422. Programs look at `type`, which does not change. A running system shows this page at
`/docs/problems`; the header `Link` of an answer leads to the section of its type there. An order that was accepted and then
denied is no error: it has a [reason](denials.md).
"""


def reference() -> str:
    """Return the whole document."""
    return "\n".join([_HEAD, *map(_section, PROBLEM_TYPES)])


def _section(kind: ProblemType) -> str:
    return f"## {kind.name}\n\n`{kind.urn}`, status {kind.status:d}. {kind.meaning} {kind.remedy}\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
