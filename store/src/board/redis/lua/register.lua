-- Claims a slot and puts its test on the board, under the caller's lease: all or nothing (I1).
-- KEYS: lease, test, open, then the claims: the slot, if the test has one.
-- ARGV: holder, life of the claims in ms, then as `put` takes them from the test's id on.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 'not_leading' end
if redis.call('EXISTS', KEYS[2], unpack(KEYS, 4)) > 0 then return 'taken' end
for i = 4, #KEYS do redis.call('SET', KEYS[i], ARGV[3], 'PX', ARGV[2]) end
put(KEYS[2], KEYS[3], unpack(ARGV, 3))
return 'registered'
