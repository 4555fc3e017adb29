from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from celery.app.defaults import DEFAULTS
from flower.utils.broker import Broker

from config.addresses import kombu_address
from config.celery_options import (
    BEAT_LOCK_SECONDS,
    BEAT_LOOP_SECONDS,
    TIME_LIMIT,
    VISIBILITY_TIMEOUT,
    celery_options,
)
from config.loading import load
from config.queues import WORKER_QUEUES, QueueName
from config.settings import SettingsError
from config.task_names import ROUTES, TaskName

BROKER = {"ANGEL_X_BROKER_URL": "unix:///run/broker.sock?db=4"}


@pytest.fixture
def options() -> dict[str, Any]:
    return celery_options(load(BROKER))


def test_celery_knows_every_option(options: dict[str, Any]) -> None:
    foreign = {name for name in options if not name.startswith("redbeat_")}

    assert foreign <= set(DEFAULTS)


def test_celery_reads_the_socket(options: dict[str, Any]) -> None:
    assert options["broker_url"] == "redis+socket:///run/broker.sock?virtual_host=4"


def test_celery_asks_every_sentinel_for_the_master() -> None:
    address = "sentinel://u:5ec7e7@h1:1,h2/3?master=m&sentinel_password=5ec"

    options: dict[str, Any] = celery_options(load({"ANGEL_X_BROKER_URL": address}))

    each = [f"sentinel://u:5ec7e7@{place}/3" for place in ("h1:1", "h2:26379")]
    assert options["broker_url"] == ";".join(each)
    transport = options["broker_transport_options"]
    assert transport["master_name"] == "m"
    assert transport["sentinel_kwargs"]["password"] == "5ec"


def test_flower_knows_the_master_behind_sentinels() -> None:
    app = Celery(set_as_current=False)
    app.conf.update(
        celery_options(load({"ANGEL_X_BROKER_URL": "sentinel://:5ec@h1:1,h2:2/0?master=m"}))
    )

    broker = Broker(
        app.connection().as_uri(include_password=True),
        broker_options=app.conf.broker_transport_options,
    )

    assert (broker.host, broker.port, broker.master_name) == ("h1", 1, "m")


@pytest.mark.parametrize(
    "address",
    [
        "redis://default:5ec7e7@h:6379/0",
        "rediss://:5ec7e7@h:6379/0",
        "unix://default:5ec7e7@/run/broker.sock?db=1",
        "unix:///run/broker.sock?db=1&password=5ec7e7",
        "sentinel://:5ec7e7@h1,h2/0?master=m&sentinel_password=5ec7e7",
    ],
)
def test_what_a_worker_shows_of_its_options_holds_no_password(address: str) -> None:
    app = Celery(set_as_current=False)
    app.conf.update(celery_options(load({"ANGEL_X_BROKER_URL": address})))

    assert "5ec7e7" in app.conf.broker_url
    shown = [
        app.conf.table(with_defaults=True),
        app.conf.humanize(with_defaults=True),
        app.bugreport(),
        app.connection().as_uri(),
    ]
    assert not [text for text in map(repr, shown) if "5ec7e7" in text]


def test_no_option_tells_of_the_place_for_results(options: dict[str, Any]) -> None:
    results = {"ANGEL_X_RESULT_URL": "redis://:5ec7e7@results:6379/0"}

    assert celery_options(load(BROKER | results)) == options


def test_an_address_with_a_host_is_left_alone() -> None:
    assert kombu_address("rediss://user:secret@host:6380/1") == "rediss://user:secret@host:6380/1"


def test_a_running_task_is_not_handed_out_again(options: dict[str, Any]) -> None:
    assert options["broker_transport_options"]["visibility_timeout"] > options["task_time_limit"]
    assert VISIBILITY_TIMEOUT > 2 * TIME_LIMIT


def test_a_slow_leader_keeps_its_lock() -> None:
    assert BEAT_LOCK_SECONDS >= 5 * BEAT_LOOP_SECONDS


def test_every_task_has_a_queue_that_is_declared(options: dict[str, Any]) -> None:
    assert set(ROUTES) == set(TaskName)
    assert set(options["task_queues"]) == {queue.value for queue in QueueName}
    assert options["task_create_missing_queues"] is False


def test_a_bare_client_reaches_us(options: dict[str, Any]) -> None:
    stranger = Celery(set_as_current=False)

    assert "global_keyprefix" not in options["broker_transport_options"]
    assert stranger.conf.task_default_queue == options["task_default_queue"] == QueueName.INTAKE
    assert stranger.conf.task_serializer in options["accept_content"]


def test_only_data_is_read_from_messages(options: dict[str, Any]) -> None:
    assert options["accept_content"] == ["json"]


def test_the_hard_limit_sets_when_a_worker_process_is_replaced() -> None:
    options = celery_options(load({**BROKER, "ANGEL_X_MEMORY_HARD_LIMIT_MB": "900"}))

    assert options["worker_max_memory_per_child"] == 900 * 1024


