-- Notes when a test was fired; the latest stays, since a call that was refused for its token is made once more.
-- KEYS: test, touched. ARGV: test id, moment, error bound. Answers 0 if the board does not know the test.

if not knows(KEYS[1]) then return 0 end
local kept = redis.call('HGET', KEYS[1], 'fired_iso')
if kept and not precedes(kept, ARGV[2]) then return 1 end
redis.call('HSETNX', KEYS[1], 'fire_status', 'sent')
redis.call('HSET', KEYS[1], 'fired_iso', ARGV[2], 'fired_error_us', ARGV[3])
touch(KEYS[2], KEYS[1], ARGV[1])
return 1
