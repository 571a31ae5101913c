import { KeyrungError, type Change, type Records, type RecordType, type UsageEntry } from 'keyrung'

/** What a column takes. */
type Check = (value: unknown) => boolean

/** NUL and lone surrogates do not come back from every file and database as they went in. */
const text: Check = (value) => typeof value === 'string' && !/[\0\p{Surrogate}]/u.test(value)
const whole: Check = (value) => Number.isSafeInteger(value)
const digest: Check = (value) => typeof value === 'string' && /^[\0-\xff]{32}$/.test(value)
const orNull =
  (check: Check): Check =>
  (value) =>
    value === null || check(value)
const oneOf =
  (...values: readonly string[]): Check =>
  (value) =>
    values.includes(value as string)

const approvalStatuses: readonly Records['approval']['status'][] = [
  ...(['pending', 'approved', 'executing', 'unknown'] as const),
  ...(['succeeded', 'failed', 'rejected', 'expired', 'cancelled', 'stale'] as const),
]

const every = { id: text, workspaceId: text, version: whole }

/** Every column of every kind of records. */
const columns: { readonly [T in RecordType]: { readonly [C in keyof Records[T]]: Check } } = {
  key: {
    ...every,
    name: text,
    nameSearch: text,
    environment: text,
    mode: oneOf('full', 'custom'),
    scopes: text,
    status: oneOf('active', 'revoked'),
    revokedAt: orNull(whole),
    revokedBy: orNull(text),
    revokedReason: orNull(text),
    expiresAt: orNull(whole),
    notBefore: orNull(whole),
    addressRules: text,
    metadata: text,
    ownerId: orNull(text),
    createdBy: text,
    createdAt: whole,
    updatedAt: whole,
    limits: orNull(text),
    revocations: whole,
    webhook: orNull(text),
  },
  secret: {
    ...every,
    keyId: text,
    digest,
    hostSecretId: text,
    lastFour: text,
    createdAt: whole,
    endsAt: orNull(whole),
  },
  tombstone: { ...every, deletedAt: whole },
  event: {
    ...every,
    at: whole,
    actor: text,
    action: text,
    targetType: text,
    targetId: text,
    targetName: text,
    reason: orNull(text),
    requestId: orNull(text),
    details: text,
  },
  message: {
    ...every,
    kind: oneOf('sink'),
    destination: text,
    payload: text,
    createdAt: whole,
    dueAt: whole,
    attempts: whole,
  },
  idempotency: { ...every, fingerprint: text, resultId: text, expiresAt: whole },
  setting: { ...every, value: text },
  approval: {
    ...every,
    status: oneOf(...approvalStatuses),
    lane: text,
    dueAt: orNull(whole),
    keyId: text,
    secretId: text,
    keyName: text,
    environment: text,
    lineage: text,
    chain: text,
    tokenId: orNull(text),
    tokenScopes: orNull(text),
    ownerId: orNull(text),
    address: orNull(text),
    keyRevocations: whole,
    kind: oneOf('replay', 'named'),
    operation: text,
    app: text,
    permissions: text,
    queued: text,
    resource: text,
    effect: oneOf('unsafe', 'idempotent', 'transactional'),
    digest: text,
    quorum: whole,
    votes: whole,
    createdAt: whole,
    expiresAt: whole,
    decidedAt: orNull(whole),
    decidedBy: orNull(text),
    reason: orNull(text),
    fence: whole,
    startedAt: orNull(whole),
    endedAt: orNull(whole),
    outcome: orNull(text),
    resultStatus: orNull(whole),
  },
  approvalContent: { ...every, keyId: text, request: text, result: orNull(text) },
  vote: {
    ...every,
    approvalId: text,
    keyId: text,
    actor: text,
    role: text,
    secretId: orNull(text),
    at: whole,
    reason: orNull(text),
  },
  delivery: {
    ...every,
    keyId: text,
    approvalId: text,
    event: text,
    status: oneOf('waiting', 'delivered', 'given_up'),
    payload: text,
    createdAt: whole,
    dueAt: whole,
    attempts: whole,
    lastAttemptAt: orNull(whole),
    lastStatus: orNull(whole),
    lastError: orNull(text),
  },
}

/**
 * Refuses what could not be given back exactly as it is.
 *
 * @throws KeyrungError `input_invalid`
 */
export function checkChange(change: Change): void {
  if (change.before !== undefined) demand(whole(change.before), 'before')
  if (change.do === 'counter') {
    demand(text(change.name) && whole(change.delta) && orNull(whole)(change.max), 'counter')
    return
  }
  demand(Object.hasOwn(columns, change.type), 'type')
  const known: Readonly<Record<string, Check>> = columns[change.type]
  if (change.do === 'insert') {
    const values: Readonly<Record<string, unknown>> = { ...change.record }
    for (const [name, check] of Object.entries(known)) demand(check(values[name]), name)
  } else if (change.do === 'update') {
    for (const [name, value] of Object.entries(change.set))
      demand(!Object.hasOwn(every, name) && Object.hasOwn(known, name) && known[name]!(value), name)
  } else demand(change.do === 'delete' || change.do === 'check', 'do')
}

const outcome = oneOf('allow', 'approval', 'deny', 'limited')

/** Says whether usage can be counted; what cannot is passed over, as nobody waits for it. */
export function isUsage({ day, permission, outcome: was, calls }: UsageEntry): boolean {
  return (
    whole(day) && text(permission) && permission.length <= 255 && outcome(was) && whole(calls) && calls > 0
  )
}

function demand(isRight: boolean, path: string): void {
  if (!isRight) throw new KeyrungError('input_invalid', { faults: [{ path, message: 'cannot be stored' }] })
}
