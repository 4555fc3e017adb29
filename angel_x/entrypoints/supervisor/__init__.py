"""Running several programs on one machine until they are stopped."""

from angel_x.entrypoints.supervisor.program import (
    Program,
    ProgramFailed,
    ProgramLate,
    ready_when_it_answers,
)
from angel_x.entrypoints.supervisor.supervisor import Supervisor

__all__ = ["Program", "ProgramFailed", "ProgramLate", "Supervisor", "ready_when_it_answers"]
