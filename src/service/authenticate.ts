import { createBounded } from '../core/bounded.js'
import type { AnyCatalog } from '../core/catalog.js'
import { Credential } from '../core/credential.js'
import type { CredentialRefusal } from '../core/decision.js'
import { createGrantCache, fullGrant } from '../core/grant.js'
import type { Grant } from '../core/grant.js'
import type { CredentialRow, KeyRecord } from '../core/key.js'
import { isPromise } from '../core/maybe-promise.js'
import type { MaybePromise } from '../core/maybe-promise.js'
import type { Principal } from '../core/principal.js'
import type { KeyFormat } from '../crypto/key-format.js'
import { splitDigests } from '../crypto/digest.js'
import type { Peppers } from '../crypto/pepper.js'
import { isTokenShaped } from '../crypto/token-form.js'
import type { Clock } from '../ports/clock.js'
import type { CredentialSource } from './credential-source.js'
import { judgeCredential, judgeHeld, malformedRecord } from './credential-status.js'
import type { HeldCredential } from './credential-status.js'
import type { Notify } from './notice.js'
import type { Recorder } from './recorder.js'
import { readPrincipal } from './principal.js'
import type { SourceGate } from './source-allowance.js'
import type { TokenReader, VerifiedToken } from './tokens/reader.js'
import { withToken } from './tokens/principal.js'
import type { TokenFields } from './tokens/principal.js'

/** A principal with what its rights are judged by, as both stand in this moment. */
export interface Caller {
  readonly principal: Principal
  readonly key: KeyRecord
  readonly grant: Grant
  /** What an access token was given of the key; undefined: everything. */
  readonly part: Grant | undefined
}

/** What authentication is made of. */
export interface AuthenticatorOptions {
  readonly catalog: AnyCatalog
  readonly source: CredentialSource
  readonly clock: Clock
  readonly keyFormat: KeyFormat
  readonly peppers: Peppers
  readonly notify: Notify
  /** Null where the host has no access tokens. */
  readonly tokens: TokenReader | null
  /** Told of a key whose own secret, or a token of it, was refused. */
  readonly recorder: Pick<Recorder, 'refused'>
  /** Takes a key that was found under another pepper than the current one, off the request's path. */
  renew(row: CredentialRow, secret: string): MaybePromise<void>
}

/** Finds out who is calling. */
export interface Authenticator {
  /**
   * Whose secret this is.
   *
   * @param gate asked before the store is, about a secret that is not known to be that of a key; where it does not admit,
   *   the answer comes at once, and says nothing
   */
  identify(
    secret: unknown,
    address: string | undefined,
    gate: SourceGate | null,
  ): MaybePromise<Caller | CredentialRefusal>
  /** What has become of a principal that was kept. */
  resume(principal: unknown): MaybePromise<Caller | CredentialRefusal>
}

