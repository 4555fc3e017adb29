"""A value that was read from the API, with its age, and the failure of later attempts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import msgspec

from angel_x.errors import ApiError

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class ApiReading(Generic[_Value]):
    """The last value that was read; it stays, and ages, while reading fails."""

    value: _Value | None = None
    #: On the clock of the reader, in seconds; None before the first value.
    read_at: float | None = None
    #: The words of the last attempt, None where it succeeded.
    failure: str | None = None

    def age(self, now: float) -> float | None:
        """Return the seconds since the value was read."""
        return None if self.read_at is None else max(0.0, now - self.read_at)

    def again(self, read: Callable[[], _Value], clock: Callable[[], float]) -> ApiReading[_Value]:
        """Return a new reading; after a failure it has the former value.

        The age counts from before the call, so that a slow answer is not shown as a fresh one.

        Raises:
            Unauthorized: The key is not valid any more.
        """
        began = clock()
        try:
            return ApiReading(read(), began)
        except ApiError as error:
            if error.status == _UNAUTHORIZED:
                raise
            return replace(self, failure=str(error))
        except msgspec.DecodeError as error:
            # The API is of another version.
            return replace(self, failure=f"an answer of the API cannot be read: {error}")


_UNAUTHORIZED = 401
