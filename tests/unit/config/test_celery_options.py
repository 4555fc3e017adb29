from __future__ import annotations

from typing import Any

import pytest
from celery import Celery
from celery.app.defaults import DEFAULTS

from config.addresses import kombu_address
from config.celery_options import (
    BEAT_LOCK_SECONDS,
    BEAT_LOOP_SECONDS,
    TIME_LIMIT,
    VISIBILITY_TIMEOUT,
    celery_options,
)
from config.queues import QueueName
from config.settings import SettingsError, load
from config.task_names import ROUTES, TaskName

BROKER = {"ANGEL_X_BROKER_URL": "unix:///run/broker.sock?db=4"}


@pytest.fixture
def options() -> dict[str, Any]:
    return celery_options(load(BROKER))


def test_celery_knows_every_option(options: dict[str, Any]) -> None:
    foreign = {name for name in options if not name.startswith("redbeat_")}

    assert foreign <= set(DEFAULTS)


def test_celery_reads_the_socket_and_redbeat_reads_it_too(options: dict[str, Any]) -> None:
    assert options["broker_url"] == "redis+socket:///run/broker.sock?virtual_host=4"
    assert options["redbeat_redis_url"] == "unix:///run/broker.sock?db=4"


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
