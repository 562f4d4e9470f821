-- Notes facts of a test, once: if the first field is there already, the first note stays.
-- KEYS: test, touched, then what is to point to the test: its transfer id, where that became known.
-- ARGV: test id, channel, announcement or '', failure signal or '', then fields and values. A refund that was seen stays
-- the signal. Answers 0 if the board does not know the test.

if not knows(KEYS[1]) then return 0 end
if redis.call('HEXISTS', KEYS[1], ARGV[5]) == 1 then return 1 end
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
if ARGV[4] ~= '' then redis.call('HSETNX', KEYS[1], 'failure_signal', ARGV[4]) end
local life = math.max(redis.call('PTTL', KEYS[1]), 1)
for i = 3, #KEYS do redis.call('SET', KEYS[i], ARGV[1], 'PX', life) end
touch(KEYS[2], KEYS[1], ARGV[1])
if ARGV[3] ~= '' then redis.call('PUBLISH', ARGV[2], ARGV[3]) end
return 1
