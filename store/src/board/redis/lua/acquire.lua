-- Takes a lease that nobody holds, in a term beyond every one before. After the counter was lost, it goes on from the
-- clock in milliseconds: terms are rarer than that, so it is beyond them still.
-- KEYS: lease, term. ARGV: node, ttl in ms. Answers the term, or nil if the lease is held.

if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local last = tonumber(redis.call('GET', KEYS[2]) or 0) or 0
local term = string.format('%.0f', math.max(last + 1, now))
redis.call('SET', KEYS[2], term)
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. term, 'PX', ARGV[2])
return term
