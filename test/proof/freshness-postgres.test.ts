import { describeOn } from '../servers/on-server.js'
import { proveFreshness } from './freshness-proof.js'

describeOn('postgres', 'PostgreSQL', (server) => {
  proveFreshness('PostgreSQL', async () => ({ kind: 'postgres', address: await server.createDatabase() }))
})
