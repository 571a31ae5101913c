import { invalid } from '../../core/errors.js'
import type { Fault } from '../../core/errors.js'
import type { ServiceContext } from '../context.js'

type Texts = Readonly<Record<string, string | null | undefined>>

/**
 * Finds whole secrets of this application in texts that would be stored and shown: somebody has pasted a key
 * into its name, or into the reason for revoking it.
 *
 * @param texts by their path in the input
 */
export function findPastedSecrets({ keyFormat }: Pick<ServiceContext, 'keyFormat'>, texts: Texts): Fault[] {
  const form = new RegExp(keyFormat.pattern, 'g')
  return Object.entries(texts).flatMap(([path, text]) => {
    const isPasted = text?.match(form)?.some((found) => keyFormat.parse(found) !== undefined)
    return isPasted ? [{ path, message: 'contains a key: leave it out, as this is stored and shown' }] : []
  })
}

/** @throws KeyrungError `input_invalid` for texts with secrets in them */
export function refusePastedSecrets(context: Pick<ServiceContext, 'keyFormat'>, texts: Texts): void {
  const faults = findPastedSecrets(context, texts)
  if (faults.length > 0) throw invalid('input_invalid', faults)
}
