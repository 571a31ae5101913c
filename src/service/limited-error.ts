import { KeyrungError } from '../core/errors.js'
import type { LimitReport } from './admission.js'

/** The error of a call that is refused for a limit: it says how the limits stand. */
export class LimitedError extends KeyrungError {
  declare readonly limits: LimitReport

  constructor(limits: LimitReport) {
    super('limited')
    Object.defineProperty(this, 'limits', { value: limits, enumerable: false })
  }
}
