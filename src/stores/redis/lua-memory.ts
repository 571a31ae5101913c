/**
 * Finds out whether the server has lost what it knew of a workspace. In each workspace's slot lies a note: the run of the
 * server it was written in, when it was made, when a loss was last seen, and when it was written. It lives for three
 * hours and is written anew each hour, so it can be missing only where nobody came for two hours, or where it was lost.
 *
 * Where the note is the one that was last read, and young, `luaSpend` asks nothing of this.
 */
export const luaMemory = `
local HOUR = 3600000
local present

local function about(section, pattern)
  local text = redis.pcall('INFO', section)
  return type(text) == 'string' and string.match(text, pattern) or nil
end

local function runNow()
  present = present or about('server', 'run_id:(%w+)') or '-'
  return present
end

-- A log of all writes brings everything back; a snapshot does not, nor does a replica that took over.
local function keptAll()
  return about('persistence', 'aof_enabled:1') and about('replication', 'master_replid2:0+%s')
end

-- seen: check, run, born, seenAt, lossAt. Answers lostAt, and what to remember: the run, where the server was asked, and
-- the note. No run is written as a question mark.
local function remember(key, text, now, slack, seen)
  local check, seenRun, seenBorn, seenAt, lossAt = string.match(seen, '^(%d) (%S+) (%d+) (%-?%d+) (%-?%d+)$')
  seenBorn, seenAt, lossAt = tonumber(seenBorn), tonumber(seenAt), tonumber(lossAt)
  local run, born, lostAt, writtenAt = string.match(text or '', '^(%S+) (%d+) (%d+) (%-?%d+)$')
  born, lostAt, writtenAt = tonumber(born), tonumber(lostAt), tonumber(writtenAt)
  local changed, told, lost = false, '?', nil
  if check == '1' or run ~= seenRun then told = runNow() end
  local saw = seenBorn > 0 and now - seenAt < 2 * HOUR
  if not run then
    local time = redis.call('TIME')
    run, born, lostAt, changed = told, time[1] * 1000000 + time[2], 0, true
    if saw then lost = now
    elseif seenRun ~= '?' and seenRun ~= told and not keptAll() then lost = now
    elseif lossAt > 0 then lost = math.min(lossAt, now) end
  else
    if told ~= '?' and told ~= run then
      if not keptAll() then lost = now end
      run, changed = told, true
    end
    if saw and seenBorn ~= born and lostAt < seenAt then lost = now end
  end
  -- The clock was set back: a loss that is ahead was not later than now.
  if not lost and lostAt > now then lost = now end
  if lost then lostAt, changed = lost, true end
  if changed or math.abs(now - writtenAt) > HOUR then
    writtenAt = now
    text = string.format('%s %.0f %.0f %.0f', run, born, lostAt, now)
    redis.call('SET', key, text, 'PX', 3 * HOUR + slack)
  end
  return lostAt, told .. ' ' .. text
end
`
