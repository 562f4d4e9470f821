-- Puts tests back that the board has lost; one that is there is left alone, unless the caller could not read it.
-- KEYS: open, touched, then of each test: the test, and what points to it (its slot, its transfer id).
-- ARGV: channel, then of each test: its id, next look in ms, life of the test in ms, life of the pointers in ms, how many
-- pointers, announcements, and field names and values there are, 1 if what is there can't be read, then the
-- announcements, then the fields and values.

local key, arg = 3, 2
while arg <= #ARGV do
  local test, test_id = KEYS[key], ARGV[arg]
  local pointers = key + tonumber(ARGV[arg + 4])
  local announcements = arg + 7 + tonumber(ARGV[arg + 5])
  local fields = announcements + tonumber(ARGV[arg + 6])
  if not knows(test) or ARGV[arg + 7] == '1' then
    redis.call('DEL', test)
    for i = key + 1, pointers do redis.call('SET', KEYS[i], test_id, 'NX', 'PX', ARGV[arg + 3]) end
    redis.call('HSET', test, unpack(ARGV, announcements + 1, fields))
    redis.call('PEXPIRE', test, ARGV[arg + 2])
    redis.call('ZADD', KEYS[1], ARGV[arg + 1], test_id)
    outlive(KEYS[1], ARGV[arg + 2])
    touch(KEYS[2], test, test_id)
    for i = arg + 8, announcements do redis.call('PUBLISH', ARGV[1], ARGV[i]) end
  end
  key, arg = pointers + 1, fields + 1
end
