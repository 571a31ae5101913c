import { isKeyrungError, KeyrungError } from '../core/errors.js'

/**
 * The error for a hook of the host's that threw or answered what it may not.
 *
 * @param hook its name
 * @param why free of secrets
 */
export function hookFailed(hook: string, why: string, cause?: unknown): KeyrungError {
  return new KeyrungError('hook_failed', {
    internal: `${hook}: ${why}`,
    ...(cause !== undefined && { cause }),
  })
}

/** The error for a hook whose answer has faults: the end user is not told of them, as they are not theirs. */
export function hookMisanswered(hook: string, error: unknown): KeyrungError {
  const [fault] = isKeyrungError(error) ? error.faults : []
  const why =
    fault === undefined ? 'answered something that cannot be read' : `${fault.path} ${fault.message}`
  return hookFailed(hook, why.trim(), error)
}

/** Names the kind of a value, for a message about it. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'an array' : typeof value
}
