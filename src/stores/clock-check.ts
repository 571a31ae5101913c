import { KeyrungError } from '../core/errors.js'
import { describeLack } from '../core/given.js'

/** Demands the functions of a clock, where one is given. @throws KeyrungError `config_invalid` */
export function checkClock(clock: unknown, calls: readonly string[]): void {
  if (clock === undefined) return
  const lack = describeLack(clock, calls)
  if (lack === null) return
  throw new KeyrungError('config_invalid', { message: `clock must have ${calls.join(', ')}; ${lack}.` })
}
