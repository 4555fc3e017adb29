"""The requests of the whole fleet to the trading broker, counted in Redis by one script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.domain.exchange.request_budget import RequestAsk, Windows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from redis import Redis

# Keys: the requests that count, by the time since which they do (that of a running one is the end of
# its longest possible wait); the asks that wait, by their turn; the same by the time of their last
# question; the last turn of each account, and of all under the name "all".
# An urgent ask has a negative turn.  Others take turns by account: the turn of an ask is one after the
# last one of its account, and never before the turn that was served last.
# Times are microseconds of the server's clock.
_TAKE = """
local counted, waiting, asked, turns = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, user, urgent, hold, silence = ARGV[1], ARGV[2], ARGV[3] == '1', tonumber(ARGV[4]), tonumber(ARGV[5])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local longest = 0
for i = 7, #ARGV, 2 do longest = math.max(longest, tonumber(ARGV[i])) end
redis.call('ZREMRANGEBYSCORE', counted, '-inf', now - longest)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', asked, '-inf', now - silence)) do
    redis.call('ZREM', waiting, gone)
    redis.call('ZREM', asked, gone)
end
-- A new or wiped server does not know the requests before, some of which may be on their way.
redis.call('SET', KEYS[5], string.format('%.0f', now), 'NX')
local epoch = redis.call('GET', KEYS[5])
local served = tonumber(redis.call('HGET', turns, 'all') or 0)
local turn = redis.call('ZSCORE', waiting, id)
if not turn then
    if urgent then
        turn = served - 1000000000
    else
        turn = math.max(tonumber(redis.call('HGET', turns, user) or 0), served) + 1
        redis.call('HSET', turns, user, turn)
    end
    redis.call('ZADD', waiting, turn, id)
end
redis.call('ZADD', asked, now, id)
local keep = math.ceil((longest + hold) / 1000)
local quiet = tonumber(epoch) + tonumber(ARGV[6]) - now
local before = redis.call('ZRANK', waiting, id)
local wait = math.max(0, quiet)
for i = 7, #ARGV, 2 do
    local span, most = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    local used = redis.call('ZCOUNT', counted, '(' .. string.format('%.0f', now - span), '+inf')
    local excess = used + before + 1 - most
    if excess > 0 then
        local place = math.max(0, most - before - 1)
        local oldest = redis.call('ZREVRANGE', counted, place, place, 'WITHSCORES')
        wait = math.max(wait, oldest[2] and math.max(1000, tonumber(oldest[2]) + span - now) or 1000)
    end
end
for _, key in ipairs({waiting, asked, turns}) do redis.call('PEXPIRE', key, keep) end
if wait > 0 then return {string.format('%.0f', wait), epoch} end
redis.call('ZREM', waiting, id)
redis.call('ZREM', asked, id)
if not urgent then redis.call('HSET', turns, 'all', math.max(served, tonumber(turn))) end
redis.call('ZADD', counted, now + hold, id)
redis.call('PEXPIRE', counted, keep)
return {'0', epoch}
"""
_SETTLE = """
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], 'XX', time[1] * 1000000 + time[2], ARGV[1])
"""
# Pairs of an id and its age; a running request has none.
_RESTORE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
for i = 3, #ARGV, 2 do
    local at = ARGV[i + 1] == '' and now + ARGV[1] or now - ARGV[i + 1]
    redis.call('ZADD', KEYS[1], 'NX', at, ARGV[i])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
"""
#: An ask that has not been repeated for so long has lost its place.
_SILENCE_SECONDS = 2.0
_MICROSECONDS = 1_000_000


class RedisLedger:
    """Counts the requests of all processes.

    ``hold_seconds`` is the longest time from a permit to the answer: so long a request counts whose
    process has died.  For ``quiet_seconds`` nothing is let in by a server that has just been emptied.
    """

    def __init__(self, client: Redis, *, hold_seconds: float, quiet_seconds: float) -> None:
        self._client = client
        self._hold = _micros(hold_seconds)
        self._quiet = _micros(quiet_seconds)
        self._take = client.register_script(_TAKE)
        self._settle = client.register_script(_SETTLE)
        self._restore = client.register_script(_RESTORE)

    def take(self, ask: RequestAsk) -> tuple[float, str]:
        """Count a request and return 0, or the seconds after which to ask again.

        The second result names the present content of the server: a wiped one has another name.
        """
        wait, epoch = self._take(
            keys=_keys(ask.budget),
            args=[
                ask.id,
                ask.user_id,
                int(ask.is_urgent),
                self._hold,
                _micros(_SILENCE_SECONDS),
                self._quiet,
                *_spans(ask.windows),
            ],
        )
        return int(wait) / _MICROSECONDS, bytes(epoch).decode()

    def settle(self, ask: RequestAsk) -> None:
        """Record that a request has been answered."""
        self._settle(keys=_keys(ask.budget)[:1], args=[ask.id])

    def restore(self, ask: RequestAsk, ages: Mapping[str, float | None]) -> None:
        """Count requests that a process has sent, by their age in seconds; None while they run.

        Those that are counted already stay as they are.
        """
        keep = int((max(span for span, _ in ask.windows) * _MICROSECONDS + self._hold) / 1000)
        pairs = [(name, "" if age is None else _micros(age)) for name, age in ages.items()]
        if pairs:
            self._restore(
                keys=_keys(ask.budget)[:1],
                args=[self._hold, keep, *(part for pair in pairs for part in pair)],
            )

    def leave(self, ask: RequestAsk) -> None:
        """Give up the place of a request that was not taken."""
        _, waiting, asked, *_ = _keys(ask.budget)
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.zrem(waiting, ask.id)
            pipeline.zrem(asked, ask.id)
            pipeline.execute()


def _keys(budget: str) -> list[str]:
    names = ("counted", "waiting", "asked", "turns")
    return [*(f"ax:requests:{budget}:{name}" for name in names), "ax:requests:epoch"]


def _spans(windows: Windows) -> Sequence[int]:
    return [number for span, most in windows for number in (_micros(span), most)]


def _micros(seconds: float) -> int:
    return int(seconds * _MICROSECONDS)
