import { grantOfKey } from '../../core/key-edit.js'
import type { KeyRecord } from '../../core/key.js'
import { demandOf } from '../../core/demand.js'
import type { Demand } from '../../core/demand.js'
import type { Principal } from '../../core/principal.js'
import type { Caller } from '../authenticate.js'
import type { ServiceContext } from '../context.js'

/** A key as a caller with one of its secrets, from an address. */
export function callerOf(
  { catalog }: Pick<ServiceContext, 'catalog'>,
  key: KeyRecord,
  from: { readonly secretId: string; readonly address: string | null },
): Caller {
  const principal: Principal = Object.freeze({
    type: 'key',
    keyId: key.id,
    secretId: from.secretId,
    keyName: key.name,
    workspaceId: key.workspaceId,
    environment: key.environment,
    ownerId: key.ownerId,
    address: from.address,
  })
  return { principal, key, grant: grantOfKey(catalog, key) }
}

/** What an approval demands, as a demand that allows as well as queues. */
export function demandOfApproval({ catalog }: Pick<ServiceContext, 'catalog'>, permissions: string): Demand {
  return demandOf(catalog, permissions === '' ? [] : permissions.split(' '))
}
