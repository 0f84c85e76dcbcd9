#!lua flags=allow-oom
-- Become the owner of a cell, if nobody is, or its lease is over, or its process is known to be dead.
-- KEYS  owner
-- ARGV  name, lease_ms, who, name of a holder known to be dead ("": none), service
-- ANSWER {"ok"} or {"held", name, who, milliseconds left}
local holder = redis.call('HMGET', KEYS[1], 'name', 'until_ms', 'who')
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local left = (tonumber(holder[2]) or 0) - now
if holder[1] and holder[1] ~= ARGV[1] and holder[1] ~= ARGV[4] and left > 0 then
  return {'held', holder[1], holder[3] or '', left}
end
redis.call('HSET', KEYS[1], 'name', ARGV[1], 'until_ms', now + tonumber(ARGV[2]), 'who', ARGV[3], 'service', ARGV[5])
return {'ok'}
