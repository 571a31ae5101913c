import { describeOn } from '../servers/on-server.js'
import { proveFreshness } from './freshness-proof.js'

describeOn('mariadb', 'MariaDB', (server) => {
  proveFreshness('MariaDB', async () => ({ kind: 'mariadb', address: await server.createDatabase() }))
})
