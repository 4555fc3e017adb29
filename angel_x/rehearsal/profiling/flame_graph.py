"""A flame graph as one SVG file: wider is longer, what is called stands above its caller."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from zlib import crc32

from angel_x.rehearsal.profiling.part import Stack

_WIDTH, _HEIGHT = 1400, 17
_LEAST_WIDTH = 0.5
_CHARACTER = 6.6
_HUES = 40
_PAGE = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">
<style>text {{ font: 11px monospace; pointer-events: none }} rect:hover {{ stroke: black }}</style>
<text x="4" y="14">{title}</text>
{boxes}
</svg>
"""
_BOX = (
    '<g><title>{call} ({percent:.1f} %)</title><rect x="{x:.1f}" y="{y}" width="{width:.1f}" '
    'height="{height}" fill="hsl({hue} 80% 65%)"/><text x="{text_x:.1f}" y="{text_y}">{shown}</text></g>'
)


@dataclass(slots=True)
class _Node:
    count: int = 0
    called: dict[str, _Node] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return 1 + max((node.depth for node in self.called.values()), default=0)


def flame_graph(samples: Mapping[Stack, int], title: str) -> str:
    """Return the SVG; boxes that are narrower than half a pixel are left out."""
    root = _tree(samples)
    height = (root.depth + 1) * _HEIGHT
    boxes = "\n".join(_boxes(root, 0.0, _WIDTH / max(1, root.count), height - _HEIGHT, root.count))
    return _PAGE.format(width=_WIDTH, height=height, title=escape(title), boxes=boxes)


def _tree(samples: Mapping[Stack, int]) -> _Node:
    root = _Node()
    for stack, count in samples.items():
        root.count += count
        node = root
        for call in stack:
            node = node.called.setdefault(call, _Node())
            node.count += count
    return root


def _boxes(node: _Node, x: float, scale: float, y: int, total: int) -> Iterator[str]:
    for call, child in sorted(node.called.items()):
        width = child.count * scale
        if width >= _LEAST_WIDTH:
            yield _BOX.format(
                call=escape(call),
                percent=100 * child.count / total,
                x=x,
                y=y,
                width=width,
                height=_HEIGHT - 1,
                hue=crc32(call.encode()) % _HUES,
                text_x=x + 2,
                text_y=y + _HEIGHT - 5,
                shown=escape(call[: int(width / _CHARACTER)]),
            )
            yield from _boxes(child, x, scale, y - _HEIGHT, total)
        x += width
