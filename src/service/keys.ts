import type { Actor } from '../core/actor.js'
import type { AnyCatalog, PermissionOf, ScopeOf } from '../core/catalog.js'
import type { ServiceContext } from './context.js'
import { countBySecret } from './secret-count.js'
import type { SecretCount } from './secret-count.js'
import { activateKey } from './keys/activate.js'
import { adviseKey } from './keys/advise.js'
import type { AdviseInput, KeyAdvice } from './keys/advise.js'
import { createKey } from './keys/create.js'
import type { CreatedKey, RepeatedKey } from './keys/create.js'
import { deleteKey } from './keys/delete.js'
import { editKey } from './keys/edit.js'
import { findForActor } from './keys/found.js'
import { identifyKey } from './keys/identify.js'
import type { IdentifiedKey, IdentifyingActor } from './keys/identify.js'
import { createKeyInputs } from './keys/input.js'
import type { CreateKeyInput, EditKeyInput } from './keys/input.js'
import { limitsOfKey } from './keys/limits.js'
import { listKeys } from './keys/list.js'
import type { KeyPage, ListKeysInput } from './keys/list.js'
import type { ChangeOptions } from './change-origin.js'
import type { CreateOptions, EditOptions, Reason, RotateInput } from './keys/options.js'
import { revokeKey } from './keys/revoke.js'
import { revokeAllKeys } from './keys/revoke-all.js'
import type { RevokeAllInput, RevokedKeys } from './keys/revoke-all.js'
import { rotateKey } from './keys/rotate.js'
import type { RotatedKey } from './keys/rotate.js'
import { usageOfKey } from './keys/usage.js'
import type { KeyView } from './keys/view.js'
import { rotateWebhook } from './keys/webhook.js'
import type { RotatedWebhook } from './keys/webhook.js'
import type { KeyLimits } from './limit-standing.js'
import type { Usage, UsageQuery } from './usage.js'

/**
 * The keys of a host's workspaces, from their making to their end.
 *
 * Every call names the actor first; the workspace is the actor's, so that another one's keys are as unknown
 * as keys that never were. Everything here can throw, as a `KeyrungError`: `actor_missing`, `forbidden` and
 * `hook_failed` about who asks, `input_invalid` about what is asked for, `store_unavailable`; what else a
 * call throws stands with it.
 */
