"""The shelf of shared reads in memory, under the contract of the one in Redis."""

from __future__ import annotations


class MemoryShelf:
    def __init__(self) -> None:
        self._begun: dict[str, int] = {}
        self._answers: dict[str, tuple[int, bytes]] = {}

    def begun(self, name: str) -> int:
        return self._begun.get(name, 0)

    def begin(self, name: str) -> int:
        self._begun[name] = self.begun(name) + 1
        return self._begun[name]

    def put(self, name: str, number: int, answer: bytes) -> None:
        if self._answers.get(name, (0, b""))[0] < number <= self.begun(name):
            self._answers[name] = number, answer

    def newer(self, name: str, number: int) -> bytes | None:
        kept, answer = self._answers.get(name, (0, b""))
        return answer if kept > number else None
