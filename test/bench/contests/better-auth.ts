import { apiKey } from '@better-auth/api-key'
import { betterAuth } from 'better-auth'
import { memoryAdapter } from 'better-auth/adapters/memory'

/** A key of better-auth's api-key plugin on its adapter in memory, its own rate limit switched off. */
export async function betterAuthKeys(): Promise<() => Promise<unknown>> {
  const auth = betterAuth({
    baseURL: 'http://localhost',
    secret: 'a secret for benchmarks, and only for them',
    database: memoryAdapter({ user: [], session: [], account: [], verification: [], apikey: [] }),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    logger: { disabled: true },
    plugins: [apiKey({ rateLimit: { enabled: false } })],
  })
  const { user } = await auth.api.signUpEmail({
    body: { name: 'Bench', email: 'bench@example.com', password: 'a password for benchmarks' },
  })
  const { key } = await auth.api.createApiKey({ body: { userId: user.id } })
  const verify = () => auth.api.verifyApiKey({ body: { key } })
  const first = await verify()
  if (!first.valid) throw new Error('better-auth refuses its own key')
  return verify
}
