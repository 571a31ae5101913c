/**
 * The maths of `core/limit-window` in Lua. Days are as wide as they are, a width of 1 stands for months: no bucket of a
 * rolling limit is so short.
 */
export const luaCalendar = `
local DAY = 86400000

local function monthOf(day)
  local shifted = day + 719468
  local era = math.floor(shifted / 146097)
  local left = shifted - era * 146097
  local year = math.floor((left - math.floor(left / 1460) + math.floor(left / 36524) - math.floor(left / 146096)) / 365)
  local ofYear = left - (365 * year + math.floor(year / 4) - math.floor(year / 100))
  return (year + era * 400 - 1970) * 12 + math.floor((5 * ofYear + 2) / 153) + 2
end

local function firstDayOf(month)
  local fromMarch = month - 2 + 23640
  local year = math.floor(fromMarch / 12)
  local era = math.floor(year / 400)
  local ofEra = year - era * 400
  local ofYear = math.floor((153 * (fromMarch - year * 12) + 2) / 5)
  return era * 146097 + 365 * ofEra + math.floor(ofEra / 4) - math.floor(ofEra / 100) + ofYear - 719468
end

local function bucketAt(width, at)
  if width > 1 then return math.floor(at / width) end
  return monthOf(math.floor(at / DAY))
end

local function bucketStart(width, bucket)
  if width > 1 then return bucket * width end
  return firstDayOf(bucket) * DAY
end
`
