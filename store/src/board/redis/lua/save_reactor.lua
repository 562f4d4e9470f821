-- Writes what a reactor says of itself, whole, and the highest position of its frame and type.
-- KEYS: reactor, index of the reactors, position. ARGV: name in the index, life in ms, position or '', then fields and
-- values.

redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local time = redis.call('TIME')
redis.call('ZADD', KEYS[2], tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000), ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[2])
local position = tonumber(ARGV[3])
if position and position > (tonumber(redis.call('GET', KEYS[3]) or '') or -1) then
  redis.call('SET', KEYS[3], ARGV[3])
end
