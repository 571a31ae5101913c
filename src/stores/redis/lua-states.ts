/**
 * How a subject is kept: for each limit its name, width of a bucket and buckets as text, which ends with `|`; the loss
 * it knows of and when it was written; for each limit its newest bucket, the sum, what the newest bucket counts, and how
 * many bytes are kept of older ones; then these: an entry for each in which something was spent, the oldest first: units
 * in four bytes, the lower two of the bucket's number. The numbers in one state lie less than 122 apart, so that two bytes tell them from each other.
 *
 * Whoever writes the same limits writes the same text before the numbers: `luaSpend` knows it again without reading it.
 * This here reads any.
 */
export const luaStates = `
local MOST = 2147483647
local ENTRY = 6

local function entry(units, bucket)
  return struct.pack('<I4I2', units, bucket % 65536)
end

local function numberOf(newest, low)
  return newest - (newest - low) % 65536
end

local function fresh(name, width, buckets)
  return { name = name, width = width, buckets = buckets, newest = 0, total = 0, units = 0, old = '' }
end

local function namesOf(text)
  local states, at = {}, 1
  while string.sub(text, at, at) ~= '|' do
    local _, last, name, width, buckets = string.find(text, '^([^,;|]*),(%d+),(%d+);', at)
    if not last then error('unreadable') end
    states[#states + 1] = fresh(name, tonumber(width), tonumber(buckets))
    at = last + 1
  end
  return states, at
end

local function parse(text)
  if not text then return {}, 0, 0 end
  local states, at = namesOf(text)
  local stamp, writtenAt
  stamp, writtenAt, at = struct.unpack('<dd', text, at + 1)
  for _, state in ipairs(states) do
    state.newest, state.total, state.units, state.length, at = struct.unpack('<ddI4I2', text, at)
  end
  for _, state in ipairs(states) do
    state.old = string.sub(text, at, at + state.length - 1)
    at = at + state.length
  end
  if at ~= #text + 1 then error('unreadable') end
  return states, stamp, writtenAt
end

-- Counted under another window: all that is held counts as late as it can have been spent, which is when it was written.
local function change(state, width, buckets, writtenAt)
  local first = bucketStart(state.width, state.newest)
  local last = bucketStart(state.width, state.newest + 1) - 1
  state.width, state.buckets, state.old = width, buckets, ''
  state.units = math.min(state.total, MOST)
  state.total = state.units
  state.newest = state.units == 0 and 0 or bucketAt(width, math.max(first, math.min(writtenAt, last)))
end

-- Nothing is known of what was spent before a loss: all of it may have been.
local function fill(state, limit, lostAt)
  state.newest = math.max(bucketAt(state.width, lostAt), state.newest)
  state.total, state.units, state.old = limit, limit, ''
end

local function isShort(width)
  return width > 1 and width <= 60000
end

local function find(states, name, width, buckets, writtenAt)
  for _, state in ipairs(states) do
    if state.name == name then
      if state.width ~= width or state.buckets ~= buckets then change(state, width, buckets, writtenAt) end
      state.asked = true
      return state
    end
  end
  local state = fresh(name, width, buckets)
  state.asked = true
  states[#states + 1] = state
  return state
end

-- Limits that were not asked about are kept until they say nothing: one that goes and comes back is not full again.
local function write(key, states, stamp, writtenAt, now, slack)
  local kept, isAny = {}, false
  for _, state in ipairs(states) do
    if state.total == 0 then state.newest, state.units, state.old = 0, 0, '' end
    state.endsAt = bucketStart(state.width, state.newest + state.buckets)
    if state.asked or (state.total > 0 and state.endsAt > now) then kept[#kept + 1] = state end
    isAny = isAny or kept[#kept] == state and state.total > 0
  end
  if not isAny then
    redis.call('DEL', key)
    return
  end
  if #kept > 32 then
    table.sort(kept, function(a, b)
      if a.asked ~= b.asked then return a.asked == true end
      return a.endsAt > b.endsAt
    end)
  end
  local names, numbers, olds, last = {}, {}, {}, 0
  for i = 1, math.min(#kept, 32) do
    local state = kept[i]
    names[i] = string.format('%s,%.0f,%.0f;', state.name, state.width, state.buckets)
    numbers[i] = struct.pack('<ddI4I2', state.newest, state.total, state.units, #state.old)
    olds[i] = state.old
    last = math.max(last, state.endsAt)
  end
  local head = table.concat(names) .. '|' .. struct.pack('<dd', stamp, math.max(now, writtenAt))
  local text = head .. table.concat(numbers) .. table.concat(olds)
  redis.call('SET', key, text, 'PX', math.max(1, last - now) + slack)
end
`
