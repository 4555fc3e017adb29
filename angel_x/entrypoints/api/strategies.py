"""Scenarios of the book, and strategies by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, Request
from starlette.responses import Response

from angel_x.domain.strategies.answers import (
    ScenarioReport,
    StrategyList,
    StrategyPlan,
    TagReports,
)
from angel_x.entrypoints.api import body
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads, on_thread
from angel_x.entrypoints.api.keys import Reader
from angel_x.entrypoints.api.openapi import answers, reads
from angel_x.entrypoints.api.parts import answer, application
from angel_x.services.accounts import scenario_form
from angel_x.services.accounts.strategy_plans import StrategyForm

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

router = APIRouter(tags=["strategies"])

_BODY_BYTES = 1024 * 1024


@router.post(
    "/v1/scenarios",
    summary="The book in a grid of spots, volatilities and days, with orders that are not sent",
    response_class=Response,
    responses=answers(ScenarioReport, "P&L and margin in each state, payoffs and concentration"),
    openapi_extra=reads(scenario_form.ScenarioForm, required=False),
)
async def compute_scenarios(request: Request, caller: Reader) -> Response:
    """Reprice the positions of the account, and the orders of the body as if they had traded.

    Nothing is stored; orders need no client order id.
    """
    content = await body.read(request, _BODY_BYTES)
    parts, user_id = application(request), caller.user_id
    return await bulkheads(request).run(
        Bulkhead.READS, user_id, _scenarios, parts, user_id, content
    )


def _scenarios(parts: Application, user_id: int, content: bytes) -> Response:
    asked = scenario_form.decode(content)
    parts.intake.order_check.check(asked.orders)
    return answer(parts.questions.scenarios.report(user_id, asked))


@router.get(
    "/v1/strategies",
    summary="The strategies in the positions, by name",
    response_class=Response,
    responses=answers(StrategyList, "With cost, P&L, Greeks and payoff; the rest has no name"),
)
@on_thread(Bulkhead.READS)
def list_strategies(request: Request, caller: Reader) -> Response:
    return answer(application(request).questions.strategies.held(caller.user_id))


@router.get(
    "/v1/strategies/tags",
    summary="Positions, Greeks and P&L by tag",
    response_class=Response,
    responses=answers(TagReports, "Each tag as a book of its own"),
)
@on_thread(Bulkhead.READS)
def list_tags(request: Request, caller: Reader) -> Response:
    """A fill closes units of its own tag only. The whole history of the account is folded."""
    return answer(application(request).questions.strategies.by_tag(caller.user_id))


@router.post(
    "/v1/strategies",
    summary="Plan a strategy by name: its orders by strike offset, delta or strike",
    response_class=Response,
    responses=answers(StrategyPlan, "The orders of a basket, which is not submitted"),
    openapi_extra=reads(StrategyForm),
)
async def plan_strategy(request: Request, caller: Reader) -> Response:
    """Return the legs at the touch of now, with cost, Greeks and payoff. Nothing is stored."""
    content = await body.read(request, _BODY_BYTES)
    parts = application(request)
    return await bulkheads(request).run(Bulkhead.READS, caller.user_id, _plan, parts, content)


def _plan(parts: Application, content: bytes) -> Response:
    return answer(parts.questions.plans.plan(content))