export interface Keys<C extends AnyCatalog = AnyCatalog, E extends string = string> {
  /**
   * Makes a key. Its secret is in the answer and nowhere else; under an `idempotencyKey`, a repetition
   * within 24 hours answers the same key without it.
   *
   * @throws KeyrungError `not_entitled`, `key_limit_reached`, `beyond_own_rights`, `idempotency_mismatch`
   * @example
   * ```ts
   * const { key, secret } = await keyrung.keys.create(actor, {
   *   name: 'Claude Desktop',
   *   scopes: ['contacts:write-approval', 'email:send-approval'],
   * })
   * ```
   */
  create(
    actor: Actor,
    input: CreateKeyInput<ScopeOf<C>, E>,
    options?: CreateOptions & { readonly idempotencyKey?: undefined },
  ): Promise<CreatedKey>
  create(
    actor: Actor,
    input: CreateKeyInput<ScopeOf<C>, E>,
    options?: CreateOptions,
  ): Promise<CreatedKey | RepeatedKey>
  /** @throws KeyrungError `not_found` */
  get(actor: Actor, id: string): Promise<KeyView>
  /**
   * Finds the key of a secret that has leaked, also where the secret opens nothing: whatever the key's address list, beginning,
   * end or status says. It is for the host itself; an actor without a workspace looks in all of them. Nothing is used,
   * counted or changed by it.
   *
   * @throws KeyrungError `not_found`, also for a secret that was purged after its grace period or with its key
   * @example
   * ```ts
   * const { id, workspaceId, status } = await keyrung.keys.identify({ type: 'system', name: 'leaks' }, secret)
   * if (status === 'active') await keyrung.keys.revoke({ type: 'system', name: 'leaks', workspaceId }, id)
   * ```
   */
  identify(actor: IdentifyingActor, secret: string): Promise<IdentifiedKey>
  /** Lists keys, newest first, a page at a time. */
  list(actor: Actor, input?: ListKeysInput): Promise<KeyPage>
  /**
   * Changes a key that is still at the version it was read at. What only narrows or tightens it, a name and
   * metadata can be changed by everyone who may edit; all else needs rights that cover the key.
   *
   * @throws KeyrungError `not_found`, `version_required`, `conflict`, `not_entitled`, `beyond_own_rights`,
   *   `operation_disabled`
   * @example
   * ```ts
   * await keyrung.keys.edit(actor, key.id, { scopes: ['contacts:read'] }, { version: key.version })
   * ```
   */
  edit(actor: Actor, id: string, input: EditKeyInput<ScopeOf<C>>, options: EditOptions): Promise<KeyView>
  /**
   * Gives a key a new secret; the old one works on for `graceMs`, 24 hours unless said otherwise.
   *
   * @throws KeyrungError `not_found`, `conflict`, `key_not_active`, `not_entitled`, `beyond_own_rights`,
   *   `operation_disabled`
   */
  rotate(actor: Actor, id: string, input?: RotateInput, options?: ChangeOptions): Promise<RotatedKey>
  /**
   * Gives a key's webhook a new signing secret; for `graceMs`, 24 hours unless said otherwise, messages are signed by the
   * old one too.
   *
   * @throws KeyrungError `not_found`, `conflict`, `beyond_own_rights`, `operation_disabled`, `input_invalid` for a key
   *   without a webhook
   */
  rotateWebhook(
    actor: Actor,
    id: string,
    input?: RotateInput,
    options?: ChangeOptions,
  ): Promise<RotatedWebhook>
  /**
   * Revokes a key at once and everywhere, whoever else is changing it; it stays listed.
   *
   * @throws KeyrungError `not_found`, `operation_disabled`
   */
  revoke(actor: Actor, id: string, input?: Reason, options?: ChangeOptions): Promise<KeyView>
  /**
   * Revokes every key of a user who leaves, those that have expired among them; `canManage` is asked for `list` and then
   * for `revoke` of each key. Where it fails midway, what was revoked stays so: call it again.
   *
   * @throws KeyrungError `operation_disabled`
   * @example
   * ```ts
   * const { revoked } = await keyrung.keys.revokeAll(actor, { ownerId: 'user_42', reason: 'has left' })
   * ```
   */
  revokeAll(actor: Actor, input: RevokeAllInput, options?: ChangeOptions): Promise<RevokedKeys>
  /**
   * Puts a revoked key back to work.
   *
   * @throws KeyrungError `not_found`, `conflict`, `not_entitled`, `key_limit_reached`, `beyond_own_rights`,
   *   `operation_disabled`
   */
  activate(actor: Actor, id: string, input?: Reason, options?: ChangeOptions): Promise<KeyView>
  /**
   * Deletes a key at once and everywhere, with all that hangs on it, for good.
   *
   * @throws KeyrungError `not_found`, `operation_disabled`
   */
  delete(actor: Actor, id: string, input?: Reason, options?: ChangeOptions): Promise<void>
  /**
   * Tells what a key was used for, day by day; `canManage` is asked for `get`. What was called last may still be on its
   * way to the store.
   *
   * @throws KeyrungError `not_found`, `operation_disabled` where usage is not counted
   * @example
   * ```ts
   * const { totals, rows } = await keyrung.keys.usage(actor, key.id, { from: '2026-11-01', to: '2026-11-30' })
   * ```
   */
  usage(actor: Actor, id: string, query?: UsageQuery): Promise<Usage>
  /**
   * Tells how everything stands that limits a key, and spends nothing; `canManage` is asked for `get`.
   *
   * @throws KeyrungError `not_found`
   * @example
   * ```ts
   * const { key, workspace } = await keyrung.keys.limits(actor, id)
   * for (const { name, used, remaining } of key) console.log(name, used, remaining)
   * ```
   */
  limits(actor: Actor, id: string): Promise<KeyLimits>
  /**
   * Advises the least that a key needs, by what it was used for; `canManage` is asked for `get`.
   *
   * @throws KeyrungError `not_found`, `operation_disabled` where usage is not counted
   * @example
   * ```ts
   * const { scopes, unused, diff, version } = await keyrung.keys.advise(actor, key.id, { days: 30 })
   * if (unused.length > 0) await keyrung.keys.edit(actor, key.id, { scopes }, { version })
   * ```
   */
  advise(actor: Actor, id: string, input?: AdviseInput): Promise<KeyAdvice<ScopeOf<C>, PermissionOf<C>>>
  /** How much hangs on each of the host's secrets, by its id and by kind: at nothing, an old one may go. */
  countBySecret(): Promise<ReadonlyMap<string, SecretCount>>
}

/** Makes the key service on the services' context. */
export function createKeys<C extends AnyCatalog>(context: ServiceContext): Keys<C> {
  const { catalog, keySettings, webhookSecrets } = context
  const inputs = createKeyInputs(catalog, keySettings.environments, webhookSecrets?.hostSecretId)

  return Object.freeze<Keys<C>>({
    // Only under an idempotency key is there a repetition, as the overloads say.
    create: ((actor, input, options) =>
      createKey(context, inputs, actor, input, options)) as Keys<C>['create'],
    get: async (actor, id) => (await findForActor(context, actor, 'get', id)).view,
    identify: (actor, secret) => identifyKey(context, actor, secret),
    list: (actor, input) => listKeys(context, actor, input),
    edit: (actor, id, input, options) => editKey(context, inputs, actor, id, input, options),
    rotate: (actor, id, input, options) => rotateKey(context, actor, id, input, options),
    rotateWebhook: (actor, id, input, options) => rotateWebhook(context, actor, id, input, options),
    revoke: (actor, id, input, options) => revokeKey(context, actor, id, input, options),
    revokeAll: (actor, input, options) => revokeAllKeys(context, actor, input, options),
    activate: (actor, id, input, options) => activateKey(context, actor, id, input, options),
    delete: (actor, id, input, options) => deleteKey(context, actor, id, input, options),
    usage: (actor, id, query) => usageOfKey(context, actor, id, query),
    limits: (actor, id) => limitsOfKey(context, actor, id),
    // The scopes and permissions are the catalogue's own.
    advise: ((actor, id, input) => adviseKey(context, actor, id, input)) as Keys<C>['advise'],
    countBySecret: () => countBySecret(context.store),
  })
}
