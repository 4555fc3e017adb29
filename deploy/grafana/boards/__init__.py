"""The dashboards of Angel-X."""

from __future__ import annotations

from deploy.grafana.boards.market import MARKET
from deploy.grafana.boards.objectives import OBJECTIVES
from deploy.grafana.boards.orders import ORDERS
from deploy.grafana.boards.portfolio import PORTFOLIO
from deploy.grafana.boards.servers import SERVERS
from deploy.grafana.boards.workers import WORKERS

BOARDS = (ORDERS, MARKET, PORTFOLIO, WORKERS, SERVERS, OBJECTIVES)
