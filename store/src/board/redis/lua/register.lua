-- Claims a slot and puts its test on the board, under the caller's lease: all or nothing (I1).
-- KEYS: lease, test, open, then the claims: the slot, if the test has one.
-- ARGV: holder, test id, next look in ms, life of the test in ms, life of the claims in ms, channel, announcement,
-- then the fields and values of the test.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'not_leading' end
if redis.call('EXISTS', KEYS[2], unpack(KEYS, 4)) > 0 then return 'taken' end
for i = 4, #KEYS do redis.call('SET', KEYS[i], ARGV[2], 'PX', ARGV[5]) end
redis.call('HSET', KEYS[2], unpack(ARGV, 8))
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('ZADD', KEYS[3], ARGV[3], ARGV[2])
outlive(KEYS[3], ARGV[4])
redis.call('PUBLISH', ARGV[6], ARGV[7])
return 'registered'