/** Makes the part of the pipeline from a secret to a caller: shape, digest, record, status, time, address. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const { catalog, source, clock, keyFormat, peppers, notify, renew, tokens } = options
  const grantFor = createGrantCache(catalog, 10_000)
  const full = fullGrant(catalog)
  const reported = createBounded<true>(1_000, (scopes) => {
    notify({
      code: 'unknown_scopes',
      message: `Keys hold scopes that the catalogue does not have; they grant nothing: ${scopes}`,
    })
    return true
  })
  // While the host's secrets rotate, a key may be stored under any of them.
  const askFor = peppers.all.length === 1 ? peppers.current.digest : peppers.candidates

  function grantOfKey(key: KeyRecord): Grant {
    const grant = key.mode === 'full' ? full : grantFor(key.scopes)
    if (grant.unknown.length > 0) reported(grant.unknown.join(' '))
    return grant
  }

  const noScopes: readonly string[] = Object.freeze([])
  const scopesOf = ({ mode, scopes }: KeyRecord): readonly string[] =>
    mode === 'full' ? noScopes : grantFor(scopes).scopes

  function toCaller(credential: Credential, address: string | undefined, token?: TokenFields): Caller {
    const principal = credential.principal(address ?? null, scopesOf)
    if (token === undefined) return new KnownCaller(principal, credential.key, grantOfKey, undefined)
    const part = grantFor(token.scopes.join(' '))
    return new KnownCaller(withToken(principal, token), credential.key, grantOfKey, part)
  }

  function refuse({ id: keyId, workspaceId }: KeyRecord, code: CredentialRefusal): CredentialRefusal {
    options.recorder.refused({ workspaceId, keyId, code, permission: null }, clock.now())
    return code
  }

  function judgeDigest(
    row: CredentialRow | undefined,
    secret: string,
    asked: string,
    environment: string,
    address: string | undefined,
  ): Caller | CredentialRefusal {
    if (row === undefined) return 'credential_invalid'
    const credential = Credential.from(row)
    if (credential === undefined) throw malformedRecord()
    if (credential.digest !== asked) {
      if (!splitDigests(asked).includes(credential.digest)) throw malformedRecord()
      if (!asked.startsWith(credential.digest)) void renew(row, secret)
    }
    // The secret says an environment of this instance, so an open key of that one has nothing left to be judged by.
    if (credential.environment !== environment) return 'credential_invalid'
    const refused = credential.isOpen
      ? undefined
      : judgeCredential(credential, clock.now(), address, keyFormat)
    if (refused === undefined) return toCaller(credential, address)
    return refuse(credential.key, refused)
  }

  function judgeFound(
    row: CredentialRow | undefined,
    held: HeldCredential,
    address: string | undefined,
    token?: TokenFields,
  ): Caller | CredentialRefusal {
    const found = judgeHeld(row, held, clock.now(), address, keyFormat)
    if (typeof found !== 'string') return toCaller(found, address, token)
    return row === undefined ? found : refuse(row.key, found)
  }

  function findHeld(
    held: HeldCredential,
    address: string | undefined,
    token?: TokenFields,
  ): MaybePromise<Caller | CredentialRefusal> {
    const row = source.findById(held.secretId)
    return isPromise(row)
      ? row.then((found) => judgeFound(found, held, address, token))
      : judgeFound(row, held, address, token)
  }

  function judgeToken(
    token: VerifiedToken | CredentialRefusal,
    address: string | undefined,
  ): MaybePromise<Caller | CredentialRefusal> {
    if (typeof token === 'string') return token
    return findHeld(token.claims, address, token.fields)
  }

  function identifyToken(
    reader: TokenReader,
    text: string,
    address: string | undefined,
    gate: SourceGate | null,
  ): MaybePromise<Caller | CredentialRefusal> {
    const known = reader.findKnown(text)
    if (known !== undefined) return judgeToken(known, address)
    // To verify a signature costs a hundred times what a look at a key does.
    if (gate !== null && !gate.admits()) return 'credential_invalid'
    return reader.verify(text).then((read) => judgeToken(read, address))
  }

  function findBehind(gate: SourceGate, asked: string): MaybePromise<CredentialRow | undefined> {
    return source.findKnown(asked) ?? (gate.admits() ? source.findByDigests(asked) : undefined)
  }

  return {
    identify(secret, address, gate) {
      const environment = keyFormat.parse(secret)
      if (environment === undefined) {
        return tokens !== null && isTokenShaped(secret)
          ? identifyToken(tokens, secret, address, gate)
          : 'credential_invalid'
      }
      const text = secret as string
      const asked = askFor(text)
      const row = gate === null ? source.findByDigests(asked) : findBehind(gate, asked)
      return isPromise(row)
        ? row.then((found) => judgeDigest(found, text, asked, environment, address))
        : judgeDigest(row, text, asked, environment, address)
    },

    resume(given) {
      const principal = readPrincipal(given)
      if (principal === undefined) return 'credential_invalid'
      const token = principal.type === 'token' ? principal : undefined
      if (token !== undefined && !(clock.now() < token.expiresAt)) return 'token_expired'
      return findHeld(principal, principal.address ?? undefined, token)
    },
  }
}

/** Its grant is looked up only where it is asked for: to know who calls, nobody needs it. */
class KnownCaller implements Caller {
  constructor(
    readonly principal: Principal,
    readonly key: KeyRecord,
    private readonly grantOf: (key: KeyRecord) => Grant,
    readonly part: Grant | undefined,
  ) {}

  get grant(): Grant {
    return this.grantOf(this.key)
  }
}
