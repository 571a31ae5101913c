import { luaRead, luaSeldom, luaTime } from './lua-read.js'

/** Spends, one group of equal spendings after the other: as many of a group as fit. */
const luaGroups = `
local out, n = { now, told }, 2
local written, changes = {}, 0

local function resetAt(subject, r)
  local s, class = 4 * r, subject.class
  if subject[s] == 0 then return now end
  local newest = subject[s - 1]
  if subject[s + 1] == 0 then
    local old = oldsOf(subject)[r]
    local _, low = unpackFrom('<I4I2', old, #old - 5)
    newest = newest - (newest - low) % 65536
  end
  return startOf(class, class[3][r], newest + class[4][r])
end

local function freeAt(subject, r, most)
  local s, class = 4 * r, subject.class
  local rest, newest, old = subject[s], subject[s - 1], oldsOf(subject)[r]
  if rest <= most then return now end
  for from = 1, #old, 6 do
    local units, low = unpackFrom('<I4I2', old, from)
    rest = rest - units
    if rest <= most then return startOf(class, class[3][r], newest - (newest - low) % 65536 + class[4][r]) end
  end
  return startOf(class, class[3][r], newest + class[4][r])
end

local at = 1
while at <= #groups do
  local count, force = groups[at], groups[at + 1] == 1
  local from, last = at + 3, at + 1 + 2 * groups[at + 2]
  local fit, isPlain = count, true
  for i = from, last, 2 do
    local subject, cost = subjects[groups[i]], groups[i + 1]
    if not subject then
      fit = -1
      break
    end
    if cost > 0 and not force then
      local limits = subject.class[2]
      for r = 1, #limits do
        local room = limits[r] - subject[4 * r]
        if room < fit * cost then fit = room < cost and 0 or (room - room % cost) / cost end
      end
    end
  end
  for i = fit < 0 and last + 1 or from, last, 2 do
    local subject, units = subjects[groups[i]], groups[i + 1] * fit
    local class = subject.class
    if (units > 0 or subject.isSettled and groups[i + 1] > 0) and not subject.isWritten then
      changes = changes + 1
      subject.isWritten, written[changes] = true, subject
    end
    for r = 1, #class[3] do
      local s, bucket = 4 * r, class[6][r]
      if units > 0 then
        local newest, before = subject[s - 1], subject[s + 1]
        if newest < bucket then
          if before > 0 then
            local olds = oldsOf(subject)
            olds[r] = olds[r] .. pack('<I4I2', before, newest % 65536)
          end
          before, subject[s - 1], subject.isMoved = 0, bucket, true
        end
        local after = before + units
        if after > 2147483647 then after = 2147483647 end
        subject[s], subject[s + 1] = subject[s] + after - before, after
      end
      if subject[s] > 0 and (subject[s - 1] ~= bucket or subject[s + 1] == 0) then isPlain = false end
    end
  end
  n = n + 1
  if fit == count and isPlain then
    out[n] = fit
    for i = from, last, 2 do
      local subject = subjects[groups[i]]
      for s = 4, 4 * #subject.class[3], 4 do
        n = n + 1
        out[n] = subject[s]
      end
    end
  else
    out[n] = fit < 0 and -1 or -2 - fit
    for i = fit < 0 and last + 1 or from, last, 2 do
      local subject, cost = subjects[groups[i]], groups[i + 1]
      local limits = subject.class[2]
      for r = 1, #limits do
        local used, fitsAt = subject[4 * r], 0
        if fit < count and cost > 0 and used + cost > limits[r] then
          fitsAt = cost > limits[r] and -1 or freeAt(subject, r, limits[r] - cost)
        end
        out[n + 1], out[n + 2], out[n + 3] = used, resetAt(subject, r), fitsAt
        n = n + 3
      end
    end
  end
  at = last + 2
end
`

/** Writes what was changed: only the numbers where no bucket has ended, as the key's own end is the same then. */
const luaWrite = `
for i = 1, changes do
  local subject = written[i]
  local class, lostAt = subject.class, lost[subject.workspace]
  local rules, names, text = #class[3], class[1], subject.text
  if subject.others then seldom().save(subject.key, subject, class, lostAt)
  else
    local olds, ends = subject.olds, 0
    local isWhole = olds or not text or subject.isMoved or slack > 1000
    if isWhole then
      for r = 1, rules do
        if olds then subject[4 * r + 2] = #olds[r] end
        local endsAt = startOf(class, class[3][r], subject[4 * r - 1] + class[4][r])
        if endsAt > ends then ends = endsAt end
      end
    end
    subject[1] = lostAt
    if now > subject[2] then subject[2] = now end
    local numbers = pack(class[7], unpack(subject, 1, 4 * rules + 2))
    if isWhole then
      local rest = olds and table.concat(olds) or text and sub(text, subject[4 * rules + 3]) or ''
      local left = ends > now and ends - now or 1
      redis.call('PSETEX', subject.key, left + slack .. '', names .. numbers .. rest)
    else redis.call('SETRANGE', subject.key, #names .. '', numbers) end
  end
end
return out
`

/** The whole of it; what it is told is written in `call.ts`. */
export const luaSpend = [luaTime, luaSeldom, luaRead, luaGroups, luaWrite].join('')
