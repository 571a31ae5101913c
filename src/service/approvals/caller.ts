import type { ApprovalRecord } from '../../core/approval.js'
import { describeKey } from '../../core/credential.js'
import { compileGrant } from '../../core/grant.js'
import { grantOfKey } from '../../core/key-edit.js'
import { KeyrungError } from '../../core/errors.js'
import type { KeyRecord } from '../../core/key.js'
import { demandOf } from '../../core/demand.js'
import type { Demand } from '../../core/demand.js'
import type { KeyPrincipal } from '../../core/principal.js'
import type { Caller } from '../authenticate.js'
import type { ServiceContext } from '../context.js'
import { withToken } from '../tokens/principal.js'
import { readChain, readTokenScopes } from './view.js'

/** A key as a caller with one of its secrets, from an address. */
export function callerOf(
  { catalog }: Pick<ServiceContext, 'catalog'>,
  key: KeyRecord,
  from: { readonly secretId: string; readonly address: string | null },
): Caller & { readonly principal: KeyPrincipal } {
  const grant = grantOfKey(catalog, key)
  const principal = describeKey(key, from.secretId, from.address, key.mode === 'full' ? [] : grant.scopes)
  return { principal, key, grant, part: undefined }
}

/**
 * Who asked for an approval, as its key is now: with no more of it than the access token had that it asked with. That
 * token's own end counts for nothing, as an approval may come days later; the caller is one for a run's time.
 */
export function askerOf(
  context: Pick<ServiceContext, 'catalog' | 'clock' | 'approvalSettings'>,
  record: ApprovalRecord,
  key: KeyRecord,
): Caller {
  const { secretId, address } = record
  const caller = callerOf(context, key, { secretId, address })
  const { tokenId } = record
  const scopes = readTokenScopes(record)
  if (tokenId === null || scopes === null) return caller
  const chain = readChain(record)
  if (chain === undefined) {
    throw new KeyrungError('store_unavailable', { internal: `the chain of ${record.id} is no list of names` })
  }
  const principal = withToken(caller.principal, {
    type: 'token',
    tokenId,
    scopes,
    // It acts here and nowhere else.
    audience: [],
    expiresAt: context.clock.now() + context.approvalSettings.runMs,
    chain,
  })
  return { ...caller, principal, part: compileGrant(context.catalog, scopes.join(' ')) }
}

/** What an approval demands, as a demand that allows as well as queues. */
export function demandOfApproval({ catalog }: Pick<ServiceContext, 'catalog'>, permissions: string): Demand {
  return demandOf(catalog, permissions === '' ? [] : permissions.split(' '))
}
