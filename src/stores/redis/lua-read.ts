import { luaCalendar } from './lua-calendar.js'
import { luaMemory } from './lua-memory.js'
import { luaStates } from './lua-states.js'

/** A time that was handed in may pass faster or slower than the server's, by which keys expire. */
export const luaTime = `
local now, slack = tonumber(ARGV[1]), 86400000
if not now then
  local time = redis.call('TIME')
  now, slack = time[1] * 1000 + (time[2] - time[2] % 1000) / 1000, 1000
end
`

/**
 * What is seldom needed: the server makes each function anew with each call, so these are made only when they are asked
 * for.
 */
export const luaSeldom = `
local made
local function seldom()
  if made then return made end
${luaCalendar}${luaStates}${luaMemory}
  local function load(text, class, lostAt)
    local states, stamp, writtenAt = parse(text)
    local subject, olds, others = { stamp, writtenAt }, {}, {}
    for r, rule in ipairs((namesOf(class[1]))) do
      local state = find(states, rule.name, rule.width, rule.buckets, writtenAt)
      if lostAt > 0 and stamp ~= lostAt and isShort(rule.width) then fill(state, class[2][r], lostAt) end
      local s = 4 * r
      subject[s - 1], subject[s], subject[s + 1], olds[r] = state.newest, state.total, state.units, state.old
      subject[s + 2] = #state.old
    end
    for _, state in ipairs(states) do
      if not state.asked then others[#others + 1] = state end
    end
    subject.olds, subject.others = olds, #others > 0 and others
    return subject
  end

  local function save(key, subject, class, lostAt)
    local states = namesOf(class[1])
    for r, state in ipairs(states) do
      local s = 4 * r
      state.asked, state.old = true, subject.olds[r]
      state.newest, state.total, state.units = subject[s - 1], subject[s], subject[s + 1]
    end
    for _, state in ipairs(subject.others) do states[#states + 1] = state end
    write(key, states, lostAt, subject[2], now, slack)
  end

  made = { bucketAt = bucketAt, bucketStart = bucketStart, remember = remember, load = load, save = save }
  return made
end
`

/** Reads what is asked, the notes of the workspaces, and what each subject has spent. */
export const luaRead = `
local request = cjson.decode(ARGV[2])
local classes, notes, members, groups = request[1], request[2], request[3], request[4]
local pack, unpackFrom, sub = struct.pack, struct.unpack, string.sub
local values = redis.call('MGET', unpack(KEYS))
local many = #notes

for i = 1, #classes do
  local class = classes[i]
  local widths, month, at = class[3], class[5], {}
  for r = 1, #widths do
    local width = widths[r]
    if width > 1 then at[r] = (now - now % width) / width
    elseif month and now >= month[2] and now < month[3] then at[r] = month[1]
    else at[r] = seldom().bucketAt(width, now) end
  end
  class[6], class[7], class[8] = at, '<dd' .. string.rep('ddI4I2', #widths), 16 + 22 * #widths
end

local function startOf(class, width, bucket)
  if width > 1 then return bucket * width end
  local month = class[5]
  if month and bucket == month[1] + 1 then return month[3] end
  return seldom().bucketStart(width, bucket)
end

local lost, told = {}, ''
for i = 1, many do
  local note = notes[i]
  if values[i] == note[1] and note[2] <= now and math.abs(now - note[3]) <= 3600000 then lost[i] = note[2]
  else
    local news
    lost[i], news = seldom().remember(KEYS[i], values[i], now, slack, note[4])
    told = told .. i .. ' ' .. news .. ';'
  end
end

-- What was spent in older buckets is taken apart only where it is looked at.
local function oldsOf(subject)
  if subject.olds then return subject.olds end
  local olds, text = {}, subject.text
  local rules = #subject.class[3]
  local at = text and subject[4 * rules + 3]
  for r = 1, rules do
    local length = subject[4 * r + 2]
    olds[r] = length > 0 and sub(text, at, at + length - 1) or ''
    if text then at = at + length end
  end
  subject.olds = olds
  return olds
end

-- Counts as spent now what lies ahead of a clock that was set back, as the core's settleStates does.
local function settle(subject, r, bucket)
  local s, old = 4 * r, oldsOf(subject)[r]
  local newest, units, last = subject[s - 1], subject[s + 1], #old
  while last > 0 do
    local more, low = unpackFrom('<I4I2', old, last - 5)
    if newest - (newest - low) % 65536 < bucket then break end
    units, last = units + more, last - 6
  end
  local counted = units < 2147483647 and units or 2147483647
  subject.olds[r] = sub(old, 1, last)
  subject[s - 1], subject[s], subject[s + 1] = bucket, subject[s] - units + counted, counted
  subject.isMoved, subject.isSettled = true, true
end

-- What has aged out of each window goes, and what lies ahead comes to now. Answers how long the text has to be for what it
-- says of older buckets.
local function age(subject, class)
  local length = 0
  for r = 1, #class[3] do
    local s = 4 * r
    local newest, bucket, buckets = subject[s - 1], class[6][r], class[4][r]
    length = length + subject[s + 2]
    if newest > bucket and subject[s] > 0 then
      if startOf(class, class[3][r], newest) - now > 250 then settle(subject, r, bucket) end
    elseif bucket > newest and subject[s] > 0 then
      if bucket - newest >= buckets then
        oldsOf(subject)[r] = ''
        subject[s], subject[s + 1] = 0, 0
      elseif subject[s + 2] > 0 then
        local olds = oldsOf(subject)
        local old, total, from = olds[r], subject[s], 1
        while from < #old do
          local units, low = unpackFrom('<I4I2', old, from)
          if (bucket - low) % 65536 < buckets then break end
          total, from = total - units, from + 6
        end
        if from > 1 then subject[s], olds[r] = total, sub(old, from) end
      end
    end
  end
  return length
end

local function loadSeldom(text, class, workspace, key)
  local subject = seldom().load(text, class, lost[workspace])
  subject.class, subject.key, subject.workspace = class, key, workspace
  age(subject, class)
  return subject
end

local subjects = {}
for i = 1, #members, 2 do
  local n = (i + 1) / 2
  local workspace, class = members[i], classes[members[i + 1]]
  local text, key, names, lostAt = values[many + n], KEYS[many + n], class[1], lost[workspace]
  local subject = false
  if not text then
    if lostAt == 0 then
      subject = { class = class, key = key, workspace = workspace, isWritten = false, 0, 0 }
      for s = 3, 4 * #class[3] + 2 do subject[s] = 0 end
    end
  elseif sub(text, 1, #names) == names and #text >= #names + class[8] then
    subject = {
      class = class, key = key, workspace = workspace, isWritten = false, text = text,
      unpackFrom(class[7], text, #names + 1)
    }
    if (lostAt > 0 and subject[1] ~= lostAt) or #names + class[8] + age(subject, class) ~= #text then subject = false end
  end
  if not subject then
    -- What cannot be read is nobody's trouble but its own subject's.
    local isRead, loaded = pcall(loadSeldom, text, class, workspace, key)
    subject = isRead and loaded
  end
  subjects[n] = subject
end
`
