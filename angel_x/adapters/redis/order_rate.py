"""The orders accepted within the last second, counted for all processes together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from angel_x.domain.orders.order_rate import WINDOW_SECONDS, Ask, Windows

if TYPE_CHECKING:
    from redis import Redis

# Each key is a list of grants, the oldest first: "microseconds:orders:orders of all grants so far".
# The last and the first of them give the orders in the window, so no list is summed.
# The granted orders are pushed once at the end: a commit counts at one instant.
_GRANT = """
local now = redis.call('TIME')
local at = now[1] * 1000000 + now[2]
local window = tonumber(ARGV[1])
local used, total, most, given, first = {}, {}, {}, {}, {}
local function parts(entry)
    local t, n, sum = string.match(entry, '(%d+):(%d+):(%d+)')
    return tonumber(t), tonumber(n), tonumber(sum)
end
for i, key in ipairs(KEYS) do
    most[i], given[i], used[i], total[i] = tonumber(ARGV[1 + i]), 0, 0, 0
    local head = redis.call('LINDEX', key, 0)
    while head do
        local t, n, sum = parts(head)
        if t > at - window then
            local _, _, last = parts(redis.call('LINDEX', key, -1))
            used[i], total[i] = last - sum + n, last
            break
        end
        redis.call('LPOP', key)
        head = redis.call('LINDEX', key, 0)
    end
end
local function wait(i, orders)
    -- Microseconds until enough of the window has passed.
    local excess = used[i] + given[i] + orders - most[i]
    if excess <= 0 then return 0 end
    local position, freed = 0, 0
    while true do
        local entry = redis.call('LINDEX', KEYS[i], position)
        if not entry then return window end
        local t, n = parts(entry)
        freed = freed + n
        if freed >= excess then return t + window - at end
        position = position + 1
    end
end
local answers = {}
local a = 2 + #KEYS
while a <= #ARGV do
    local orders, first_key, second_key = tonumber(ARGV[a]), tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2])
    local longest = 0
    for _, i in ipairs({first_key, second_key}) do
        if i > 0 then longest = math.max(longest, wait(i, orders)) end
    end
    if longest == 0 then
        for _, i in ipairs({first_key, second_key}) do
            if i > 0 then given[i] = given[i] + orders end
        end
    end
    answers[#answers + 1] = longest
    a = a + 3
end
for i, key in ipairs(KEYS) do
    if given[i] > 0 then
        redis.call('RPUSH', key, string.format('%.0f:%d:%.0f', at, given[i], total[i] + given[i]))
        redis.call('PEXPIRE', key, window / 500)
    end
end
return answers
"""


class RedisOrderRate:
    """Sliding windows on the server's clock."""

    def __init__(self, client: Redis) -> None:
        self._grant = client.register_script(_GRANT)

    def grant(self, asks: Sequence[Ask], windows: Windows) -> list[float]:
        """Grant in one round trip, as the port says."""
        names = list(windows)
        places = {name: place for place, name in enumerate(names, 1)}
        arguments: list[int] = [int(WINDOW_SECONDS * 1_000_000), *windows.values()]
        for ask in asks:
            first, second = (*(places[name] for name in ask.windows), 0, 0)[:2]
            arguments += [ask.orders, first, second]
        answers = self._grant(keys=[f"ax:rate:{name}" for name in names], args=arguments)
        return [microseconds / 1_000_000 for microseconds in cast("list[int]", answers)]
