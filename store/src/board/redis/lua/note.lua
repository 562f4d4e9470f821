-- Notes facts of a test, once: if the first field is there already, the first note stays.
-- KEYS: test, touched, then what is to point to the test: its transfer id, where that became known.
-- ARGV: test id, channel, announcement or '', a field that is only set if it is not there and its value, then fields
-- and values. Answers 0 if the board does not know the test.

if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if redis.call('HEXISTS', KEYS[1], ARGV[6]) == 1 then return 1 end
redis.call('HSETNX', KEYS[1], ARGV[4], ARGV[5])
redis.call('HSET', KEYS[1], unpack(ARGV, 6))
local life = math.max(redis.call('PTTL', KEYS[1]), 1)
for i = 3, #KEYS do redis.call('SET', KEYS[i], ARGV[1], 'PX', life) end
touch(KEYS[2], KEYS[1], ARGV[1])
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 1
