import type { AnyCatalog } from '../core/catalog.js'
import { denial } from '../core/decision.js'
import type { CredentialRefusal, Decision } from '../core/decision.js'
import { demandOf } from '../core/demand.js'
import type { Demand } from '../core/demand.js'
import { invalid, KeyrungError } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import { explain } from '../core/explain.js'
import { isPromise } from '../core/maybe-promise.js'
import { createFingerprints } from '../crypto/fingerprint.js'
import { readHostSecrets } from '../crypto/host-secret.js'
import { createKeyFormat } from '../crypto/key-format.js'
import { createPeppers } from '../crypto/pepper.js'
import { systemEntropy } from '../crypto/random.js'
import { createSealer } from '../crypto/sealer.js'
import { createWebhookSecrets } from '../crypto/webhook-secret.js'
import { systemClock } from '../ports/system-clock.js'
import { listAccess } from './access.js'
import { createFurtherAdmitter } from './admit-further.js'
import { createAdmitter, createCallAdmitter } from './admit.js'
import { readApprovalSettings } from './approval-settings.js'
import { createMoves } from './approvals/moves.js'
import { createApprovalService } from './approvals/setup.js'
import { createAudit } from './audit.js'
import { createAuthenticator } from './authenticate.js'
import type { Caller } from './authenticate.js'
import { createAuthentication } from './authentication.js'
import { createAuthorizer } from './authorize.js'
import type { ServiceContext } from './context.js'
import { createCredentialSource } from './credential-source.js'
import { createDemands } from './demands.js'
import { demandDemand, demandObject, demandRequest } from './given.js'
import { guardStore } from './guarded-store.js'
import { readHttpSettings } from './http-settings.js'
import { parseKeySettings } from './key-settings.js'
import { createKeys } from './keys.js'
import { createRenewal } from './keys/renewal.js'
import type { Keyrung } from './keyrung.js'
import { createInFlight } from './in-flight.js'
import { createLocalLease, createSharedLease } from './lease.js'
import { readLimitSettings } from './limit-settings.js'
import { createMeter } from './meter.js'
import { createLimitsView } from './limits.js'
import { createNoticeWriter, quietly } from './notice.js'
import { checkOptions, readDurations } from './options.js'
import type { KeyrungOptions } from './options.js'
import { createOutbox } from './outbox.js'
import { createRecorder } from './recorder.js'
import { resealJobs } from './resealing.js'
import { restoreStore } from './restore.js'
import { createRights } from './rights-hooks.js'
import { checkSecrets } from './secret-check.js'
import { createSecretOrder } from './secret-order.js'
import { createSourceAllowance, unlimitedSources } from './source-allowance.js'
import { freshnessOf, requireLimitStore, requireSchema } from './start-checks.js'
import { readTokenSettings } from './token-settings.js'
import { createTokenService } from './tokens/setup.js'
import { usageOfWorkspace } from './usage.js'
import { readUsageSettings } from './usage-settings.js'
import { readWebhookSettings } from './webhook-settings.js'
import { createWebhooks, webhookJobs } from './webhooks.js'
import { tellUnreadable } from './unreadable.js'
import { createWorker, purgeJob } from './worker.js'
import type { Worker } from './worker.js'
import { createWorkerWatch } from './worker-watch.js'

/** How long `close` waits for calls in progress, in milliseconds. */
const closeLimitMs = 10_000

/**
 * Puts keyrung together on a host's store, catalogue and hooks.
 *
 * @throws `config_invalid` with every fault found, each by its path
 *
 * @example
 * ```ts
 * const keyrung = createKeyrung({
 *   catalog: defineCatalog({ resources: { contacts: { ladder: ladders.crud } } }),
 *   store: memoryStore(),
 *   secret: process.env['KEYRUNG_SECRET'],
 *   keys: { prefix: 'acme' },
 * })
 * await keyrung.ready({ migrate: true })
 * ```
 */
