-- Makes touched tests due and answers all that are due. One step, so that news is in either place at every moment:
-- whoever dies after this leaves them due. Closed tests are not opened again.
-- KEYS: open, touched. ARGV: now in ms, limit.

for _, test_id in ipairs(redis.call('SPOP', KEYS[2], ARGV[2])) do
  redis.call('ZADD', KEYS[1], 'XX', 'LT', ARGV[1], test_id)
end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
