/** How a token may be signed: Ed25519 (RFC 8037) or ECDSA on P-256 with SHA-256 (RFC 7518, 3.4). */
export type TokenAlgorithm = 'EdDSA' | 'ES256'

/** What belongs to an algorithm; a key of another kind never meets it. */
export interface AlgorithmForm {
  readonly kty: 'OKP' | 'EC'
  readonly crv: 'Ed25519' | 'P-256'
  /** The members that are the public key, each of 32 bytes. */
  readonly coordinates: readonly ('x' | 'y')[]
  /** What the algorithm is called besides (RFC 9864, 2.2). */
  readonly alias: string | null
}

/** Every algorithm there is; none of them takes a secret that both sides know. */
export const tokenAlgorithms: Readonly<Record<TokenAlgorithm, AlgorithmForm>> = {
  EdDSA: { kty: 'OKP', crv: 'Ed25519', coordinates: ['x'], alias: 'Ed25519' },
  ES256: { kty: 'EC', crv: 'P-256', coordinates: ['x', 'y'], alias: null },
}

/** Bytes of a coordinate and of a private key, the same for both curves. */
export const coordinateBytes = 32

/** Characters of a signature in base64url: both algorithms make 64 bytes. */
export const signatureLength = 86

/** Says whether a value names an algorithm tokens are signed with. */
export function isTokenAlgorithm(value: unknown): value is TokenAlgorithm {
  return typeof value === 'string' && Object.hasOwn(tokenAlgorithms, value)
}
