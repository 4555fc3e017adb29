"""Expressions of PromQL over the metrics of :mod:`angel_x.domain.operations.metric`."""

from __future__ import annotations

from angel_x.domain.operations.metric import Metric

#: Grafana's window of at least four scrapes.
WINDOW = "$__rate_interval"


def rate(metric: str, *by: str, where: str = "") -> str:
    """Return a counter's increase a second, by labels."""
    return f"sum{_by(*by)} (rate({_chosen(metric, where)}[{WINDOW}]))"


def increase(metric: Metric, *by: str, where: str = "") -> str:
    """Return a counter's increase within the window, by labels."""
    return f"sum{_by(*by)} (increase({_chosen(metric, where)}[{WINDOW}]))"


def quantile(part: float, histogram: Metric, *by: str) -> str:
    """Return the seconds within which a part of the observations lie, by labels."""
    buckets = f"sum{_by('le', *by)} (rate({histogram}_bucket[{WINDOW}]))"
    return f"histogram_quantile({part:g}, {buckets})"


def within(seconds: float, histogram: Metric, window: str = WINDOW) -> str:
    """Return the part of observations within a bound, which is a bucket of the histogram."""
    buckets = f'sum(rate({histogram}_bucket{{le="{seconds}"}}[{window}]))'
    return f"{buckets} / sum(rate({histogram}_count[{window}]))"


def most(metric: Metric, *by: str, where: str = "") -> str:
    """Return the largest value of a gauge over all nodes, by labels."""
    return f"max{_by(*by)} ({_chosen(metric, where)})"


def least(metric: Metric, *by: str, where: str = "") -> str:
    """Return the smallest value of a gauge over all nodes, by labels."""
    return f"min{_by(*by)} ({_chosen(metric, where)})"


def total(metric: Metric, *by: str) -> str:
    """Return the sum of a gauge over all nodes, by labels."""
    return f"sum{_by(*by)} ({metric})"


def _chosen(metric: str, where: str) -> str:
    return f"{metric}{{{where}}}" if where else f"{metric}"


def _by(*labels: str) -> str:
    return f" by ({', '.join(labels)})" if labels else ""
