import type { Actor } from '../core/actor.js'
import { KeyrungError } from '../core/errors.js'
import { reference } from '../core/reference.js'
import { answerJson } from './answer.js'
import type { Call } from './call.js'

/** `GET /catalog`: what can be granted, for a form that edits keys. */
export function getCatalog({ keyrung, actor }: Call): Response {
  requireNoKey(actor)
  const { catalog } = keyrung
  return answerJson({
    groups: catalog.groups,
    resources: catalog.resources.map(({ name, label, group, slots, formerly }) => ({
      ...{ name, label, group, formerly },
      ladders: slots.map(({ rungs, scopes, sensitiveAt }) =>
        rungs.map((rung, i) => ({ rung, scope: scopes[i], sensitive: i + 1 >= sensitiveAt })),
      ),
    })),
  })
}

/** `GET /permissions`: the reference to publish for API users. */
export function getPermissions({ keyrung, actor }: Call): Response {
  requireNoKey(actor)
  return answerJson({ groups: reference(keyrung.catalog) })
}

/** What a key may not see must stay hidden from it here too; what it may see, `GET /me` tells. */
function requireNoKey(actor: Actor): void {
  if (actor.type === 'principal') throw new KeyrungError('forbidden')
}
