-- The names of the reactors that are not forgotten, those that wrote last first. KEYS: index. ARGV: life in ms, limit.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', now - ARGV[1]))
return redis.call('ZREVRANGE', KEYS[1], 0, ARGV[2] - 1)
