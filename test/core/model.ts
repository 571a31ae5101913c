/** What may be held: everything, or scopes by name. */
export type Held = 'full' | readonly string[]

/** A question to the model, all by name: no levels, no tables. */
export interface Question {
  readonly resources: Readonly<Record<string, readonly (readonly string[])[]>>
  readonly renamed?: Readonly<Record<string, string>>
  readonly permissions: readonly string[]
  readonly layers: { key: Held; token?: Held; client?: Held; owner?: Held; plan?: Held; access?: boolean }
  readonly always?: boolean
}

const refusals = ['unknown_permission', 'hidden', 'not_entitled', 'owner_insufficient', 'insufficient']

/** The reference model: DESIGN 7 in thirty lines, the worst of what each layer says instead of a minimum of levels. */
export function model({ resources, renamed = {}, permissions, layers, always = false }: Question): string {
  const { key, token = 'full', client = 'full', owner = 'full', plan = 'full', access = true } = layers
  const verdicts = permissions.map((permission): string => {
    const split = (text: string) => [renamed[text.split(':')[0]!] ?? text.split(':')[0]!, text.split(':')[1]!]
    const [resource, action] = split(permission)
    const ladders = resources[resource!] ?? []
    const ladder = ladders.find((rungs) => rungs.includes(action!) || rungs.includes(`${action}-approval`))
    if (ladder === undefined) return 'unknown_permission'
    const rungsHeld = (held: Held, rungs: readonly string[]) => {
      if (held === 'full') return rungs
      const own = held.map(split).filter(([name]) => name === resource)
      return rungs.slice(0, Math.max(0, ...own.map(([, rung]) => rungs.indexOf(rung!) + 1)))
    }
    const says = (held: Held) => {
      const rungs = rungsHeld(held, ladder)
      return rungs.includes(action!) ? 'allow' : rungs.includes(`${action}-approval`) ? 'approval' : 'deny'
    }
    const slices = [key, token, client]
    if (!ladders.some((l) => slices.every((held) => rungsHeld(held, l).length > 0))) return 'hidden'
    if (!access || says(plan) === 'deny') return 'not_entitled'
    if (says(owner) === 'deny') return 'owner_insufficient'
    if (slices.some((held) => says(held) === 'deny')) return 'insufficient'
    return [...slices, owner, plan].some((held) => says(held) === 'approval') ? 'approval' : 'allow'
  })
  if (permissions.length === 0 && !access) return 'not_entitled'
  const refusal = refusals.find((code) => verdicts.includes(code))
  return refusal ?? (always || verdicts.includes('approval') ? 'approval' : 'allow')
}
