"""A desk in memory with one account."""

from __future__ import annotations

import pytest

from tests.builders.desk import Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def user(desk: Desk) -> int:
    return desk.account()
