import type { AdviseInput } from '../service/keys/advise.js'
import type { UsageQuery } from '../service/usage.js'
import { answerJson } from './answer.js'
import type { Call } from './call.js'
import { limitOf, parametersOf, readQuery } from './query.js'
import { passedOn, readWire } from './wire.js'

const range = parametersOf({ from: passedOn, to: passedOn })
const lookback = parametersOf({ days: passedOn })

/** `GET /keys/:id/usage`: what a key was used for, day by day. */
export async function getKeyUsage({ keyrung, actor, id, request }: Call): Promise<Response> {
  return answerJson(await keyrung.keys.usage(actor, id, readWire(range, readQuery(request)) as UsageQuery))
}

/** `GET /usage`: the same of all keys of the workspace together. */
export async function getUsage({ keyrung, actor, request }: Call): Promise<Response> {
  return answerJson(await keyrung.usage(actor, readWire(range, readQuery(request)) as UsageQuery))
}

/** `GET /keys/:id/advice`: the least that a key needs, by what it was used for. */
export async function getAdvice({ keyrung, actor, id, request }: Call): Promise<Response> {
  const { days } = readWire(lookback, readQuery(request))
  const advice = await keyrung.keys.advise(actor, id, { days: limitOf(days) } as AdviseInput)
  const { from, to, version, scopes, unused, unknownScopes, unknownPermissions, diff } = advice
  return answerJson({
    ...{ from, to, version, scopes, unused, diff },
    unknown_scopes: unknownScopes,
    unknown_permissions: unknownPermissions,
  })
}
