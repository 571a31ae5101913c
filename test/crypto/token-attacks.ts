import { createHmac, createPublicKey } from 'node:crypto'
import type { TokenFault } from '../../src/crypto/access-token.js'
import { encode, forge, headerOf, payloadOf, signWith } from './token-forge.js'
import type { AttackWorld } from './token-forge.js'

/** One way of getting a token accepted that must not be. */
export interface TokenAttack {
  readonly name: string
  readonly fault: TokenFault
  token(world: AttackWorld): string
}

const attack = (name: string, fault: TokenFault, token: (world: AttackWorld) => string): TokenAttack => ({
  name,
  fault,
  token,
})

const sound = (world: AttackWorld): string => forge(world.key, headerOf(world.key), payloadOf(world))
const partsOf = (world: AttackWorld): [string, string, string] =>
  sound(world).split('.') as [string, string, string]
const withHeader = (world: AttackWorld, change: object): string =>
  forge(world.key, { ...headerOf(world.key), ...change }, payloadOf(world))
const withClaims = (world: AttackWorld, change: Readonly<Record<string, unknown>>): string =>
  forge(world.key, headerOf(world.key), payloadOf(world, change))

/** The same token, its last letter of a part changed in bits that stand for nothing. */
function withSlack(token: string, part: 0 | 1 | 2): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const parts = token.split('.')
  const text = parts[part]!
  if (text.length % 4 === 0) throw new Error('this part has no bits to spare')
  parts[part] = text.slice(0, -1) + alphabet[alphabet.indexOf(text.at(-1)!) ^ 1]!
  return parts.join('.')
}

/** Claims of a size that leaves bits to spare in their base64url. */
function payloadWithSlack(world: AttackWorld): object {
  for (const pad of ['', 'x', 'xx']) {
    const payload = payloadOf(world, { pad })
    if (encode(payload).length % 4 !== 0) return payload
  }
  throw new Error('no size leaves bits to spare')
}

function hmac(world: AttackWorld, algorithm: 'HS256' | 'HS512', secret: string | Buffer): string {
  const input = `${encode({ ...headerOf(world.key), alg: algorithm })}.${encode(payloadOf(world))}`
  const hash = algorithm === 'HS256' ? 'sha256' : 'sha512'
  return `${input}.${createHmac(hash, secret).update(input).digest('base64url')}`
}

const publicPem = ({ key }: AttackWorld): string =>
  createPublicKey({ key: key.publicJwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }) as string

const zeros = Buffer.alloc(64).toString('base64url')
/** The order of P-256 (SEC 2, 2.4.2): as r or s it counts as zero. */
const order = 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'
const orders = Buffer.from(order + order, 'hex').toString('base64url')

const unsigned = ({ key }: AttackWorld, alg: string): string => encode({ ...headerOf(key), alg })

