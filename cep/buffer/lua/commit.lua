#!lua flags=allow-oom
-- One step of a cell: alerts, rejected rows and control entries, together with how far the input was read.
-- A script that fails midway keeps what it wrote, so everything that can fail is looked at first.
-- KEYS  1 owner  2 commit  3 control  4 outbox  5 late  6 dead  7 gaps  8 ids:0  9 ids:1  10 manifest
-- ARGV  1 owner's name  2 lease_ms  3 number  4 state ("": not the last part)  5 manifest ("": no checkpoint)
--       6 alerts  7 late  8 dead  9 control  10 gaps: how many of each, then they themselves:
--       alert: id, json;  late, dead: id, stream, position, code, reason, bytes, doc;  control: kind, data;  gap: json
-- ANSWER {"ok", appended, refused}, {"again"}, {"fenced", holder}, {"rewound", number found} or {"spoiled", key, type}
local name = redis.call('HGET', KEYS[1], 'name')
local was = redis.call('HMGET', KEYS[2], 'number', 'by', 'flips')
local stored, number = tonumber(was[1]) or 0, tonumber(ARGV[3])
if not name then return {'rewound', stored} end
if name ~= ARGV[1] then return {'fenced', name} end
if stored >= number and was[2] == ARGV[1] then return {'again'} end
if stored ~= number - 1 then return {'rewound', stored} end
local expected = {'hash', 'hash', 'stream', 'stream', 'stream', 'stream', 'stream', 'set', 'set', 'string'}
for i = 3, 10 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= expected[i] and kind ~= 'none' then return {'spoiled', KEYS[i], kind} end
end

local flips = tonumber(was[3]) or 0
local now_ids, old_ids = KEYS[8 + flips % 2], KEYS[8 + (flips + 1) % 2]
local appended, refused = 0, 0
-- Which of some rows are new: every `width`-th argument from `first` is an id. Asked for many at a time: a call costs the server
-- as much as the answer, and there are two sets to look into and one to write.
local function fresh(first, width, many)
  local new, seen = {}, {}
  for start = 1, many, 500 do
    local ids = {}
    for i = start, math.min(start + 499, many) do ids[#ids + 1] = ARGV[first + (i - 1) * width] end
    local before = redis.call('SMISMEMBER', old_ids, unpack(ids))
    local now = redis.call('SMISMEMBER', now_ids, unpack(ids))
    redis.call('SADD', now_ids, unpack(ids))
    for i, id in ipairs(ids) do
      if before[i] == 1 or now[i] == 1 or seen[id] then
        refused = refused + 1
      else
        new[start + i - 1] = true
        appended = appended + 1
      end
      seen[id] = true
    end
  end
  return new
end

local at, many = 11, tonumber(ARGV[6])
local new = fresh(at, 2, many)
for i = 1, many do
  if new[i] then redis.call('XADD', KEYS[4], '*', 'id', ARGV[at], 'alert', ARGV[at + 1]) end
  at = at + 2
end
for kind = 5, 6 do
  many = tonumber(ARGV[kind + 2])
  new = fresh(at, 7, many)
  for i = 1, many do
    if new[i] then
      redis.call('XADD', KEYS[kind], '*', 'id', ARGV[at], 'stream', ARGV[at + 1], 'position', ARGV[at + 2],
        'code', ARGV[at + 3], 'reason', ARGV[at + 4], 'bytes', ARGV[at + 5], 'doc', ARGV[at + 6])
    end
    at = at + 7
  end
end
for i = 1, tonumber(ARGV[9]) do
  redis.call('XADD', KEYS[3], ARGV[3] .. '-' .. i, 'kind', ARGV[at], 'data', ARGV[at + 1])
  at = at + 2
end
for _ = 1, tonumber(ARGV[10]) do
  redis.call('XADD', KEYS[7], '*', 'gap', ARGV[at])
  at = at + 1
end

if ARGV[5] ~= '' then
  -- A checkpoint's state is older than its commit, so ids stay known for two checkpoints.
  redis.call('SET', KEYS[10], ARGV[5])
  redis.call('UNLINK', old_ids)
  flips = flips + 1
end
redis.call('HSET', KEYS[2], 'number', ARGV[3], 'by', ARGV[1], 'flips', flips)
if ARGV[4] ~= '' then redis.call('HSET', KEYS[2], 'state', ARGV[4]) end
local clock = redis.call('TIME')
redis.call('HSET', KEYS[1], 'until_ms', tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000) + tonumber(ARGV[2]))
return {'ok', appended, refused}
