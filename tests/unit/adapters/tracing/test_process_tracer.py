from __future__ import annotations

import json
import sys
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData
from opentelemetry.trace import StatusCode

from angel_x.adapters.tracing import make_tracer
from config.loading import load
from config.settings import Settings
from tests.builders.spans import SpanMemory, span_id, trace_id

TRACE = 0xAF7651916CD43DD8448EB211C80319C
PARENT = 0xB7AD6B7169203331
SAMPLED = f"00-{TRACE:032x}-{PARENT:016x}-01"


@contextmanager
def collector() -> Iterator[tuple[int, list[tuple[str, str | None, bytes]]]]:
    """Serve as a collector; yield the port, and path, authorization and body of each request."""
    requests: list[tuple[str, str | None, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            requests.append((self.path, self.headers["Authorization"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port, requests
        server.shutdown()
        thread.join(120)


def lose(spans: int, reason: str) -> None:
    raise AssertionError((spans, reason))


def test_a_span_continues_the_trace_that_it_is_given() -> None:
    memory = SpanMemory()

    with memory.tracer.span("outer", parent=SAMPLED), memory.tracer.span("inner"):
        pass

    assert memory.tree == [("inner", "outer"), ("outer", "elsewhere")]
    assert {trace_id(span) for span in memory.spans} == {TRACE}


@pytest.mark.parametrize("given", ["", "x", SAMPLED[:-4], f"00-{'0' * 32}-{PARENT:016x}-01"])
def test_a_malformed_context_begins_another_trace(given: str) -> None:
    memory = SpanMemory()

    with memory.tracer.span("outer", parent=given), memory.tracer.span("inner", links=[given]):
        pass

    assert memory.tree == [("inner", "outer"), ("outer", None)]
    assert memory.named("inner").links == ()


def test_a_caller_that_keeps_no_trace_gets_none() -> None:
    memory = SpanMemory()

    with memory.tracer.span("unkept", parent=SAMPLED.removesuffix("1") + "0") as span:
        assert span.traceparent.endswith("-00")

    assert memory.spans == ()


def test_an_error_is_noted_by_its_class_and_never_by_its_text() -> None:
    memory = SpanMemory()

    with pytest.raises(ValueError, match="hunter2"), memory.tracer.span("failing"):
        raise ValueError("hunter2")

    status = memory.named("failing").status
    assert (status.status_code, status.description) == (StatusCode.ERROR, "ValueError")
    assert "hunter2" not in memory.attributes


def test_links_lead_to_other_traces() -> None:
    memory = SpanMemory()

    with memory.tracer.span("linked") as span:
        span.link(SAMPLED)
        span.link("x")

    assert memory.links("linked") == {PARENT}


def test_outside_of_all_spans_none_is_current() -> None:
    memory = SpanMemory()

    assert memory.tracer.current() is None
    with memory.tracer.span("only") as span:
        current = memory.tracer.current()
        assert current is not None
        assert current.traceparent == span.traceparent

    assert span.traceparent[36:52] == f"{span_id(memory.named('only')):016x}"


def test_without_a_destination_nothing_is_made_or_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "angel_x.adapters.tracing.process_tracer"
    monkeypatch.delitem(sys.modules, module, raising=False)

    made = make_tracer(load({"ANGEL_X_HOME": str(tmp_path)}), "api", lose)

    assert made is None
    assert module not in sys.modules


def settings_with(tmp_path: Path, **given: str) -> Settings:
    file = {"ANGEL_X_HOME": str(tmp_path), "ANGEL_X_TRACES_FILE": "spans.jsonl"}
    return load(file | {"ANGEL_X_NODE": "here"} | given)


def test_traces_file_names_children_of_a_worker_as_instances_of_one_service(
    tmp_path: Path,
) -> None:
    tracer = make_tracer(settings_with(tmp_path), "orders-3", lose)
    assert tracer is not None
    with tracer.span("one"):
        pass
    tracer.close(120)

    (line,) = (tmp_path / "spans.jsonl").read_text().splitlines()
    attributes = json.loads(line)["resource"]["attributes"]
    assert attributes["service.name"] == "angel-x-orders"
    assert attributes["service.instance.id"] == "here/orders-3"


def test_traces_ratio_decides_for_traces_that_begin_here(tmp_path: Path) -> None:
    settings = settings_with(tmp_path, ANGEL_X_TRACES_RATIO="0")
    tracer = make_tracer(settings, "api", lose)
    assert tracer is not None

    with tracer.span("begun here"):
        pass
    with tracer.span("continued", parent=SAMPLED):
        pass
    tracer.close(120)

    lines = (tmp_path / "spans.jsonl").read_text().splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["continued"]


def test_a_collector_at_traces_url_gets_the_spans_with_the_credentials_of_its_address(
    tmp_path: Path,
) -> None:
    with collector() as (port, requests):
        url = f"http://angel:hunter2@127.0.0.1:{port}"
        settings = load({"ANGEL_X_HOME": str(tmp_path), "ANGEL_X_TRACES_URL": url})
        tracer = make_tracer(settings, "api", lose)
        assert tracer is not None
        with tracer.span("one"):
            pass
        tracer.close(120)

    ((path, authorization, body),) = requests
    assert path == "/v1/traces"
    assert authorization == f"Basic {b64encode(b'angel:hunter2').decode()}"
    (resource,) = TracesData.FromString(body).resource_spans
    assert [span.name for span in resource.scope_spans[0].spans] == ["one"]
    assert b"hunter2" not in body
