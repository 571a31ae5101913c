/** What the store uses of an ioredis client, or of its Cluster. */
export interface IoredisClient {
  /** `ready` once it can be asked; absent where it is not known. */
  readonly status?: string
  readonly isCluster?: boolean
  evalsha(digest: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
  eval(script: string, keys: number, ...keysAndArguments: string[]): Promise<unknown>
  del(key: string): Promise<unknown>
  connect?(): Promise<unknown>
  on(event: string, listener: (...values: unknown[]) => void): unknown
  off(event: string, listener: (...values: unknown[]) => void): unknown
}

/** What a script is run with, as node-redis takes it. */
export interface NodeRedisEval {
  keys: string[]
  arguments: string[]
}

/** What the store uses of a client of node-redis (`redis`, version 4 or later), of its pool or its cluster. */
export interface NodeRedisClient {
  /** Whether it can be asked; absent where it is not known. */
  readonly isReady?: boolean
  readonly isOpen?: boolean
  evalSha(digest: string, options: NodeRedisEval): Promise<unknown>
  eval(script: string, options: NodeRedisEval): Promise<unknown>
  del(key: string): Promise<unknown>
  on(event: string, listener: (...values: unknown[]) => void): unknown
  off(event: string, listener: (...values: unknown[]) => void): unknown
}

/** A client of the host's own. */
export type RedisClient = IoredisClient | NodeRedisClient

/** Whether a client can be asked now, will be by itself, has to be told to connect first, or never will be. */
export type ClientState = 'ready' | 'connecting' | 'idle' | 'over'

/** The one face that the store sees of either client. */
export interface RedisFace {
  /** Whether keys lie on several servers. */
  readonly cluster: boolean
  state(): ClientState
  connect(): void
  evalSha(digest: string, keys: readonly string[], values: readonly string[]): Promise<unknown>
  eval(script: string, keys: readonly string[], values: readonly string[]): Promise<unknown>
  del(key: string): Promise<unknown>
  on(event: string, listener: () => void): void
  off(event: string, listener: () => void): void
}

type Methods = Readonly<Record<string, unknown>>

/** Finds out which client it is by its methods; nothing for what is neither. */
export function findFace(client: unknown): RedisFace | undefined {
  if (typeof client !== 'object' || client === null) return undefined
  const has = (...names: readonly string[]) =>
    names.every((name) => typeof (client as Methods)[name] === 'function')
  if (!has('eval', 'del', 'on', 'off')) return undefined
  if (has('evalsha')) return ioredisFace(client as IoredisClient)
  return has('evalSha') ? nodeRedisFace(client as NodeRedisClient) : undefined
}

function ioredisFace(client: IoredisClient): RedisFace {
  return {
    cluster: client.isCluster === true,
    state() {
      const { status = 'ready' } = client
      if (status === 'ready') return 'ready'
      if (status === 'wait') return 'idle'
      return status === 'end' ? 'over' : 'connecting'
    },
    // How that goes is told by events, and by the client's own retries.
    connect: () => void client.connect?.().catch(() => undefined),
    evalSha: (digest, keys, values) => client.evalsha(digest, keys.length, ...keys, ...values),
    eval: (script, keys, values) => client.eval(script, keys.length, ...keys, ...values),
    del: (key) => client.del(key),
    on: (event, listener) => void client.on(event, listener),
    off: (event, listener) => void client.off(event, listener),
  }
}

function nodeRedisFace(client: NodeRedisClient): RedisFace {
  return {
    cluster: 'slots' in client || 'nodeClient' in client,
    state() {
      if (client.isOpen === false) return 'over'
      return client.isReady === false ? 'connecting' : 'ready'
    },
    connect: () => undefined,
    evalSha: (digest, keys, values) => client.evalSha(digest, { keys: [...keys], arguments: [...values] }),
    eval: (script, keys, values) => client.eval(script, { keys: [...keys], arguments: [...values] }),
    del: (key) => client.del(key),
    on: (event, listener) => void client.on(event, listener),
    off: (event, listener) => void client.off(event, listener),
  }
}