/** SECURITY.md, 28, one by one; each is made with all that its maker could know. */
export const tokenAttacks: readonly TokenAttack[] = [
  // No signature.
  attack('alg none', 'malformed', (w) => `${unsigned(w, 'none')}.${encode(payloadOf(w))}.`),
  attack(
    'alg none, with a signature',
    'header',
    (w) => `${unsigned(w, 'none')}.${encode(payloadOf(w))}.${zeros}`,
  ),
  attack(
    'alg NonE, with a signature',
    'header',
    (w) => `${unsigned(w, 'NonE')}.${encode(payloadOf(w))}.${zeros}`,
  ),
  attack('a signature cut off', 'malformed', (w) => partsOf(w).slice(0, 2).join('.')),
  attack('a signature of no bytes', 'malformed', (w) => `${partsOf(w).slice(0, 2).join('.')}.`),
  // A secret both sides know: the public key.
  attack('HS256 with the public key in PEM', 'malformed', (w) => hmac(w, 'HS256', publicPem(w))),
  attack('HS512 with the public key in PEM', 'header', (w) => hmac(w, 'HS512', publicPem(w))),
  attack('HS512 with the public key itself', 'header', (w) =>
    hmac(w, 'HS512', Buffer.from(w.key.publicJwk['x']!, 'base64url')),
  ),
  attack('HS512 with the JWK as text', 'header', (w) => hmac(w, 'HS512', JSON.stringify(w.key.publicJwk))),
  // Another algorithm than the key's.
  attack('a key named with the other algorithm', 'algorithm', (w) =>
    withHeader(w, { alg: w.other.algorithm }),
  ),
  attack('the name of one key, the signature of the other', 'algorithm', (w) =>
    forge(w.other, { ...headerOf(w.other), kid: w.key.kid }, payloadOf(w)),
  ),
  attack('alg RS256', 'header', (w) => withHeader(w, { alg: 'RS256' })),
  attack('alg ES384', 'header', (w) => withHeader(w, { alg: 'ES384' })),
  attack('alg as a list', 'header', (w) => withHeader(w, { alg: [w.key.algorithm] })),
  attack('alg inherited', 'header', (w) => withHeader(w, { alg: 'constructor' })),
  // Keys of the sender's choice.
  attack('a key of its own, under a known name', 'signature', (w) =>
    forge(w.own, headerOf(w.key), payloadOf(w)),
  ),
  attack('a key of its own', 'unknown_key', (w) => forge(w.own, headerOf(w.own), payloadOf(w))),
  attack('a key named __proto__', 'unknown_key', (w) =>
    forge(w.own, { ...headerOf(w.own), kid: '__proto__' }, payloadOf(w)),
  ),
  attack('no key named', 'header', (w) =>
    forge(w.key, { alg: w.key.algorithm, typ: 'at+jwt' }, payloadOf(w)),
  ),
  attack('a key named by a path', 'unknown_key', (w) => withHeader(w, { kid: '../../dev/null' })),
  attack('a key named by a list', 'header', (w) => withHeader(w, { kid: [w.key.kid] })),
  attack('a key named in two lines', 'header', (w) => withHeader(w, { kid: `${w.key.kid}\n` })),
  attack('jwk: an embedded key', 'header', (w) =>
    forge(w.own, { ...headerOf(w.key), jwk: w.own.publicJwk }, payloadOf(w)),
  ),
  attack('jku: an address of keys', 'header', (w) => withHeader(w, { jku: 'https://own.example/jwks' })),
  attack('x5u: an address of a certificate', 'header', (w) =>
    withHeader(w, { x5u: 'https://own.example/x5u' }),
  ),
  attack('x5c: a certificate', 'header', (w) => withHeader(w, { x5c: ['MIIB'] })),
  // What a reader would have to understand.
  attack('crit', 'header', (w) => withHeader(w, { crit: ['exp'] })),
  attack('crit of b64', 'header', (w) => withHeader(w, { crit: ['b64'], b64: false })),
  attack('b64', 'header', (w) => withHeader(w, { b64: true })),
  attack('zip', 'header', (w) => withHeader(w, { zip: 'DEF' })),
  attack('cty', 'header', (w) => withHeader(w, { cty: 'JWT' })),
  attack('enc', 'header', (w) => withHeader(w, { enc: 'A256GCM' })),
  attack('a member nobody knows', 'header', (w) => withHeader(w, { x: 1 })),
  attack('a JWE', 'malformed', (w) => `${partsOf(w)[0]}.AAAA.AAAA.${partsOf(w)[1]}.AAAA`),
  // Another kind of token.
  attack('typ JWT', 'header', (w) => withHeader(w, { typ: 'JWT' })),
  attack('typ AT+JWT', 'header', (w) => withHeader(w, { typ: 'AT+JWT' })),
  attack('typ of an ID token’s kind', 'header', (w) => withHeader(w, { typ: 'id+jwt' })),
  attack('typ of a list', 'header', (w) => withHeader(w, { typ: ['at+jwt'] })),
  attack('no typ', 'header', (w) => forge(w.key, { alg: w.key.algorithm, kid: w.key.kid }, payloadOf(w))),
  // One token, several texts.
  attack('padding', 'malformed', (w) => `${sound(w)}==`),
  attack('a newline behind it', 'malformed', (w) => `${sound(w)}\n`),
  attack('a blank before it', 'malformed', (w) => ` ${sound(w)}`),
  attack('blanks inside', 'malformed', (w) => sound(w).replace('.', '. ')),
  attack('the usual base64', 'malformed', (w) => `${partsOf(w)[0]}.${partsOf(w)[1]}.${'+/'.repeat(43)}`),
  attack('bits to spare in the signature', 'malformed', (w) => withSlack(sound(w), 2)),
  attack('bits to spare in the payload', 'malformed', (w) =>
    withSlack(forge(w.key, headerOf(w.key), payloadWithSlack(w)), 1),
  ),
  attack('a fourth part', 'malformed', (w) => `${sound(w)}.AAAA`),
  attack(
    'a part of a length that base64url has not',
    'malformed',
    (w) => `A${sound(w).replace(/^\w+/, 'AAAA')}`,
  ),
  attack('a header member twice', 'header', (w) => {
    const header = JSON.stringify(headerOf(w.key)).replace('{', '{"alg":"none",')
    return forge(w.key, header, payloadOf(w))
  }),
  attack('a header with blanks', 'header', (w) =>
    forge(w.key, JSON.stringify(headerOf(w.key), null, 1), payloadOf(w)),
  ),
  attack('a header with a byte order mark', 'header', (w) =>
    forge(w.key, `\ufeff${JSON.stringify(headerOf(w.key))}`, payloadOf(w)),
  ),
  attack('a header that is no JSON', 'header', (w) => forge(w.key, 'alg=EdDSA', payloadOf(w))),
  attack('a header that is a list', 'header', (w) => forge(w.key, '["alg","typ","kid"]', payloadOf(w))),
  attack('a claim twice', 'claims', (w) => {
    const payload = JSON.stringify(payloadOf(w))
    return forge(w.key, headerOf(w.key), payload.replace('{', '{"sub":"key_00000000000000000000000000",'))
  }),
  attack('a payload that is no UTF-8', 'claims', (w) => {
    const input = `${encode(headerOf(w.key))}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}`
    return `${input}.${signWith(w.key, input)}`
  }),
  attack('a payload that is no object', 'claims', (w) => forge(w.key, headerOf(w.key), '[]')),
  attack('a payload as deep as its size allows', 'claims', (w) =>
    forge(w.key, headerOf(w.key), `{"a":${'['.repeat(2800)}${']'.repeat(2800)}}`),
  ),
  // Size.
  attack('more than 8 KiB', 'malformed', (w) => withClaims(w, { pad: 'x'.repeat(8192) })),
  attack('a megabyte', 'malformed', (w) => `${partsOf(w)[0]}.${'A'.repeat(1_048_576)}.${partsOf(w)[2]}`),
  // Signatures that mean nothing.
  attack(
    'a signature of zeros (CVE-2022-21449)',
    'signature',
    (w) => `${partsOf(w).slice(0, 2).join('.')}.${zeros}`,
  ),
  attack('a signature of zeros for ES256', 'signature', (w) =>
    [...forge(w.other, headerOf(w.other), payloadOf(w)).split('.').slice(0, 2), zeros].join('.'),
  ),
  attack('r and s as the order of the curve', 'signature', (w) =>
    [...forge(w.other, headerOf(w.other), payloadOf(w)).split('.').slice(0, 2), orders].join('.'),
  ),
  attack('a signature of another token', 'signature', (w) => {
    const [header, payload] = partsOf(w)
    return `${header}.${payload}.${withClaims(w, { jti: 'tok_00000000000000000000000000' }).split('.')[2]}`
  }),
  attack('a claim changed afterwards', 'signature', (w) => {
    const [header, , signature] = partsOf(w)
    return `${header}.${encode(payloadOf(w, { scope: 'contacts:delete' }))}.${signature}`
  }),
  // Claims.
  ...[
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'jti',
    'client_id',
    'key_id',
    'secret_id',
    'workspace_id',
    'environment',
  ].map((name) => attack(`no ${name}`, 'claims', (w) => withClaims(w, { [name]: undefined }))),
  attack('an expiry as text', 'claims', (w) => withClaims(w, { exp: String(w.claims.expiresAt / 1000) })),
  attack('an expiry without end', 'claims', (w) => withClaims(w, { exp: Number.MAX_SAFE_INTEGER })),
  attack('an expiry with an exponent', 'claims', (w) => {
    const payload = JSON.stringify(payloadOf(w)).replace(/"exp":\d+/, '"exp":17e8')
    return forge(w.key, headerOf(w.key), payload)
  }),
  attack('a begin as text', 'claims', (w) => withClaims(w, { nbf: '1' })),
  attack('a begin that is null', 'claims', (w) => withClaims(w, { nbf: null })),
  attack('a begin that is to come', 'not_yet_valid', (w) =>
    withClaims(w, { nbf: w.claims.expiresAt / 1000 }),
  ),
  attack('an end that is past', 'expired', (w) => withClaims(w, { iat: 1_600_000_000, exp: 1_600_000_300 })),
  attack('another issuer', 'issuer', (w) => withClaims(w, { iss: 'https://own.example' })),
  attack('the issuer with a slash behind', 'issuer', (w) => withClaims(w, { iss: `${w.claims.issuer}/` })),
  attack('another audience (CVE-2026-67332)', 'audience', (w) =>
    withClaims(w, { aud: 'https://own.example' }),
  ),
  attack('an audience that only begins like it', 'audience', (w) =>
    withClaims(w, { aud: `${w.claims.audience[0]}.own.example` }),
  ),
  attack('a proof of possession nobody asks for', 'claims', (w) => withClaims(w, { cnf: { jkt: 'x' } })),
]
