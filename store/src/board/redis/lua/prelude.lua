-- What several scripts need. A key that many tests share lives at least as long as the longest-lived of them.

local function outlive(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
end

-- Puts a test that is not there on the board, opens it and announces it; what follows are its fields and values. Its next
-- look and its life are in ms.
local function put(test, open, test_id, look, life, channel, announcement, ...)
  redis.call('HSET', test, ...)
  redis.call('PEXPIRE', test, life)
  redis.call('ZADD', open, look, test_id)
  outlive(open, life)
  redis.call('PUBLISH', channel, announcement)
end

local function touch(touched, test, test_id)
  redis.call('SADD', touched, test_id)
  outlive(touched, redis.call('PTTL', test))
end

-- Whether the board has the facts of a test: what is no hash is none, and must not fail a whole batch.
local function knows(test)
  return redis.call('TYPE', test).ok == 'hash'
end

-- Whether text a comes before text b, byte by byte: Lua's own order depends on the server's locale.
local function precedes(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = string.byte(a, i), string.byte(b, i)
    if x ~= y then return x < y end
  end
  return #a < #b
end
