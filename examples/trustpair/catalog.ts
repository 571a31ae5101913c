import { defineCatalog, ladder, ladders, type PermissionOf, type ScopeOf } from 'keyrung'
import { readPermissionsFile, type FilePermission } from './permissions-file.js'

/** The subscription's modules, and what comes with every subscription: the groups of the catalogue. */
const groups = {
  m1: { label: 'M1 Control' },
  m2: { label: 'M2 Audit' },
  m3: { label: 'M3 Payment' },
  base: { label: 'Every subscription' },
} as const

type GroupName = keyof typeof groups

/** A module that a workspace can subscribe to. */
export type Module = Exclude<GroupName, 'base'>

/** Every module there is. */
export const modules = ['m1', 'm2', 'm3'] as const satisfies readonly Module[]

const byLabel = new Map(readPermissionsFile().permissions.map((permission) => [permission.label, permission]))

/**
 * What Trustpair protects. The names are written out, so that an editor completes the permissions and a wrong
 * one does not compile; labels, modules and the words of the reference are the product's own, from the file.
 */
export const catalog = defineCatalog({
  groups,
  resources: {
    company_account_checks: readWrite('Company Account Check'),
    company_account_audits: readWrite('Company Account Audit'),
    payment_checks: readWrite('Payment Check'),
    cases: readWrite('Cases'),
    users: readOnly('Users'),
    documents: readWrite('Documents'),
    document_analyses: readWrite('Document Analysis'),
    paid_payments: readOnly('Paid Payment'),
    tags: readWrite('Tags'),
  },
})

/** A permission of Trustpair, e.g. `cases:write`. */
export type TrustpairPermission = PermissionOf<typeof catalog>

/** A scope of Trustpair, e.g. `cases:read`. */
export type TrustpairScope = ScopeOf<typeof catalog>

function readWrite(label: string) {
  const { read, write, group } = factsOf(label)
  if (write === null) throw new Error(`"${label}" cannot be written`)
  return { label, group, ladder: ladders.readWrite, describe: { read, write } }
}

function readOnly(label: string) {
  const { read, write, group } = factsOf(label)
  if (write !== null) throw new Error(`"${label}" can be written, too`)
  return { label, group, ladder: ladder('read'), describe: { read } }
}

/** @throws Error when the file does not know the permission or its module: the host must not start then */
function factsOf(label: string): FilePermission & { readonly group: GroupName } {
  const facts = byLabel.get(label)
  const names = Object.keys(groups) as GroupName[]
  const group = facts?.module === null ? 'base' : names.find((name) => groups[name].label === facts?.module)
  if (!facts || !group) throw new Error(`the file has no permission "${label}" in a module known here`)
  return { ...facts, group }
}