def test_without_a_message_broker_there_are_no_options() -> None:
    with pytest.raises(SettingsError, match="ANGEL_X_BROKER_URL is needed"):
        celery_options(load({"ANGEL_X_HOME": "/nonexistent"}))


#: Everything but addresses, queues and routes.
EXACT = {
    "broker_connection_timeout": 2,
    "broker_pool_acquire_timeout": 2,
    "broker_connection_max_retries": None,
    "broker_connection_retry_on_startup": True,
    "broker_channel_error_retry": True,
    "broker_transport_options": {
        "visibility_timeout": 60,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
        "unacked_mutex_expire": 15,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 5,
        "queue_order_strategy": "priority",
    },
    "task_create_missing_queues": False,
    "task_default_queue": "celery",
    "accept_content": ["json"],
    "task_serializer": "json",
    "event_serializer": "json",
    "task_ignore_result": True,
    "task_store_errors_even_if_ignored": False,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_publish_retry": False,
    "task_time_limit": 20,
    "task_soft_time_limit": 15,
    "timezone": "Asia/Kolkata",
    "worker_consumer": "tasks.consumer:Consumer",
    "worker_prefetch_multiplier": 1,
    "worker_cancel_long_running_tasks_on_connection_loss": False,
    "worker_eta_task_limit": 100,
    "worker_max_tasks_per_child": 5000,
    "worker_max_memory_per_child": 700 * 1024,
    "worker_proc_alive_timeout": 60,
    "worker_soft_shutdown_timeout": 10,
    "worker_send_task_events": True,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "beat_scheduler": "beat_schedule.scheduler:Scheduler",
    "beat_max_loop_interval": 3,
    "redbeat_redis_options": {
        "socket_timeout": 5,
        "health_check_interval": 5,
        "encoding_errors": "surrogateescape",
    },
    "redbeat_key_prefix": "redbeat:",
    "redbeat_lock_timeout": 15,
}


@pytest.mark.parametrize(
    ("address", "tls"),
    [
        ("redis://h:1/0", False),
        ("unix:///run/broker.sock?ssl_cert_reqs=none", False),
        ("rediss://h:1/0", {"ssl_cert_reqs": "required"}),
        ("valkeys://h:1/0", {"ssl_cert_reqs": "required"}),
        (
            "rediss://h:1/0?ssl_ca_certs=/ca.pem&ssl_check_hostname=false&db=3",
            {"ssl_cert_reqs": "required", "ssl_ca_certs": "/ca.pem", "ssl_check_hostname": False},
        ),
        ("rediss://h:1/0?ssl_cert_reqs=none", {"ssl_cert_reqs": "none"}),
    ],
)
def test_an_address_with_tls_is_one_with_verified_certificates(address: str, tls: object) -> None:
    assert celery_options(load({"ANGEL_X_BROKER_URL": address}))["broker_use_ssl"] == tls


def test_every_option_is_what_was_measured(options: dict[str, Any]) -> None:
    elsewhere = {"broker_url", "broker_use_ssl", "task_queues", "task_routes"}

    assert {k: v for k, v in options.items() if k not in elsewhere} == EXACT
    assert elsewhere <= set(options)
    assert options["task_queues"] == {queue.value: {} for queue in QueueName}
    assert options["task_routes"] == {
        task.value: {"queue": queue.value} for task, queue in ROUTES.items()
    }


def test_an_order_worker_reads_its_queues_from_the_most_urgent_on() -> None:
    assert WORKER_QUEUES["orders"] == (
        QueueName.EMERGENCY,
        QueueName.INTAKE,
        QueueName.HIGH,
        QueueName.NORMAL,
        QueueName.LOW,
    )
    # Nothing keeps this worker from an emergency.
    assert WORKER_QUEUES["emergency"] == (QueueName.EMERGENCY,)


def test_every_queue_has_a_worker() -> None:
    assert {queue for queues in WORKER_QUEUES.values() for queue in queues} == set(QueueName)


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        (TaskName.SUBMIT_ORDERS, "celery"),
        (TaskName.PROCESS_ORDER_BATCH, "orders.normal"),
        (TaskName.MATCH_ORDERS, "orders.matching"),
        (TaskName.EXPIRE_ORDERS, "orders.high"),
        (TaskName.ADVANCE_WORKFLOW, "orders.high"),
        (TaskName.CANCEL_ALL, "orders.emergency"),
        (TaskName.CLOSE_INTRADAY, "orders.emergency"),
        (TaskName.REFRESH_GREEKS, "greeks"),
        (TaskName.COMPUTE_GREEKS_CHUNK, "greeks"),
        (TaskName.SNAPSHOT_GREEKS, "portfolio"),
        (TaskName.UPDATE_PORTFOLIOS, "portfolio"),
        (TaskName.CHECK_QUEUES, "monitor"),
    ],
)
def test_each_task_waits_where_its_kind_of_worker_takes_it(
    options: dict[str, Any], task: TaskName, queue: str
) -> None:
    assert options["task_routes"][task.value] == {"queue": queue}
