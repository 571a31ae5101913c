/**
 * What one limit has spent: its newest bucket, the sum, and an entry for each bucket in which something was spent, the
 * oldest first: units in four bytes, the lower two of the bucket's number. The numbers in one state lie less than 122
 * apart, so that two bytes tell them from each other.
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

local function advance(state, bucket)
  if bucket - state.newest >= state.buckets then
    state.entries, state.total = '', 0
    return
  end
  local from = 1
  while from < #state.entries do
    local units, low = struct.unpack('<I4I2', state.entries, from)
    if (bucket - low) % 65536 < state.buckets then break end
    state.total = state.total - units
    from = from + ENTRY
  end
  if from > 1 then state.entries = string.sub(state.entries, from) end
end

local function spend(state, bucket, cost)
  local last = #state.entries - ENTRY + 1
  local before = 0
  if last > 0 then
    local units, low = struct.unpack('<I4I2', state.entries, last)
    if low == bucket % 65536 then
      before = units
      state.entries = string.sub(state.entries, 1, last - 1)
    end
  end
  local units = math.min(before + cost, MOST)
  state.entries = state.entries .. entry(units, bucket)
  state.total = state.total + units - before
  state.newest = bucket
end

local function freeAt(state, bucket, now, most)
  local rest = state.total
  if rest <= most then return now end
  for from = 1, #state.entries, ENTRY do
    local units, low = struct.unpack('<I4I2', state.entries, from)
    rest = rest - units
    if rest <= most then return bucketStart(state.width, numberOf(bucket, low) + state.buckets) end
  end
  return now
end

local function resetAt(state, bucket, now)
  if state.total == 0 then return now end
  local _, low = struct.unpack('<I4I2', state.entries, #state.entries - ENTRY + 1)
  return bucketStart(state.width, numberOf(bucket, low) + state.buckets)
end

-- Counted under another window: all that is held counts as late as it can have been spent, which is when it was written.
local function change(state, width, buckets, writtenAt)
  local first = bucketStart(state.width, state.newest)
  local last = bucketStart(state.width, state.newest + 1) - 1
  local units = math.min(state.total, MOST)
  state.width, state.buckets = width, buckets
  if units == 0 then
    state.newest, state.total, state.entries = 0, 0, ''
  else
    state.newest = bucketAt(width, math.max(first, math.min(writtenAt, last)))
    state.total, state.entries = units, entry(units, state.newest)
  end
end

-- Nothing is known of what was spent before a loss: all of it may have been.
local function fill(state, limit, lostAt)
  state.newest = math.max(bucketAt(state.width, lostAt), state.newest)
  state.total, state.entries = limit, ''
  if limit > 0 then state.entries = entry(limit, state.newest) end
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
  local state = { name = name, width = width, buckets = buckets, newest = 0, total = 0, entries = '', asked = true }
  states[#states + 1] = state
  return state
end

local function read(text)
  local states = {}
  if not text then return states, 0, 0 end
  local lostAt, writtenAt, at = struct.unpack('<dd', text)
  while at <= #text do
    local state, length = {}, 0
    state.name, state.width, state.buckets, state.newest, state.total, length, at =
      struct.unpack('<Bc0I4I2ddI2', text, at)
    state.entries = string.sub(text, at, at + length - 1)
    at = at + length
    states[#states + 1] = state
  end
  return states, lostAt, writtenAt
end

-- Limits that were not asked about are kept until they say nothing: one that goes and comes back is not full again.
local function write(key, states, lostAt, writtenAt, now, slack)
  local kept = {}
  for _, state in ipairs(states) do
    state.endsAt = bucketStart(state.width, state.newest + state.buckets)
    if state.total > 0 and (state.asked or state.endsAt > now) then kept[#kept + 1] = state end
  end
  if #kept == 0 then
    redis.call('DEL', key)
    return
  end
  if #kept > 32 then
    table.sort(kept, function(a, b)
      if a.asked ~= b.asked then return a.asked == true end
      return a.endsAt > b.endsAt
    end)
  end
  local parts, last = { struct.pack('<dd', lostAt, math.max(now, writtenAt)) }, 0
  for i = 1, math.min(#kept, 32) do
    local state = kept[i]
    parts[#parts + 1] = struct.pack('<Bc0I4I2ddI2', #state.name, state.name, state.width, state.buckets,
      state.newest, state.total, #state.entries) .. state.entries
    last = math.max(last, state.endsAt)
  end
  redis.call('SET', key, table.concat(parts), 'PX', string.format('%.0f', math.max(1, last - now) + slack))
end
`
