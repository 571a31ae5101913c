import { anotherOf, storeCase } from './case.js'
import type { StoreCase } from './case.js'
import { expectEqual, expectThat } from './expect.js'
import { commitAll, remove, update } from './probe.js'
import { digestOf, idOf, insert, insertKey, makeKey, makeSecret } from './records.js'

/** What a credential check reads. */
export const credentialCases: readonly StoreCase[] = [
  storeCase('the three ways to a credential agree on every field', async (store) => {
    await commitAll(
      store,
      ...insertKey(
        1,
        {
          name: 'Ünïcode 🗝 "quoted" \\ \n line',
          status: 'revoked',
          revokedAt: 1_767_225_600_001,
          revokedBy: 'user:2',
          revokedReason: 'lost',
          expiresAt: 8_640_000_000_000_000,
          notBefore: 1_000_000_000_000,
          addressRules: '10.0.0.0/8 2001:db8::/32',
          metadata: '{"a":{"b":[1,null,"x"]}}',
          ownerId: 'u_1',
        },
        { endsAt: 4_000_000_000_000, hostSecretId: 'h1' },
      ),
      ...insertKey(2),
    )
    for (const number of [1, 2]) {
      const row = await store.findCredential(digestOf(number))
      expectEqual(row?.secret.id, idOf('sec', number), 'the secret')
      expectEqual(row?.secret.digest, digestOf(number), 'the digest')
      expectEqual(await store.findCredentials([digestOf(number)]), [row], 'findCredentials')
      expectEqual(await store.findCredentialById(idOf('sec', number)), row, 'findCredentialById')
      expectEqual((await store.findKey('ws_1', idOf('key', number)))?.key, row?.key, 'findKey')
    }
  }),
  storeCase('of many digests only those that are there are answered, each once', async (store) => {
    for (let number = 0; number < 12; number++) await commitAll(store, ...insertKey(number))
    const asked = Array.from({ length: 700 }, (_, number) => digestOf(number))
    const rows = await store.findCredentials([...asked, ...asked])
    const found = rows.map((row) => row.secret.id).sort()
    const wanted = Array.from({ length: 12 }, (_, number) => idOf('sec', number)).sort()
    expectEqual(found, wanted, 'the secrets')
    for (const row of rows) expectEqual(await store.findCredential(row.secret.digest), row, 'findCredential')
    expectEqual(await store.findCredentials([]), [], 'nothing asked')
  }),
  storeCase('what is no digest leads nowhere', async (store) => {
    await commitAll(store, ...insertKey(1))
    const digest = digestOf(1)
    const wrong = [
      '',
      digest.slice(1),
      `${digest}x`,
      `${digest.slice(0, 31)}\u0100`,
      digest.toUpperCase() === digest ? `x${digest.slice(1)}` : digest.toUpperCase(),
      `\u0131${digest.slice(1)}`,
      Array.from(digest, (byte) => byte.charCodeAt(0).toString(16).padStart(2, '0')).join(''),
    ]
    for (const text of wrong) expectEqual(await store.findCredential(text), undefined, JSON.stringify(text))
    expectEqual(await store.findCredentials(wrong), [], 'all of them at once')
  }),
  storeCase('digests that differ in one byte are different', async (store) => {
    const base = digestOf(1)
    const others = [0, 15, 31].flatMap((place) =>
      ['\0', '\x7f', '\x80', '\xff', ' ', 'A', 'a'].map(
        (byte) => base.slice(0, place) + byte + base.slice(place + 1),
      ),
    )
    const digests = [...new Set([base, ...others])]
    for (const [number, digest] of digests.entries())
      await commitAll(store, ...insertKey(number, {}, { digest }))
    for (const [number, digest] of digests.entries()) {
      expectEqual((await store.findCredential(digest))?.key.id, idOf('key', number), `digest ${number}`)
    }
  }),
  storeCase('a credential needs both its secret and its key, and both in one workspace', async (store) => {
    await commitAll(store, insert('secret', makeSecret(1)))
    expectEqual(await store.findCredential(digestOf(1)), undefined, 'a secret whose key is not there yet')
    expectEqual(await store.findCredentialById(idOf('sec', 1)), undefined, 'the same by its id')
    await commitAll(store, insert('key', makeKey(1)))
    expectThat((await store.findCredential(digestOf(1))) !== undefined, 'the credential, once both are there')
    await commitAll(store, remove('key', idOf('key', 1), 1))
    expectEqual(await store.findCredential(digestOf(1)), undefined, 'a secret whose key is gone')
    await commitAll(store, ...insertKey(2, {}, { workspaceId: 'ws_2' }))
    expectEqual(await store.findCredential(digestOf(2)), undefined, 'a secret of another workspace')
    expectEqual(await store.findCredentials([digestOf(1), digestOf(2)]), [], 'both at once')
  }),
  storeCase('a change is seen by the very next read', async (store) => {
    await commitAll(store, ...insertKey(1))
    const id = idOf('key', 1)
    for (let version = 1; version < 6; version++) {
      await store.findCredential(digestOf(1))
      const status = version % 2 ? 'revoked' : 'active'
      await commitAll(store, update('key', id, version, { status, scopes: `s${version}:read` }))
      const row = await store.findCredential(digestOf(1))
      expectEqual(
        [row?.key.status, row?.key.scopes, row?.key.version],
        [status, `s${version}:read`, version + 1],
        'row',
      )
    }
    await commitAll(
      store,
      update('secret', idOf('sec', 1), 1, { digest: digestOf(2), endsAt: 4_000_000_000_000 }),
    )
    expectEqual(await store.findCredential(digestOf(1)), undefined, 'the digest it had')
    expectEqual(
      (await store.findCredential(digestOf(2)))?.secret.endsAt,
      4_000_000_000_000,
      'the digest it has',
    )
    await commitAll(store, remove('secret', idOf('sec', 1), 2), remove('key', id, 6))
    expectEqual(await store.findCredential(digestOf(2)), undefined, 'the credential that was deleted')
  }),
  storeCase('two secrets can change digests in one commit', async (store) => {
    await commitAll(store, ...insertKey(1), ...insertKey(2))
    await commitAll(
      store,
      update('secret', idOf('sec', 1), 1, { digest: digestOf(3) }),
      update('secret', idOf('sec', 2), 1, { digest: digestOf(1) }),
      update('secret', idOf('sec', 1), 2, { digest: digestOf(2) }),
    )
    expectEqual((await store.findCredential(digestOf(1)))?.key.id, idOf('key', 2), 'the first digest')
    expectEqual((await store.findCredential(digestOf(2)))?.key.id, idOf('key', 1), 'the second digest')
    expectEqual(await store.findCredential(digestOf(3)), undefined, 'the digest in between')
  }),
  storeCase('records handed out or in cannot be used to change the store', async (store) => {
    const key = { ...makeKey(1) }
    const changes = [insert('key', key), insert('secret', makeSecret(1))]
    await commitAll(store, ...changes)
    key.name = 'Changed afterwards'
    const row = await store.findCredential(digestOf(1))
    const listed = await store.listKeys({ workspaceId: 'ws_1', limit: 10 })
    for (const record of [row?.key, row?.secret, listed[0]?.key, listed[0]?.secrets[0]]) {
      try {
        Object.assign(record as object, {
          name: 'Changed from outside',
          scopes: 'all:delete',
          lastFour: 'hack',
        })
      } catch {
        // Frozen: that is one way to keep the promise.
      }
    }
    const again = await store.findCredential(digestOf(1))
    expectEqual([again?.key, again?.secret], [makeKey(1), makeSecret(1)], 'the records')
    expectEqual((await store.findKey('ws_1', idOf('key', 1)))?.key, makeKey(1), 'the key')
  }),
  storeCase(
    'what another instance commits is seen by the very next read',
    async (store, under) => {
      const other = await anotherOf(under)
      await commitAll(store, ...insertKey(1))
      for (let version = 1; version < 6; version++) {
        const writer = version % 2 ? other : store
        const reader = version % 2 ? store : other
        await reader.findCredential(digestOf(1))
        await commitAll(writer, update('key', idOf('key', 1), version, { scopes: `s${version}:read` }))
        expectEqual((await reader.findCredential(digestOf(1)))?.key.scopes, `s${version}:read`, 'the scopes')
        expectEqual((await reader.findKey('ws_1', idOf('key', 1)))?.key.version, version + 1, 'the version')
      }
      await other.close()
      expectThat((await store.findCredential(digestOf(1))) !== undefined, 'this instance to go on')
    },
    'instances',
  ),
]
