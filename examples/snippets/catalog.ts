//#region define
import { defineCatalog, ladder, ladders } from 'keyrung'

export const catalog = defineCatalog({
  groups: { crm: { label: 'CRM' }, admin: { label: 'Admin only', sensitive: true } },
  resources: {
    contacts: {
      group: 'crm',
      ladder: ladders.crud,
      describe: { read: 'List and fetch contacts', write: 'Create and change contacts' },
    },
    email: { group: 'crm', ladder: ladders.communication },
    forms: { group: 'crm', ladder: [ladders.crud, ladder('send-approval', 'send')] },
    reports: { ladder: ladder('read', 'export-approval', 'export'), sensitive: 'export-approval' },
    ai: { label: 'AI features', ladder: ladders.use },
    users: { group: 'admin', ladder: ladders.readWrite },
  },
  renamed: { people: 'contacts' },
})
//#endregion define

//#region types
import type { PermissionOf, ScopeOf } from 'keyrung'

type Permission = PermissionOf<typeof catalog> // 'contacts:read' | 'contacts:write' | …
type Scope = ScopeOf<typeof catalog> // 'contacts:read' | 'contacts:write-approval' | …

const needed: Permission = 'forms:send'
const held: readonly Scope[] = ['forms:write-approval', 'forms:send']
//#endregion types

//#region faults
import { KeyrungError } from 'keyrung'

function findFaults() {
  try {
    defineCatalog({
      resources: {
        contacts: { ladder: ladder('read', 'write', 'write-approval') },
        email: { ladder: ladders.communication, group: 'crm' as never },
      },
    })
  } catch (error) {
    if (error instanceof KeyrungError) return error.faults
    throw error
  }
  return []
}
//#endregion faults

//#region reference
import { reference } from 'keyrung'

const lines: string[] = []
for (const group of reference(catalog)) {
  for (const resource of group.resources) {
    for (const rung of resource.ladders.flat()) {
      lines.push(`${rung.scope}: ${rung.label}${rung.description ? ` (${rung.description})` : ''}`)
    }
  }
}
//#endregion reference

//#region diff
import { diffAccess } from 'keyrung'

const diff = diffAccess(catalog, ['contacts:read', 'email:send'], ['contacts:write-approval', 'email:read'])
//#endregion diff

/** What came of it. */
export const outcome = { needed, held, faults: findFaults(), lines: lines.slice(0, 3), diff }
