-- Lets tests, and what points to them, live their whole time again.
-- KEYS: open, touched, then the tests. ARGV: time beyond the watch in ms, start of the slots' keys, start of the
-- transfer ids' keys.

for i = 3, #KEYS do
  local test = {}
  if knows(KEYS[i]) then
    test = redis.call('HMGET', KEYS[i], 'watch_ms', 'period_ms', 'path', 'cycle', 'transfer_id')
  end
  local watch = tonumber(test[1])
  if watch then
    local life = string.format('%.0f', watch + ARGV[1])
    local claim = string.format('%.0f', math.max(watch, tonumber(test[2]) or 0) + ARGV[1])
    redis.call('PEXPIRE', KEYS[i], life)
    if test[3] and test[4] then redis.call('PEXPIRE', ARGV[2] .. test[3] .. ':' .. test[4], claim) end
    if test[5] then redis.call('PEXPIRE', ARGV[3] .. test[5], life) end
    outlive(KEYS[1], life)
    outlive(KEYS[2], life)
  end
end
