import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import dns from 'node:dns'
import { afterEach, describe, expect, test } from 'vitest'
import { parseHosts } from '../../src/net/hosts-file.js'
import { createNameResolver } from '../../src/net/name-resolver.js'
import type { NodeResolver } from '../../src/net/name-resolver.js'
import { manualClock } from '../../src/testing/manual-clock.js'

const sockets: Socket[] = []

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.close()
})

/** A name server on loopback that hears everything and says nothing. */
async function muteServer(): Promise<{ readonly address: string; readonly heard: Promise<void> }> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const heard = new Promise<void>((resolve) => void socket.once('message', () => resolve()))
  return { address: `127.0.0.1:${socket.address().port}`, heard }
}

type Answers = Readonly<Record<string, readonly string[]>>

/** Resolvers that are answered by hand. */
function byHand() {
  const asked: string[] = []
  const open: { readonly name: string; answer(given: readonly string[] | string): void }[] = []
  const createResolver = (): NodeResolver => {
    const mine: ((error: unknown, addresses?: readonly string[]) => void)[] = []
    return {
      resolve4(name, call) {
        asked.push(name)
        mine.push(call)
        open.push({
          name,
          answer: (given) =>
            typeof given === 'string'
              ? mine.forEach((tell) => tell(Object.assign(new Error(given), { code: given })))
              : mine.forEach((tell, i) => tell(null, i === 0 ? given : [])),
        })
      },
      resolve6: (_name, call) => void mine.push(call),
      cancel: () =>
        mine.forEach((tell) => tell(Object.assign(new Error('canceled'), { code: 'ECANCELLED' }))),
    }
  }
  return { asked, open, createResolver }
}

const codeOf = (looking: Promise<unknown>) =>
  looking.then(
    () => 'resolved',
    (error: { readonly code: string }) => error.code,
  )

const turns = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

describe('a name', () => {
  test('with a mute name server is given up in time, and the look-ups of the host stay quick', async () => {
    const { address, heard } = await muteServer()
    const clock = manualClock()
    const resolve = createNameResolver({
      clock,
      createResolver: () => {
        const resolver = new dns.Resolver({ timeout: 60_000, tries: 1 })
        resolver.setServers([address])
        return resolver
      },
      readHosts: () => '',
    })
    const lost = Promise.all(Array.from({ length: 32 }, (_, i) => codeOf(resolve(`n${i}.mute.example.com`))))
    await heard
    // It is answered while all of them hang: they hold none of the threads that it needs.
    expect((await dns.promises.lookup('localhost')).address).toMatch(/^(127\.0\.0\.1|::1)$/)
    await clock.advance(5_000)
    expect(new Set(await lost)).toEqual(new Set(['ETIMEOUT']))
    expect(clock.sleepers).toBe(0)
  })

  test('is looked for in the list of the host first, and localhost is the host itself', async () => {
    const { asked, createResolver } = byHand()
    const readHosts = () =>
      '# own\n192.0.2.7 Hooks.example.com hooks\n2001:db8::7 hooks.example.com # and six\n'
    const resolve = createNameResolver({ clock: manualClock(), createResolver, readHosts })
    const answers: Answers = {
      'hooks.example.com': ['192.0.2.7', '2001:db8::7'],
      'HOOKS.example.com.': ['192.0.2.7', '2001:db8::7'],
      hooks: ['192.0.2.7'],
      localhost: ['127.0.0.1', '::1'],
      'app.localhost': ['127.0.0.1', '::1'],
    }
    for (const [name, addresses] of Object.entries(answers)) expect(await resolve(name)).toEqual(addresses)
    expect(asked).toEqual([])
    expect(parseHosts('junk\n\n1.2.3 a\n').size).toBe(0)
  })

  test('that failed is not asked for again for ten seconds', async () => {
    const { asked, open, createResolver } = byHand()
    const clock = manualClock()
    const resolve = createNameResolver({ clock, createResolver, readHosts: () => '' })
    const first = codeOf(resolve('gone.example.com'))
    await turns()
    open[0]!.answer('ENOTFOUND')
    expect(await first).toBe('ENOTFOUND')
    await clock.advance(9_999)
    expect(await codeOf(resolve('gone.example.com'))).toBe('ENOTFOUND')
    expect(asked).toHaveLength(1)
    await clock.advance(1)
    const again = resolve('gone.example.com')
    await turns()
    open[1]!.answer(['192.0.2.1'])
    expect(await again).toEqual(['192.0.2.1'])
  })

  test('asked for many times at once is one look-up, and only so many are under way', async () => {
    const { asked, open, createResolver } = byHand()
    const resolve = createNameResolver({ clock: manualClock(), createResolver, readHosts: () => '' })
    const same = [resolve('n0.example.com'), resolve('N0.example.com')]
    const others = Array.from({ length: 40 }, (_, i) => resolve(`n${i + 1}.example.com`))
    await turns()
    expect(asked).toHaveLength(32)
    open[0]!.answer(['192.0.2.1'])
    expect(await Promise.all(same)).toEqual([['192.0.2.1'], ['192.0.2.1']])
    await turns()
    expect(asked).toHaveLength(33)
    for (let i = 1; i < 41; i++) {
      open[i]!.answer(['192.0.2.1'])
      await turns()
    }
    expect(await Promise.all(others)).toHaveLength(40)
  })

  test('without an address of any kind is told by a word', async () => {
    const { open, createResolver } = byHand()
    const resolve = createNameResolver({ clock: manualClock(), createResolver, readHosts: () => '' })
    const looking = codeOf(resolve('empty.example.com'))
    await turns()
    open[0]!.answer([])
    expect(await looking).toBe('ENOTFOUND')
  })
})