export function createKeyrung<C extends AnyCatalog, E extends string = 'live'>(
  options: KeyrungOptions<C, E>,
): Keyrung<C, E> {
  checkOptions(options)
  const { catalog, directory, entitlements, sinks = [], cache = {} } = options
  const { clock = systemClock, entropy = systemEntropy } = options
  const notify = quietly(options.notify ?? createNoticeWriter(clock))
  const durations = readDurations(options)
  const secrets = options.pepper === 'none' ? 'none' : readHostSecrets(options.secret)
  // Without a pepper a secret is not needed, but what waits for approval is sealed under it where there is one.
  const sealing = options.secret === undefined ? null : readHostSecrets(options.secret)
  const { prefix, environments = ['live'], ...kept } = options.keys
  const keyFormat = createKeyFormat({ prefix, environments }, 'keys')
  const keySettings = parseKeySettings(kept, environments)
  const faults: Fault[] = []
  const http = readHttpSettings(options.http, faults)
  const freshness = freshnessOf(options, faults)
  const limitSettings = readLimitSettings(options.limits, options.store.limits, faults)
  const configured = { ...limitSettings, keys: keySettings.limits }
  requireLimitStore(configured, faults)
  const usageSettings = readUsageSettings(options.usage, faults)
  const webhookSettings = readWebhookSettings(options.webhooks, faults)
  const approvalSettings = readApprovalSettings(options.approvals, http.credentialHeader, faults)
  const tokenSettings = readTokenSettings(options.tokens, faults)
  if (faults.length > 0) throw invalid('config_invalid', faults)
  const peppers = createPeppers(secrets)
  const sealer = sealing && createSealer(sealing, entropy)
  const webhookSecrets = sealing && createWebhookSecrets(sealing)

  let worker: Worker | undefined
  let phase: 'starting' | 'ready' | 'closed' = options.store.durable ? 'starting' : 'ready'
  function requireReady(): void {
    if (phase !== 'ready') throw new KeyrungError(phase === 'closed' ? 'closed' : 'not_ready')
  }
  let isDrained = false
  const inFlight = createInFlight(clock)
  // A call that began before `close` may still ask the store until it has ended.
  const requireOpen = (): void => {
    if (phase !== 'closed' || isDrained) requireReady()
  }
  // What keeps the house in order may reach the store before it is ready, and once more when it closes.
  const inner = guardStore(options.store, clock, durations.storeTimeoutMs)
  const order = createSecretOrder(inner, sealer && sealer.hostSecretIds[0]!)
  const watch = createWorkerWatch({ clock, notify })
  const store = watch.watchStore(
    guardStore(options.store, clock, durations.storeTimeoutMs, requireOpen, inFlight, (place) =>
      tellUnreadable(notify, place),
    ),
  )

  const leaseMs = freshness === 'cached' ? durations.leaseMs : 0
  const lease =
    freshness === 'exclusive'
      ? createLocalLease(0)
      : createSharedLease({ name: 'lease', ms: leaseMs, store: inner, clock })
  const hookLease = createSharedLease({ name: 'hook-lease', ms: durations.hookLeaseMs, store: inner, clock })
  const rights = createRights({
    ...{ catalog, directory, entitlements, clock, notify },
    lease: hookLease,
    timeoutMs: durations.hookTimeoutMs,
  })
  const meter = createMeter({ ...configured, settings: limitSettings, clock, notify })
  const sinkNames = sinks.map((sink) => sink.name)
  const context: ServiceContext = {
    ...{ catalog, store, clock, entropy, keyFormat, peppers, keySettings, rights, usageSettings },
    ...{ sinkNames, notify, webhookSettings, webhookSecrets, sealer, approvalSettings },
    ...{ fingerprints: createFingerprints(sealing), moves: createMoves(clock) },
    limits: { counted: limitSettings.store !== null, forget: meter.forget, standings: meter.standings },
    flushUsage: () => recorder.flushUsage(),
    settle: () => lease.settle(),
  }
  const recorder = watch.watchRecorder(
    createRecorder({ store: inner, countsUsage: usageSettings.counts, sinks, clock, notify }),
  )
  const outbox = createOutbox({ store: inner, sinks, clock, entropy, notify })
  const demands = createDemands(catalog, limitSettings.store !== null, meter.know)
  const admitReady: typeof admitCall = (principal, demand) => {
    requireReady()
    return admitCall(principal, demand)
  }
  const approving = createApprovalService({
    ...{ context, inner, demandOf: demands.create, keyrung: () => keyrung, admit: admitReady },
  })
  const tokens = createTokenService({
    ...{ context, inner, settings: tokenSettings, secrets: sealing, admit: admitReady, order },
  })
  const work = createWorker({
    ...{ clock, notify, begin: watch.works },
    jobs: [
      ...approving.jobs,
      ...tokens.jobs,
      ...outbox.jobs,
      ...recorder.jobs,
      ...meter.jobs,
      ...webhookJobs({ ...context, store: inner }),
      ...resealJobs({ ...context, store: inner }, order),
      purgeJob({ store: inner, usageDays: usageSettings.retentionDays }),
    ],
  })
  const authenticator = createAuthenticator({
    ...{ catalog, clock, keyFormat, peppers, notify, recorder, tokens: tokens.reader },
    source: createCredentialSource({ store, freshness, lease, clock, bounds: cache }),
    renew: createRenewal(context, order),
  })
  const authorizer = createAuthorizer(rights)
  const sources = limitSettings.sources
    ? createSourceAllowance({ rule: limitSettings.sources, clock, notify })
    : unlimitedSources
  const admit = createAdmitter({ authenticator, authorizer, meter, recorder, sources, clock })
  const admitCall = createCallAdmitter({ authenticator, authorizer, meter, recorder, clock })
  const admitFurther = createFurtherAdmitter({ authenticator, authorizer, meter, recorder, clock })
  function decide(caller: Caller | CredentialRefusal, demand: Demand): Decision | Promise<Decision> {
    return typeof caller === 'string' ? denial(caller, demand.permissions) : authorizer.decide(caller, demand)
  }

  const authenticate = createAuthentication({ authenticator, sources, inFlight })

  let closing: Promise<void> | undefined
  async function close(): Promise<void> {
    phase = 'closed'
    await inFlight.drain(closeLimitMs)
    isDrained = true
    await approving.close()
    await worker?.stop()
    await recorder.flush()
    await meter.close()
    for (const sink of sinks) await sink.close?.()
    await inner.close()
  }

  const keyrung: Keyrung<C, E> = {
    catalog,
    keys: createKeys<C>(context),
    ...{ approvals: approving.approvals, approvalSettings },
    audit: createAudit(context),
    webhooks: createWebhooks(context),
    tokens: tokens.tokens,
    usage: (actor, query) => usageOfWorkspace(context, actor, query),
    ...{ keyFormat, http, notify },

    async ready(given = {}) {
      if (phase === 'closed') throw new KeyrungError('closed')
      if (demandObject(given, 'options').migrate) await inner.migrate()
      await requireSchema(await inner.findSchema())
      await checkSecrets(inner, { peppers: secrets, seals: sealing }, notify)
      await order.open()
      await lease.open()
      await hookLease.open()
      await tokens.open()
      phase = 'ready'
    },

    authenticate(secret, given = {}) {
      requireReady()
      return authenticate(secret, demandObject(given, 'context').ip)
    },
    authorize(principal, permissions, given) {
      requireReady()
      const demand = demands.read(permissions, given)
      const caller = authenticator.resume(principal)
      return inFlight.track(
        isPromise(caller) ? caller.then((known) => decide(known, demand)) : decide(caller, demand),
      )
    },
    async can(principal, permissions, given) {
      return (await keyrung.authorize(principal, permissions, given)).effect === 'allow'
    },
    admit(request, demand) {
      requireReady()
      return inFlight.track(admit(demandRequest(request), demandDemand(demand)))
    },
    admitFurther(principal, demand, paid) {
      requireReady()
      return inFlight.track(admitFurther(principal, demandDemand(demand), paid))
    },
    async queue(admission, request, given) {
      requireReady()
      return inFlight.track(approving.queue(admission, request, given))
    },
    ...{ demand: demands.create, attach: approving.attach, attached: approving.attached },
    operation: approving.operation as Keyrung<C>['operation'],
    async explain(principal, permissions, given = {}) {
      requireReady()
      const demand = demandOf(catalog, permissions, demandObject(given, 'options').operation)
      const caller = await authenticator.resume(principal)
      if (typeof caller !== 'string') return explain(demand, await authorizer.layersOf(caller))
      return { decision: denial(caller, demand.permissions), layers: [], decidedBy: 'key', enough: null }
    },
    async access(principal) {
      requireReady()
      const caller = await authenticator.resume(principal)
      if (typeof caller === 'string') return { ok: false, code: caller }
      return listAccess(catalog, caller, await authorizer.layersOf(caller))
    },
    limits: createLimitsView({
      ...{ context, settings: limitSettings, sources: sources.state },
      ...{ counting: meter.state, standings: meter.standings },
    }),
    changed: async (what) => rights.changed(demandObject(what, 'what')),

    restore: async (options) => inFlight.track(restoreStore(context, approving.apps(), options)),
    run: () => (worker = work.run()),
    tick: async (given = {}) => work.tick(demandObject(given, 'options')),
    state: async () => ({
      phase,
      sinks: await outbox.state(),
      limits: meter.state(),
      recorder: recorder.state(),
      sources: sources.state(),
    }),
    close: () => (closing ??= close()),
  }
  return keyrung
}
