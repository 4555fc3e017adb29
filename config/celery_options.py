"""Celery's options, with the reason of each that differs from Celery's default.

All processes use the same options, including Flower and producers: Redis redelivers by the shortest
visibility timeout of all of them.
"""

from __future__ import annotations

from config import beat_keys
from config.addresses import SentinelAddress, is_sentinel, kombu_address, tls_options
from config.queues import QueueName
from config.settings import Settings
from config.task_names import ROUTES

#: Seconds after which a task gets an exception, and its process SIGKILL.
SOFT_TIME_LIMIT = 15
TIME_LIMIT = 20
#: Longer than the time limit of tasks, so that the message of a running task is not redelivered.
VISIBILITY_TIMEOUT = 60
#: Seconds between two loops of Beat, and after which an unresponsive leader is replaced.
BEAT_LOOP_SECONDS = 3
BEAT_LOCK_SECONDS = 15


def celery_options(settings: Settings) -> dict[str, object]:
    """Return the configuration of a Celery app.

    Raises:
        SettingsError: No message broker is known.
    """
    address = settings.needed("broker_url")
    return {
        "broker_url": kombu_address(address),
        "broker_use_ssl": tls_options(address) or False,
        **_broker(address),
        **_routing(),
        **_delivery(),
        **_worker(settings),
        **_beat(),
    }


def _broker(address: str) -> dict[str, object]:
    return {
        # A producer must not hang on a dead broker; the relay rings again.
        "broker_connection_timeout": 2,
        "broker_pool_acquire_timeout": 2,
        # The default gives up after 100 attempts.
        "broker_connection_max_retries": None,
        "broker_connection_retry_on_startup": True,
        # A full Redis (noeviction) is a channel error, and would end the worker.
        "broker_channel_error_retry": True,
        "broker_transport_options": {
            "visibility_timeout": VISIBILITY_TIMEOUT,
            # Messages of a killed worker come back after the timeout, not a hundred seconds later.
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            # The default lets a killed holder block redelivery for five minutes.
            "unacked_mutex_expire": 15,
            # kombu's default is to wait for ever on a dead socket.
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 5,
            # Queues are read strictly in the order in which a worker names them.
            "queue_order_strategy": "priority",
            **_sentinels(address),
        },
    }


def _sentinels(address: str) -> dict[str, object]:
    if not is_sentinel(address):
        return {}
    sentinels = SentinelAddress.parse(address)
    # A Sentinel that is down must not hold up the question to the next one.
    patience = {"socket_timeout": 1, "socket_connect_timeout": 1}
    return {
        "master_name": sentinels.master,
        "sentinel_kwargs": {**patience, **sentinels.sentinel_options},
    }


def _routing() -> dict[str, object]:
    return {
        "task_queues": {queue.value: {} for queue in QueueName},
        "task_default_queue": QueueName.INTAKE.value,
        "task_routes": {task.value: {"queue": queue.value} for task, queue in ROUTES.items()},
        # A mistyped queue would be a list without a consumer.
        "task_create_missing_queues": False,
    }


def _delivery() -> dict[str, object]:
    return {
        # Only data is read from a message; a pickle could run code.
        "accept_content": ["json"],
        "task_serializer": "json",
        "event_serializer": "json",
        # The database holds every outcome.
        "task_ignore_result": True,
        "task_store_errors_even_if_ignored": False,
        # A message stays until its task has ended, and returns when its process dies.
        "task_acks_late": True,
        "task_reject_on_worker_lost": True,
        # A retried publish may double messages and blocks the caller; the relay rings instead.
        "task_publish_retry": False,
        # Below the visibility timeout.
        "task_time_limit": TIME_LIMIT,
        "task_soft_time_limit": SOFT_TIME_LIMIT,
        "timezone": "Asia/Kolkata",
    }


def _worker(settings: Settings) -> dict[str, object]:
    return {
        "worker_consumer": "tasks.consumer:Consumer",
        # Prefetched messages ignore the order of the lanes: 23 ms instead of 78 at p99.
        "worker_prefetch_multiplier": 1,
        # True would kill running tasks when the connection to the message broker breaks.
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        # No message of ours has an ETA; a flood of foreign ones must not fill the memory.
        "worker_eta_task_limit": 100,
        # Leaks in libraries end with the process.
        "worker_max_tasks_per_child": 5000,
        "worker_max_memory_per_child": settings.memory_hard_limit_mb * 1024,
        # A child builds its application before it reports that it is alive.
        "worker_proc_alive_timeout": 60,
        # Running tasks get this long when a worker is told to stop at once.
        "worker_soft_shutdown_timeout": 10,
        # Flower needs the events; they carry ids only.
        "worker_send_task_events": True,
        # Logs are configured by adapters.logging.
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
    }


def _beat() -> dict[str, object]:
    return {
        "beat_scheduler": "beat_schedule.scheduler:Scheduler",
        "beat_max_loop_interval": BEAT_LOOP_SECONDS,
        # RedBeat's address is handed to it by the scheduler: workers show their options to anyone
        # who asks, and Celery masks the addresses that it knows only.
        "redbeat_redis_options": {
            "socket_timeout": 5,
            "health_check_interval": 5,
            # Bytes of anyone's key or entry that are no text must not end Beat.
            "encoding_errors": "surrogateescape",
        },
        "redbeat_key_prefix": beat_keys.PREFIX,
        # With RedBeat's default a dead leader stops the schedule for 25 minutes; much less than five
        # loops, and a slow leader would lose its lock.
        "redbeat_lock_timeout": BEAT_LOCK_SECONDS,
    }
