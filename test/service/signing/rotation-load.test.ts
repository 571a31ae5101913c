import Database from 'better-sqlite3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTokenMinter, createTokenVerifier } from '../../../src/crypto/access-token.js'
import { sqliteStore } from '../../../src/stores/sqlite.js'
import { sampleClaims } from '../../core/access-token-samples.js'
import { makeFolder, type Folder } from '../../stores/sqlite-files.js'
import { hourMs, signingWorld } from './world.js'

let folder: Folder
beforeAll(() => void (folder = makeFolder()))
afterAll(() => folder.dispose())

test('under load, two instances on SQLite refuse none of each other’s tokens while their keys are rotated', async () => {
  const { clock, instance, tick } = signingWorld()
  const databases = [new Database(folder.file), new Database(folder.file)]
  const stores = databases.map((database) => {
    database.pragma('journal_mode = wal')
    return sqliteStore({ database, clock })
  })
  await stores[0]!.migrate()
  const instances = stores.map((store) => {
    const keys = instance({ store })
    const minter = createTokenMinter(() => keys.signer())
    const { verify } = createTokenVerifier({
      issuer: sampleClaims.issuer,
      audience: sampleClaims.audience,
      algorithms: ['EdDSA'],
      clockToleranceMs: 0,
      now: () => clock.now(),
      findKey: (kid) => keys.findKey(kid),
    })
    return { keys, minter, verify }
  })

  const kids = new Set<string>()
  let verified = 0
  let held: string[] = []
  for (let round = 0; round < 24; round++) {
    const issuedAt = clock.now()
    const claims = { ...sampleClaims, issuedAt, expiresAt: issuedAt + hourMs }
    const [minted] = await Promise.all([
      Promise.all(instances.flatMap(({ minter }) => Array.from({ length: 10 }, () => minter.mint(claims)))),
      ...instances.map(({ keys }) => tick(keys)),
    ])
    for (const token of minted) kids.add(JSON.parse(atob(token.split('.')[0]!)).kid)
    held = [...held.slice(-20), ...minted]
    await clock.advance(20 * 60_000)
    const results = await Promise.all(instances.flatMap(({ verify }) => held.map((token) => verify(token))))
    for (const result of results) expect(result).toMatchObject({ ok: true })
    verified += results.length
  }
  expect(kids.size).toBeGreaterThanOrEqual(3)
  expect(verified).toBeGreaterThan(1500)
  for (const store of stores) await store.close()
  for (const database of databases) database.close()
})
