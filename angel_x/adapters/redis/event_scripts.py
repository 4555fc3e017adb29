"""The Lua of live events: one call appends, trims and marks.

Histories are keys that the script names, so the server is no cluster.
"""

from __future__ import annotations

FEED = "ax:events"
#: A hash: ``last`` is the newest id, ``t<account>`` the newest id of an account, and ``f<account>`` the id
#: after which nothing of it was dropped.
MARKS = "ax:events:marks"
#: Accounts with a listener, by the time in milliseconds until which they are watched.
WATCHED = "ax:events:watched"
HISTORY = "ax:events:of:"

_NOW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# Arguments: length of the feed, of a history, milliseconds of a history; then account, kind, body and
# '1' for a state.  Ids are our own, because those of Redis grow within one stream only.
APPEND = (
    _NOW
    + f"""
local feed, marks, watched, prefix = '{FEED}', '{MARKS}', '{WATCHED}', '{HISTORY}'
local last = redis.call('HGET', marks, 'last')
if not last then
    local newest = redis.call('XREVRANGE', feed, '+', '-', 'COUNT', 1)[1]
    -- After a wipe: later than each id that was given before it, in this millisecond too.
    last = newest and newest[1] or string.format('%.0f-%.0f', now, time[2] % 1000 * 100000)
end
local ms, sequence = string.match(last, '^(%d+)-(%d+)$')
ms, sequence = tonumber(ms), tonumber(sequence)
if ms < now then ms, sequence = now, -1 end
"""
    + """
local newest, id = {}, nil
for i = 4, #ARGV, 4 do
    local user, kind, body = ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local is_state = ARGV[i + 3] == '1'
    local until_ms = is_state and redis.call('ZSCORE', watched, user)
    if not is_state or until_ms and tonumber(until_ms) > now then
        sequence = sequence + 1
        id = string.format('%.0f-%.0f', ms, sequence)
        local fields = {'user_id', user, 'kind', kind, 'body', body}
        if not is_state then
            local history = prefix .. user
            if not newest[user] and redis.call('EXISTS', history) == 0 then
                local tip = redis.call('HGET', marks, 't' .. user)
                if tip then redis.call('HSET', marks, 'f' .. user, tip) end
            end
            if type(redis.pcall('XADD', history, id, unpack(fields))) == 'table' then
                -- The clock went back and the marks were lost: the old history has no order with this one.
                redis.call('DEL', history)
                redis.call('XADD', history, id, unpack(fields))
            end
            newest[user] = id
        end
        redis.call('XADD', feed, 'MAXLEN', '~', ARGV[1], id, unpack(fields))
    end
end
for user, tip in pairs(newest) do
    local history = prefix .. user
    local oldest = string.format('%.0f-0', math.max(ms - ARGV[3], 0))
    local dropped = redis.call('XTRIM', history, 'MINID', '~', oldest)
        + redis.call('XTRIM', history, 'MAXLEN', '~', ARGV[2])
    if dropped > 0 then
        local first = redis.call('XRANGE', history, '-', '+', 'COUNT', 1)[1]
        redis.call('HSET', marks, 'f' .. user, first[1])
    end
    redis.call('PEXPIRE', history, ARGV[3])
    redis.call('HSET', marks, 't' .. user, tip)
end
if id then redis.call('HSET', marks, 'last', id) end
"""
)

# Arguments: seconds, then accounts.
WATCH = (
    _NOW
    + """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1] * 1000, ARGV[i]) end
"""
)
