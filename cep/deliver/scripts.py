"""The Lua scripts of a channel's queue. Each touches one slot, and changes nothing before it has checked who asks.

KEYS of all: owner, cursor, due, pending, tries, dead, sent, health. A lane's list has the name that ARGV[2] begins and the lane
ends: it lies in the same slot. Scripts for the dispatcher answer -1 to one whose place another has taken.
"""

from __future__ import annotations

_FENCE = """
local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return -1 end
"""

# ARGV: owner, lanes, cell, read up to, due, [entry, id, lane, alert]...
# Puts parcels at the ends of their lanes and moves the cell's cursor, both or neither. What is already queued, or lies at or
# before the cursor, is not put again: a read repeated after a crash adds nothing.
ENQUEUE = (
    _FENCE
    + """
local function before(a, b)
  if not b then return false end
  local am, as = string.match(a, '^(%d+)-(%d+)$')
  local bm, bs = string.match(b, '^(%d+)-(%d+)$')
  if am == bm then am, bm = as, bs end
  if #am ~= #bm then return #am < #bm end
  return am < bm
end
local cursor = redis.call('HGET', KEYS[2], ARGV[3])
if not owner then redis.call('SET', KEYS[1], ARGV[1]) end
local put = 0
for at = 6, #ARGV, 4 do
  local entry, id, lane = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  if not cursor or before(cursor, entry) then
    if redis.call('HSETNX', KEYS[4], id, ARGV[at + 3]) == 1 then
      -- lanes that become due together keep the order of the outbox: one microsecond apart, none later than now
      local due = tonumber(ARGV[5]) - (#ARGV - at)
      redis.call('RPUSH', ARGV[2] .. lane, id)
      redis.call('ZADD', KEYS[3], 'NX', due, lane)
      put = put + 1
    end
  end
end
if not cursor or before(cursor, ARGV[4]) then redis.call('HSET', KEYS[2], ARGV[3], ARGV[4]) end
return put
"""
)

# ARGV: owner, lanes, now, lanes wanted, burst, [busy lane]...
# Gives {time the next lane is due or '', {lane, {id, alert, tries}...}...}: the heads of lanes that are due, earliest first.
CLAIM = (
    _FENCE
    + """
local busy, given = {}, 0
for at = 6, #ARGV do busy[ARGV[at]] = true end
local wanted = tonumber(ARGV[4])
local after = redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. ARGV[3], '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answer = {after[2] or ''}
if wanted == 0 then return answer end
local lanes = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[3], 'LIMIT', 0, wanted + #ARGV - 5)
for _, lane in ipairs(lanes) do
  if given < wanted and not busy[lane] then
    local ids = redis.call('LRANGE', ARGV[2] .. lane, 0, tonumber(ARGV[5]) - 1)
    if #ids == 0 then
      redis.call('ZREM', KEYS[3], lane)
    else
      local turn = {lane}
      for _, id in ipairs(ids) do
        turn[#turn + 1] = {id, redis.call('HGET', KEYS[4], id) or '', redis.call('HGET', KEYS[5], id) or ''}
      end
      answer[#answer + 1] = turn
      given = given + 1
    end
  end
end
return answer
"""
)

# ARGV: owner, lanes, lane, now, due of the lane's next, health, oldest dead letter kept, what was said, verdict, number of the
# health, [id, due, tries, attempts]...   The verdict is one of sent, again, dead, and the same for all. What is known of the
# receiver is written unless something newer stands there. It may write when memory is full: it frees some.
RECORD = (
    "#!lua flags=allow-oom"
    + _FENCE
    + """
local list, verdict = ARGV[2] .. ARGV[3], ARGV[9]
if tonumber(ARGV[10]) >= tonumber(redis.call('HGET', KEYS[8], 'number') or -1) then
  redis.call('HSET', KEYS[8], 'health', ARGV[6], 'number', ARGV[10])
end
local due = ARGV[5]
for at = 11, #ARGV, 4 do
  local id = ARGV[at]
  if verdict == 'again' then
    redis.call('HSET', KEYS[5], id, ARGV[at + 2])
    due = ARGV[at + 1]
  elseif redis.call('LINDEX', list, 0) == id then
    if verdict == 'dead' then
      redis.call('XADD', KEYS[6], 'MINID', '~', ARGV[7], '*', 'id', id, 'lane', ARGV[3], 'at', ARGV[4], 'attempts', ARGV[at + 3],
        'error', ARGV[8], 'alert', redis.call('HGET', KEYS[4], id) or '')
    else
      redis.call('XADD', KEYS[7], 'MAXLEN', '~', 10000, '*', 'id', id, 'at', ARGV[4], 'attempts', ARGV[at + 3], 'said', ARGV[8])
    end
    redis.call('LPOP', list)
    redis.call('HDEL', KEYS[4], id)
    redis.call('HDEL', KEYS[5], id)
  end
end
if redis.call('EXISTS', list) == 1 then
  redis.call('ZADD', KEYS[3], due, ARGV[3])
else
  redis.call('ZREM', KEYS[3], ARGV[3])
end
return 1
"""
)

# ARGV: '', lanes, now, [dead letter]...   For anybody: the letters go to the ends of their lanes, under the ids they had.
REDRIVE = """
local back = 0
for at = 4, #ARGV do
  local found = redis.call('XRANGE', KEYS[6], ARGV[at], ARGV[at])[1]
  if found then
    local letter = {}
    for i = 1, #found[2], 2 do letter[found[2][i]] = found[2][i + 1] end
    if letter.alert ~= '' then
      if redis.call('HSETNX', KEYS[4], letter.id, letter.alert) == 1 then
        redis.call('RPUSH', ARGV[2] .. letter.lane, letter.id)
        redis.call('ZADD', KEYS[3], 'NX', ARGV[3], letter.lane)
        back = back + 1
      end
      redis.call('XDEL', KEYS[6], ARGV[at])
    end
  end
end
return back
"""
