-- Stamps a batch: of each stage of a test the sighting that comes first in the order of Stamp stays (I3).
-- KEYS: touched, then the test of each sighting.
-- ARGV: eight a sighting: test id, stage, seen, via, occurred, frame, position, error.
-- Answers the ids of the sightings whose tests the board does not know.

local VIA = { live = '0', replay = '1', backstop = '2' }

local function padded(number)
  return string.rep('0', 20 - #number) .. number
end

-- A text that sorts as the stamp does. The zero byte ends the frame's name, as no name has one.
local function rank(seen, via, occurred, frame, position, err)
  return (seen or '') .. (VIA[via] or '3') .. (occurred or '') .. (frame or '') .. '\0'
    .. padded(position or '') .. padded(err or '')
end

local unknown = {}
for i = 2, #KEYS do
  local at = (i - 2) * 8
  local test, test_id, stage = KEYS[i], ARGV[at + 1], ARGV[at + 2]
  if not knows(test) then
    unknown[#unknown + 1] = test_id
  else
    local names = { '_seen_iso', '_via', '_occurred_iso', '_frame', '_position', '_error_us' }
    for n, name in ipairs(names) do names[n] = stage .. name end
    local kept = redis.call('HMGET', test, unpack(names))
    if not kept[1] or precedes(rank(unpack(ARGV, at + 3, at + 8)), rank(unpack(kept, 1, 6))) then
      for n, name in ipairs(names) do redis.call('HSET', test, name, ARGV[at + 2 + n]) end
      if stage == 'cf_refunded' then redis.call('HSET', test, 'failure_signal', 'refunded') end
      touch(KEYS[1], test, test_id)
    end
  end
end
return unknown
