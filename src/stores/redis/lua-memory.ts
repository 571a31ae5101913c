/**
 * Finds out whether the server has lost what it knew of a workspace. In each workspace's slot lies a note: the run of the
 * server it was written in, when it was made, when a loss was last seen, and when it was written. It lives for three
 * hours and is written anew each hour, so it can be missing only where nobody came for two hours, or where it was lost.
 */
export const luaMemory = `
local HOUR = 3600000

local function about(section, pattern)
  local text = redis.pcall('INFO', section)
  return type(text) == 'string' and string.match(text, pattern) or nil
end

-- A log of all writes brings everything back; a snapshot does not, nor does a replica that took over.
local function keptAll()
  return about('persistence', 'aof_enabled:1') and about('replication', 'master_replid2:0+%s')
end

local function remember(key, text, now, slack, asked)
  local run, born, lostAt, writtenAt = string.match(text or '', '^(%S+) (%d+) (%d+) (%-?%d+)$')
  born, lostAt, writtenAt = tonumber(born), tonumber(lostAt), tonumber(writtenAt)
  local changed, told, lost = false, '', nil
  if asked.check or run ~= asked.run then told = about('server', 'run_id:(%w+)') or '-' end
  local saw = asked.born > 0 and now - asked.seenAt < 2 * HOUR
  if not run then
    local time = redis.call('TIME')
    run, born, lostAt, changed = told, time[1] * 1000000 + time[2], 0, true
    if saw then lost = now
    elseif asked.run ~= '' and asked.run ~= told and not keptAll() then lost = now
    elseif asked.lossAt > 0 then lost = math.min(asked.lossAt, now) end
  else
    if told ~= '' and told ~= run then
      if not keptAll() then lost = now end
      run, changed = told, true
    end
    if saw and asked.born ~= born and lostAt < asked.seenAt then lost = now end
  end
  if lost then lostAt, changed = lost, true end
  if changed or math.abs(now - writtenAt) > HOUR then
    local note = string.format('%s %.0f %.0f %.0f', run, born, lostAt, now)
    redis.call('SET', key, note, 'PX', string.format('%.0f', 3 * HOUR + slack))
  end
  return told, born, lostAt
end
`
