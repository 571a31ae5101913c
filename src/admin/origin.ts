import { KeyrungError } from '../core/errors.js'

/** Methods that change nothing (RFC 9110, 9.2.1). */
const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuses a change that another site's page has made a browser ask for.
 *
 * Browsers say where a request comes from in `Sec-Fetch-Site` (Fetch Metadata) or, older ones, in `Origin`; what
 * says neither is no browser, and sends no cookie by itself.
 *
 * @param origins further origins that are the host's own, e.g. of a console on another host name
 * @throws `cross_site`
 */
export function requireSameSite(request: Request, origins: readonly string[]): void {
  if (safeMethods.has(request.method)) return
  const origin = request.headers.get('origin')
  if (origin !== null && origins.includes(origin)) return
  const site = request.headers.get('sec-fetch-site')
  const isOwn = site === null ? origin === null || isOwnOrigin(origin, request.url) : ownSites.has(site)
  if (!isOwn) throw new KeyrungError('cross_site')
}

/** `none`: the user asked for it, from no page at all. */
const ownSites: ReadonlySet<string> = new Set(['same-origin', 'none'])

/** Compares host and port only: behind a proxy that ends TLS, the scheme of the URL may be another. */
function isOwnOrigin(origin: string, url: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === new URL(url).host
}
