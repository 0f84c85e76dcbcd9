#!lua flags=allow-oom
-- Stay the owner for another while, or (lease 0) give the cell up; and notice that Redis went back in time.
-- KEYS  owner, commit
-- ARGV  name, lease_ms, number of our last commit
-- ANSWER {"ok"}, {"fenced", holder} or {"rewound", number found}
local name = redis.call('HGET', KEYS[1], 'name')
local number = tonumber(redis.call('HGET', KEYS[2], 'number')) or 0
if not name then return {'rewound', number} end
if name ~= ARGV[1] then return {'fenced', name} end
if number ~= tonumber(ARGV[3]) then return {'rewound', number} end
if ARGV[2] == '0' then
  redis.call('DEL', KEYS[1])
  return {'ok'}
end
local clock = redis.call('TIME')
redis.call('HSET', KEYS[1], 'until_ms', tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000) + tonumber(ARGV[2]))
return {'ok'}
