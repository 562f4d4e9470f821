-- Notes a contradiction of a test; the earliest stays, and of two at one moment the one whose words come first.
-- KEYS: test, touched. ARGV: test id, moment, words. Answers 0 if the board does not know the test.

if not knows(KEYS[1]) then return 0 end
local kept = redis.call('HMGET', KEYS[1], 'mismatch_iso', 'mismatch')
if not kept[1] or precedes(ARGV[2] .. ARGV[3], kept[1] .. (kept[2] or '')) then
  redis.call('HSET', KEYS[1], 'mismatch_iso', ARGV[2], 'mismatch', ARGV[3])
  touch(KEYS[2], KEYS[1], ARGV[1])
end
return 1
