"""The web application: routes, middleware, and the parts that they use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import Depends, FastAPI
from fastapi.telemetry import TelemetryConfig

from angel_x.bootstrap import TRANSIENT, is_lock_timeout
from angel_x.domain.operations.metric import Metric
from angel_x.entrypoints.api import (
    account,
    alerts,
    baskets,
    caller,
    controls,
    exports,
    front,
    limits,
    market,
    openapi,
    operations,
    orders,
    performance,
    probes,
    problems,
    settlement,
    strategies,
    stream,
    submissions,
)
from angel_x.entrypoints.api.bulkheads import Bulkheads
from angel_x.entrypoints.api.compression import CompressedReads
from angel_x.entrypoints.api.direct import DirectSubmissions
from angel_x.entrypoints.api.edge import Edge
from angel_x.entrypoints.api.group_commit import GroupCommit
from angel_x.entrypoints.api.key_checks import KeyChecks
from angel_x.entrypoints.api.parts import check_parameters
from angel_x.entrypoints.api.probed import probes_of
from angel_x.entrypoints.api.quote_watches import QuoteWatches
from angel_x.entrypoints.api.readiness import ReadinessCheck
from angel_x.entrypoints.api.subscriptions import Subscriptions
from angel_x.entrypoints.api.traced import Traced
from angel_x.entrypoints.machine import MachineReader
from angel_x.services.accounts.bad_keys import BadKeys
from angel_x.services.operations.memory import MemoryReporter

if TYPE_CHECKING:
    from angel_x.bootstrap import Application

#: Of the calls under ``/v1``, not of the software.
_VERSION = "1.0"
#: FastAPI would look for a provider of telemetry at each request; metrics are our own.
_NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}

#: Every route of the API.
ROUTERS = (
    orders.router,
    submissions.router,
    baskets.router,
    account.router,
    performance.router,
    exports.router,
    strategies.router,
    caller.router,
    limits.router,
    alerts.router,
    controls.router,
    operations.router,
    settlement.router,
    market.router,
    stream.router,
    probes.router,
    front.router,
)


def create_app(application: Application) -> FastAPI:
    """Return the web application; it does not close ``application``."""
    app = FastAPI(
        title="Angel-X",
        version=_VERSION,
        telemetry=_NO_TELEMETRY,
        lifespan=_lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=openapi.operation_id,
    )
    _equip(app, application)
    for router in ROUTERS:
        app.include_router(router, dependencies=[Depends(check_parameters)])
    openapi.install(app, ROUTERS)
    problems.install(app)
    if application.base.settings.gzip_enabled:
        app.add_middleware(CompressedReads)
    app.add_middleware(DirectSubmissions, handlers=app.exception_handlers)
    # A layer that is added later is further out.
    app.add_middleware(Edge, meter=application.base.meter)
    if application.base.tracer is not None:
        app.add_middleware(Traced, tracer=application.base.tracer)
    return app


def _equip(app: FastAPI, application: Application) -> None:
    settings = application.base.settings
    app.state.application = application
    app.state.bulkheads = Bulkheads(
        settings.thread_pool_size, patience_seconds=settings.api_response_timeout / 3
    )
    app.state.key_checks = KeyChecks(
        application.people.access,
        BadKeys(settings.bad_keys_per_second),
        app.state.bulkheads,
        TRANSIENT,
    )
    app.state.group_commit = GroupCommit(
        application.intake.submissions.submit,
        batch_size=settings.order_batch_size,
        wait_seconds=settings.order_batch_timeout_ms / 1000,
        timeout_seconds=settings.api_response_timeout,
        outages=TRANSIENT,
        is_lock_timeout=is_lock_timeout,
        tracer=application.base.tracer,
    )
    meter = application.base.meter
    app.state.subscriptions = Subscriptions(
        application.base.events,
        TRANSIENT,
        on_drop=lambda drop: meter.add(Metric.STREAMS_DROPPED, reason=drop.value),
    )
    app.state.quote_watches = QuoteWatches(application.analytics.watched_contracts, TRANSIENT)
    app.state.machine_reader = MachineReader(application)
    app.state.readiness = ReadinessCheck(probes_of(application))


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    application: Application = app.state.application
    memory_reporter = MemoryReporter(application.operations.memory_watch)
    memory_reporter.start()
    yield
    memory_reporter.stop()
    app.state.subscriptions.close()
    app.state.quote_watches.close()
    app.state.group_commit.close()
    app.state.readiness.close()
