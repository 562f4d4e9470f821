-- Prolongs a lease that this holder has. KEYS: lease. ARGV: holder, ttl in ms. Answers 1, or 0 if it has not.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
