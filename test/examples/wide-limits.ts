/** A key's own limits that no test reaches, in the place of those that the example hosts have for every key. */
export const wideLimits = [
  { name: 'minute', limit: 100_000, window_seconds: 60 },
  { name: 'day', limit: 1_000_000, window_seconds: 86_400 },
]
