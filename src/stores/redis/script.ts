import { sha1 } from '@noble/hashes/legacy.js'
import { toHex, toUtf8 } from '../../crypto/encoding.js'
import { luaCalendar } from './lua-calendar.js'
import { luaMemory } from './lua-memory.js'
import { luaStates } from './lua-states.js'

/** A script, and the digest that a server knows it by once it has run it. */
export interface Script {
  readonly text: string
  readonly digest: string
}

function scriptOf(...parts: readonly string[]): Script {
  const text = parts.join('')
  return { text, digest: toHex(sha1(toUtf8(text))) }
}

/** A time that was handed in may pass faster or slower than the server's, by which keys expire. */
const luaTime = `
local time = redis.call('TIME')
local now = tonumber(ARGV[1]) or time[1] * 1000 + math.floor(time[2] / 1000)
local slack = ARGV[1] == '' and 1000 or DAY
`

/**
 * Spends all charges of a request, or none.
 *
 * KEYS: the workspace's note, then a key for each charge. ARGV: a time or `''`; what `Seen` says: check, run, born,
 * seenAt, lossAt; force; for each charge its cost and how many rules it has, for each of these its name, limit, width of a
 * bucket, buckets. Answers ok, now, the run or `''`, born, lostAt, and for each rule what is used, when all of it is free,
 * and when the spending fits: 0 now, -1 never.
 */
export const spendScript = scriptOf(
  luaCalendar,
  luaStates,
  luaMemory,
  luaTime,
  `
local values = redis.call('MGET', unpack(KEYS))
local told, born, lostAt = remember(KEYS[1], values[1], now, slack, {
  check = ARGV[2] == '1', run = ARGV[3], born = tonumber(ARGV[4]), seenAt = tonumber(ARGV[5]), lossAt = tonumber(ARGV[6]),
})
local ok, at, charges = true, 8, {}
for i = 2, #KEYS do
  local cost, many = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local states, stamp, writtenAt = read(values[i])
  local charge = { key = KEYS[i], cost = cost, states = states, writtenAt = writtenAt, rules = {} }
  at = at + 2
  for j = 1, many do
    local limit, width, buckets = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
    local state = find(states, ARGV[at], width, buckets, writtenAt)
    if lostAt > 0 and stamp ~= lostAt and isShort(width) then fill(state, limit, lostAt) end
    local bucket = math.max(bucketAt(width, now), state.newest)
    advance(state, bucket)
    if cost > 0 and state.total + cost > limit then ok = false end
    charge.rules[j] = { state = state, bucket = bucket, limit = limit }
    at = at + 4
  end
  charges[#charges + 1] = charge
end
if ARGV[7] == '1' then ok = true end

local answer = { ok and 1 or 0, now, told, born, lostAt }
for _, charge in ipairs(charges) do
  local cost = charge.cost
  if ok and cost > 0 then
    for _, rule in ipairs(charge.rules) do spend(rule.state, rule.bucket, cost) end
    write(charge.key, charge.states, lostAt, charge.writtenAt, now, slack)
    cost = 0
  end
  for _, rule in ipairs(charge.rules) do
    local state, fitsAt = rule.state, 0
    if not ok and cost > 0 and state.total + cost > rule.limit then
      fitsAt = cost > rule.limit and -1 or freeAt(state, rule.bucket, now, rule.limit - cost)
    end
    local n = #answer
    answer[n + 1], answer[n + 2], answer[n + 3] = state.total, resetAt(state, rule.bucket, now), fitsAt
  end
end
return answer
`,
)

/**
 * Takes back what was spent in the bucket of an instant, as far as it counts there.
 *
 * KEYS: the workspace's note, the subject. ARGV: a time or `''`, the instant, units, and for each rule its name, limit,
 * width of a bucket, buckets. What a loss has filled stays full.
 */
export const refundScript = scriptOf(
  luaCalendar,
  luaStates,
  luaTime,
  `
local values = redis.call('MGET', unpack(KEYS))
if not values[2] then return 0 end
local lostAt = tonumber(string.match(values[1] or '', '^%S+ %d+ (%d+)') or 0)
local spentAt, units = tonumber(ARGV[2]), tonumber(ARGV[3])
local states, stamp, writtenAt = read(values[2])
for at = 4, #ARGV, 4 do
  local width, buckets = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  local state = find(states, ARGV[at], width, buckets, writtenAt)
  local bucket = bucketAt(width, spentAt)
  local filled = lostAt > 0 and isShort(width) and (stamp ~= lostAt or bucket <= bucketAt(width, lostAt))
  if not filled and bucket <= state.newest and state.newest - bucket < state.buckets then
    for from = 1, #state.entries, ENTRY do
      local spent, low = struct.unpack('<I4I2', state.entries, from)
      if numberOf(state.newest, low) == bucket then
        local left = math.max(0, spent - units)
        local rest = left > 0 and entry(left, bucket) or ''
        state.entries = string.sub(state.entries, 1, from - 1) .. rest .. string.sub(state.entries, from + ENTRY)
        state.total = state.total - spent + left
        break
      end
    end
  end
end
write(KEYS[2], states, stamp, writtenAt, now, slack)
return 1
`,
)
