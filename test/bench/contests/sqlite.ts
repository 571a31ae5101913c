import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { createKeyrung } from 'keyrung'
import { sqliteStore } from 'keyrung/stores/sqlite'
import { digestBytes } from '../../../src/crypto/digest.js'
import { readHostSecrets } from '../../../src/crypto/host-secret.js'
import { createPeppers } from '../../../src/crypto/pepper.js'
import { keyQueries } from '../../../src/stores/sql/key-queries.js'
import { sqliteDialect } from '../../../src/stores/sql/sqlite-dialect.js'
import { storeTime } from '../../../src/stores/sql/store-time.js'
import { tableNames } from '../../../src/stores/sql/tables.js'
import { contest } from '../contest.js'
import { catalog, hostSecret, rotating, seedKeys } from '../seed.js'

/** The authoritative row is read with every request: how much of a bare prepared lookup is left? */
export async function sqliteContest(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'keyrung-bench-'))
  const database = new Database(join(folder, 'keys.db'))
  database.pragma('journal_mode = WAL')
  try {
    const store = sqliteStore({ database })
    const keyrung = createKeyrung({
      catalog,
      store,
      secret: hostSecret,
      keys: { prefix: 'tp', environments: ['live', 'test'] },
    })
    await keyrung.ready({ migrate: true })
    const { current } = createPeppers(readHostSecrets(hostSecret))
    const secrets = await seedKeys(store, current, 100_000)
    const reader = new Database(join(folder, 'keys.db'), { readonly: true })
    const { credentialText } = keyQueries(
      sqliteDialect,
      tableNames('keyrung_'),
      storeTime(sqliteDialect, null),
    )
    const lookup = reader.prepare(credentialText).raw()
    const digests = rotating(
      secrets.slice(0, 20_000).map((secret) => Buffer.from(digestBytes(current.digest(secret)))),
    )
    const presented = rotating(secrets.slice(0, 20_000))
    await contest(
      'SQLite, strict, 100,000 keys in a file',
      [
        { name: 'bare prepared lookup of the same columns', run: () => lookup.get(digests()) },
        { name: 'keyrung, whole verification', run: () => keyrung.authenticate(presented()) },
      ],
      [
        {
          of: 'keyrung, whole verification',
          against: 'bare prepared lookup of the same columns',
          times: 0.6,
        },
      ],
    )
    reader.close()
    await keyrung.close()
  } finally {
    database.close()
    rmSync(folder, { recursive: true })
  }
}
