import { join } from 'node:path'
import { proveFreshness } from './freshness-proof.js'

proveFreshness('SQLite', async (folder) => ({ kind: 'sqlite', file: join(folder, 'store.db') }))
