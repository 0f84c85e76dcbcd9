#!lua
-- Append documents that are newer than what this producer sent before. A repeated call appends nothing.
-- KEYS  stream, producer ("" with no producer: the stream again)
-- ARGV  keep_ms, packed ("1": many lines to an entry), max entry bytes, n; then n sequences (or one for all, or none), then documents
-- ANSWER {appended, duplicates, last entry id, last sequence}
local stream, producer = KEYS[1], KEYS[2]
local keep_ms, packed, limit = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local sequences, first = tonumber(ARGV[4]), 5
local kind = redis.call('TYPE', stream).ok
if kind ~= 'stream' and kind ~= 'none' then
  return redis.error_reply('WRONGTYPE ' .. stream .. ' holds a ' .. kind .. ', not a stream')
end
local documents = first + sequences
local skipped = 0
local last = ''
if sequences > 0 then
  last = redis.call('GET', producer) or ''
  -- numbers are decimal text without leading zeros: longer is larger, so that 64 bits and more stay exact
  local function newer(a, b) return #a > #b or (#a == #b and a > b) end
  if sequences == 1 then
    if last ~= '' and not newer(ARGV[first], last) then return {0, #ARGV - documents + 1, '', last} end
  else
    while skipped < sequences and last ~= '' and not newer(ARGV[first + skipped], last) do skipped = skipped + 1 end
    if skipped == sequences then return {0, skipped, '', last} end
  end
  last = ARGV[documents - 1]
end
local id = ''
local i, n = documents + skipped, #ARGV
while i <= n do
  local j, bytes = i, #ARGV[i]
  if packed then
    while j < n and bytes + #ARGV[j + 1] + 1 <= limit do
      j = j + 1
      bytes = bytes + #ARGV[j] + 1
    end
  end
  if j > i then
    id = redis.call('XADD', stream, '*', 'lines', table.concat(ARGV, '\n', i, j))
  else
    id = redis.call('XADD', stream, '*', 'json', ARGV[i])
  end
  i = j + 1
end
if sequences > 0 then redis.call('SET', producer, last, 'PX', keep_ms) end
return {n - documents - skipped + 1, skipped, id, last}
