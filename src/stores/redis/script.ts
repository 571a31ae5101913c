import { sha1 } from '@noble/hashes/legacy.js'
import { toHex, toUtf8 } from '../../crypto/encoding.js'
import { luaCalendar } from './lua-calendar.js'
import { luaTime } from './lua-read.js'
import { luaSpend } from './lua-spend.js'
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

/**
 * Spends all charges of a request, or none; of any number of requests, one after the other.
 *
 * KEYS: the workspaces' notes, then the subjects. ARGV: a time or `''`, and as JSON
 *
 * - the lists of limits: what `luaStates` writes of their names, the limits, the widths, the buckets, and the number, start
 *   and end of a month or false;
 * - for each workspace the note that was last read, its lostAt and writtenAt, and what `remember` is told;
 * - for each subject the numbers of its workspace and of its limits;
 * - for each group of equal requests how many there are, whether by force, how many charges, and for each of these the
 *   number of its subject and the cost.
 *
 * Answers now; for each workspace whose note had to be read its number and what `remember` answers; then for each group
 *
 * - how many were admitted, which is all, and for each limit what is used: all of it is free a window after this bucket;
 * - or -2 less how many were admitted, and for each limit what is used, when all of it is free, and when a spending that
 *   was refused fits: 0 now, -1 never;
 * - or -1, where what is kept cannot be read.
 */
export const spendScript = scriptOf(luaSpend)

/**
 * Takes back what was spent in the bucket of an instant, as far as it counts there.
 *
 * KEYS: the workspace's note, the subject. ARGV: a time or `''`, the instant, units, and for each limit its name, width of a
 * bucket, buckets. What a loss has filled stays full.
 */
export const refundScript = scriptOf(
  luaTime,
  luaCalendar,
  luaStates,
  `
local values = redis.call('MGET', unpack(KEYS))
if not values[2] then return 0 end
local lostAt = tonumber(string.match(values[1] or '', '^%S+ %d+ (%d+)') or 0)
local spentAt, units = tonumber(ARGV[2]), tonumber(ARGV[3])
local states, stamp, writtenAt = parse(values[2])
for at = 4, #ARGV, 3 do
  local width, buckets = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local state = find(states, ARGV[at], width, buckets, writtenAt)
  local bucket = bucketAt(width, spentAt)
  local filled = lostAt > 0 and isShort(width) and (stamp ~= lostAt or bucket <= bucketAt(width, lostAt))
  if not filled and bucket == state.newest then
    local left = math.max(0, state.units - units)
    state.total, state.units = state.total - state.units + left, left
  elseif not filled and bucket < state.newest and state.newest - bucket < state.buckets then
    for from = 1, #state.old, ENTRY do
      local spent, low = struct.unpack('<I4I2', state.old, from)
      if numberOf(state.newest, low) == bucket then
        local left = math.max(0, spent - units)
        local rest = left > 0 and entry(left, bucket) or ''
        state.old = string.sub(state.old, 1, from - 1) .. rest .. string.sub(state.old, from + ENTRY)
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
