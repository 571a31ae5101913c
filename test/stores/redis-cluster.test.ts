import { Cluster, Redis } from 'ioredis'
import { createCluster } from 'redis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseLimits } from '../../src/core/limit.js'
import { redisLimits } from '../../src/stores/redis.js'
import type { RedisClient } from '../../src/stores/redis.js'
import { describeOn } from '../servers/on-server.js'
import { ioredisAddress, nodeRedisAddress, startRedis } from '../servers/redis.js'
import type { TestServer } from '../servers/test-server.js'

const rules = parseLimits([
  { name: 'minute', limit: 10, windowMs: 60_000 },
  { name: 'day', limit: 1_000, calendar: 'day' },
])

const makers = {
  ioredis(servers: readonly TestServer[]) {
    const { username, password } = ioredisAddress(servers[0]!)
    const client = new Cluster(
      servers.map(({ host, port }) => ({ host, port })),
      { redisOptions: { username, password } },
    )
    client.on('error', () => undefined)
    return { client: client as RedisClient, end: () => client.disconnect() }
  },
  'node-redis'(servers: readonly TestServer[]) {
    const { username, password } = nodeRedisAddress(servers[0]!)
    const client = createCluster({
      rootNodes: servers.map(({ host, port }) => ({ socket: { host, port } })),
      defaults: { username, password },
    })
    client.on('error', () => undefined)
    const connected = client.connect()
    return { client: client as RedisClient, connected, end: () => client.destroy() }
  },
} as const

describeOn('redis', 'redisLimits on a cluster', () => {
  let servers: TestServer[] = []
  let nodes: Redis[] = []

  beforeAll(async () => {
    servers = await Promise.all([0, 1, 2].map(() => startRedis({ cluster: true })))
    nodes = servers.map((server) => new Redis(ioredisAddress(server)))
    const edges = [0, 5_461, 10_923, 16_384]
    for (const [i, node] of nodes.entries()) {
      await node.call('CLUSTER', 'ADDSLOTSRANGE', String(edges[i]!), String(edges[i + 1]! - 1))
      await node.call('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
      const { host, port, user } = servers[i]!
      // A client of a cluster knows one password.
      await node.call('ACL', 'SETUSER', user, `>${servers[0]!.password}`)
      await nodes[0]!.call('CLUSTER', 'MEET', host, String(port), String(port - 10_000))
    }
    const isWhole = async (node: Redis) => {
      const text = String(await node.call('CLUSTER', 'INFO'))
      return text.includes('cluster_state:ok') && text.includes('cluster_known_nodes:3')
    }
    for (const node of nodes) while (!(await isWhole(node)));
  }, 60_000)
  afterAll(async () => {
    nodes.forEach((node) => node.disconnect())
    await Promise.all(servers.map((server) => server.stop()))
  })

  for (const name of ['ioredis', 'node-redis'] as const) {
    describe(`through ${name}`, () => {
      it('counts all charges of a workspace on one of the servers, and workspaces on all', async () => {
        const made = makers[name](servers)
        if ('connected' in made) await made.connected
        const store = redisLimits({ client: made.client, prefix: `${name}:`, timeoutMs: 10_000 })
        const spend = (workspaceId: string) =>
          store.spend({
            workspaceId,
            charges: ['key:one', 'workspace', 'owner:{a}'].map((subject) => ({ subject, rules, cost: 1 })),
          })
        const workspaces = ['', '{}', 'a}b', ...Array.from({ length: 21 }, (_, i) => `ws_${i}`)]
        const answers = await Promise.all(
          workspaces.flatMap((workspaceId) => Array.from({ length: 12 }, () => spend(workspaceId))),
        )
        expect(answers.filter(({ ok }) => ok).length).toBe(workspaces.length * 10)
        const [refused] = answers.filter(({ ok }) => !ok)
        expect(refused!.meters.map(({ used }) => used)).toEqual([10, 10, 10, 10, 10, 10])
        await store.refund({
          ...{ workspaceId: 'ws_1', subject: 'key:one', rules, units: 4 },
          spentAt: answers.at(-1)!.now,
        })
        await store.forget('ws_1', 'workspace')
        const { meters } = await store.spend({
          workspaceId: 'ws_1',
          charges: [
            { subject: 'workspace', rules, cost: 0 },
            { subject: 'owner:{a}', rules, cost: 0 },
          ],
        })
        expect(meters.map(({ used }) => used)).toEqual([0, 0, 10, 10])
        const counts = await Promise.all(nodes.map((node) => node.keys(`${name}:*`)))
        for (const keys of counts) expect(keys.length).toBeGreaterThan(0)
        // The note of a workspace and three subjects, less the one that was forgotten.
        expect(counts.flat().length).toBe(workspaces.length * 4 - 1)
        await store.close()
        made.end()
      })

      it('sees that one of the servers has lost what it knew, and which workspaces were there', async () => {
        const made = makers[name](servers)
        if ('connected' in made) await made.connected
        const store = redisLimits({ client: made.client, prefix: `${name}-lost:`, timeoutMs: 10_000 })
        const spend = async (workspaceId: string) => {
          const charges = [{ subject: 'key:one', rules, cost: 1 }]
          return (await store.spend({ workspaceId, charges })).ok
        }
        const workspaces = Array.from({ length: 30 }, (_, i) => `ws_${i}`)
        for (const workspaceId of workspaces) expect(await spend(workspaceId)).toBe(true)
        const gone = await nodes[0]!.keys(`${name}-lost:*key:one`)
        expect(gone.length).toBeGreaterThan(0)
        await nodes[0]!.flushall()
        for (const workspaceId of workspaces) {
          expect(await spend(workspaceId)).toBe(!gone.includes(`${name}-lost:{a${workspaceId}}:key:one`))
        }
        await store.close()
        made.end()
      })
    })
  }
})
