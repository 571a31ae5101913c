import { AbilityBuilder, createMongoAbility } from '@casl/ability'
import { createAccessControl } from 'better-auth/plugins/access'
import { newEnforcer, newModelFromString } from 'casbin'
import { check, compileGrant, createDemand, defineCatalog, evaluate, ladders } from 'keyrung'
import { contest } from '../contest.js'
import { rotating } from '../seed.js'

const resources = ['contacts', 'companies', 'deals', 'tasks', 'files', 'notes', 'users', 'billing']
const scopes = [
  'companies:read',
  'contacts:write',
  'deals:delete',
  'files:read',
  'notes:write',
  'tasks:write',
]
const text = [...scopes].sort().join(' ')
const catalog = defineCatalog({
  resources: Object.fromEntries(resources.map((name) => [name, { ladder: ladders.crud }])),
})
const actionsOf = { read: ['read'], write: ['read', 'write'], delete: ['read', 'write', 'delete'] } as const
const held = scopes.map((scope) => scope.split(':') as [string, keyof typeof actionsOf])

function caslAbility() {
  const { can, build } = new AbilityBuilder(createMongoAbility)
  for (const [resource, rung] of held) for (const action of actionsOf[rung]) can(action, resource)
  return build()
}

const statements = Object.fromEntries(resources.map((name) => [name, ['read', 'write', 'delete']]))
const accessControl = createAccessControl(statements)
const betterAuthRole = () =>
  accessControl.newRole(Object.fromEntries(held.map(([resource, rung]) => [resource, [...actionsOf[rung]]])))

/** What is asked, in turn: most of it allowed, as most requests are. */
const asked = [
  ...['contacts:write', 'companies:read', 'deals:delete', 'files:read', 'notes:read', 'tasks:write'],
  ...['contacts:delete', 'users:read'],
] as never[]
const pairs = asked.map((permission: string) => permission.split(':') as [resource: string, action: string])

/** May a key with six scopes do this? */
export async function checkContest(): Promise<void> {
  const grant = compileGrant(catalog, text)
  const layers = { key: grant.levels }
  const ability = caslAbility()
  const role = betterAuthRole()
  const enforcer = await createEnforcer()
  const nextBound = rotating(asked.map((permission) => catalog.bind(permission)))
  const nextDemand = rotating(asked.map((permission) => createDemand(catalog, permission)))
  const nextName = rotating(asked as string[])
  const nextPair = rotating(pairs)
  const nextRequest = rotating(pairs.map(([resource, action]) => ({ [resource]: [action] })))
  const { levels } = grant
  await contest(
    'Permission check: eight permissions in turn, of a key with six scopes',
    [
      {
        name: 'keyrung, bound',
        run: () => {
          const bound = nextBound()
          return levels[bound.slot]! >= bound.allowAt
        },
      },
      { name: 'keyrung, bound, as a decision with reasons', run: () => evaluate(nextDemand(), layers) },
      { name: 'keyrung, by name', run: () => check(catalog, grant, nextName()) },
      {
        name: 'CASL',
        run: () => {
          const [resource, action] = nextPair()
          return ability.can(action, resource)
        },
      },
      { name: "better-auth's access control", run: () => role.authorize(nextRequest()) },
      {
        name: 'casbin',
        run: () => {
          const [resource, action] = nextPair()
          return enforcer.enforceSync('key', resource, action)
        },
      },
    ],
    [
      { of: 'keyrung, bound', against: 'CASL', times: 15 },
      { of: 'keyrung, by name', against: 'CASL', times: 3 },
    ],
  )
}

async function createEnforcer() {
  const enforcer = await newEnforcer(
    newModelFromString(`
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.obj == p.obj && r.act == p.act`),
  )
  for (const [resource, rung] of held) {
    for (const action of actionsOf[rung]) await enforcer.addPolicy('key', resource, action)
  }
  return enforcer
}

/** From what is stored to what can be asked. */
export async function compileContest(): Promise<void> {
  await contest(
    'Compiling a grant of six scopes',
    [
      { name: 'keyrung, from text', run: () => compileGrant(catalog, text) },
      { name: 'CASL, from rules', run: caslAbility },
      { name: "better-auth's access control", run: betterAuthRole },
    ],
    [{ of: 'keyrung, from text', against: 'CASL, from rules', times: 3 }],
  )
}
