-- Puts a test without a slot on the board: all or nothing. Its id is random, so it takes neither lease nor claim.
-- KEYS: test, open. ARGV: as `put` takes them from the test's id on. Answers 0 if the test is there already.

if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
put(KEYS[1], KEYS[2], unpack(ARGV))
return 1
