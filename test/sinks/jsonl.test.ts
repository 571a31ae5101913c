import { execFile } from 'node:child_process'
import { appendFile, mkdir, mkdtemp, open, readFile, rename, rm, stat, truncate } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AuditSink } from '../../src/ports/audit-sink.js'
import { jsonLinesSink } from '../../src/sinks/jsonl.js'
import type { JsonLinesSinkOptions } from '../../src/sinks/jsonl.js'
import { auditEvent, decision, nasty } from './event-samples.js'

let folder: string
let path: string
let sink: AuditSink

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyrung-jsonl-'))
  path = join(folder, 'audit.jsonl')
  sink = jsonLinesSink({ path })
})

afterEach(async () => {
  await sink.close!()
  await rm(folder, { recursive: true })
})

const write = async (...numbers: number[]) => sink.write(numbers.map((number) => auditEvent(number)))

/** The last digits of the ids in a file; `torn` for what is not whole JSON. */
async function idsIn(file = path): Promise<string[]> {
  const text = await readFile(file, 'utf8')
  expect(text === '' || text.endsWith('\n')).toBe(true)
  const lines = text.split('\n').slice(0, -1)
  return lines.map((line) => {
    try {
      return (JSON.parse(line) as { id: string }).id.slice(-1)
    } catch {
      return 'torn'
    }
  })
}

describe('appending', () => {
  test('gives one line an event, behind what is there', async () => {
    await write(1, 2)
    await write(3)
    expect(await idsIn()).toEqual(['1', '2', '3'])
  })

  test('keeps single lines whatever a name contains', async () => {
    await sink.write([auditEvent(1, nasty), auditEvent(2)])
    const text = await readFile(path, 'utf8')
    expect(text.split(/[\r\n\u2028\u2029\u0085]/)).toHaveLength(3)
    expect(JSON.parse(text.split('\n')[0]!)).toMatchObject({ reason: nasty })
  })

  test('never mixes writes that are made at once', async () => {
    await Promise.all(Array.from({ length: 9 }, (_, i) => write(i + 1)))
    expect(await idsIn()).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
  })

  test('takes counted refusals too', async () => {
    await sink.writeDecisions!([decision])
    expect(await readFile(path, 'utf8')).toMatch(/^\{"type":"decision",.*\}\n$/)
  })

  test('of nothing writes nothing', async () => {
    await sink.write([])
    await expect(stat(path)).rejects.toThrow('ENOENT')
  })

  test('makes a file that only its owner can read, or as it is told', async () => {
    await write(1)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    const other = jsonLinesSink({ path: join(folder, 'other'), mode: 0o640, fsync: false })
    await other.write([auditEvent(1)])
    await other.close!()
    expect((await stat(join(folder, 'other'))).mode & 0o777).toBe(0o640)
  })
})

describe('rotation', () => {
  test('by renaming: what comes next goes to a new file', async () => {
    await write(1)
    await rename(path, `${path}.1`)
    await write(2)
    await write(3)
    expect([await idsIn(`${path}.1`), await idsIn()]).toEqual([['1'], ['2', '3']])
  })

  test('by renaming and creating: what comes next goes to the file that was put there', async () => {
    await write(1)
    await rename(path, `${path}.1`)
    await (await open(path, 'w')).close()
    await write(2)
    expect([await idsIn(`${path}.1`), await idsIn()]).toEqual([['1'], ['2']])
  })

  test('by removing: a new file is begun', async () => {
    await write(1)
    await rm(path)
    await write(2)
    expect(await idsIn()).toEqual(['2'])
  })

  test('by copying and truncating: what comes next is at the beginning, without a gap', async () => {
    await write(1)
    await truncate(path)
    await write(2)
    expect(await idsIn()).toEqual(['2'])
    expect(await readFile(path, 'utf8')).not.toContain('\0')
  })

  test('into a folder that is not there fails, and goes on when it is', async () => {
    await write(1)
    await rename(folder, `${folder}-moved`)
    try {
      await expect(write(2)).rejects.toThrow('ENOENT')
      await expect(write(2)).rejects.toThrow('ENOENT')
    } finally {
      await rm(`${folder}-moved`, { recursive: true })
      await mkdir(folder)
    }
    await write(2)
    expect(await idsIn()).toEqual(['2'])
  })
})

describe('a line that a crash cut short', () => {
  test('is ended before the next event, found at the start', async () => {
    await appendFile(path, '{"type":"change","id":"evt_0')
    await write(1)
    expect(await idsIn()).toEqual(['torn', '1'])
  })

  test('is ended before the next event, found while the file is open', async () => {
    await write(1)
    await appendFile(path, '{"type"')
    await write(2, 3)
    expect(await idsIn()).toEqual(['1', 'torn', '2', '3'])
  })
})

test('a pipe can be written to', async () => {
  const fifo = join(folder, 'pipe')
  await promisify(execFile)('mkfifo', [fifo])
  const reader = readFile(fifo, 'utf8')
  const piped = jsonLinesSink({ path: fifo })
  await piped.write([auditEvent(1)])
  await piped.close!()
  expect((await reader).trimEnd().split('\n')).toHaveLength(1)
})

test('after it was closed nothing is taken, and closing again does no harm', async () => {
  await write(1)
  await sink.close!()
  await sink.close!()
  await expect(write(2)).rejects.toMatchObject({ code: 'closed' })
  expect(await idsIn()).toEqual(['1'])
})

describe('options', () => {
  test('with faults are refused, all of them named', () => {
    const options = { path: '', name: '', fsync: 1, mode: 0o1000 } as unknown as JsonLinesSinkOptions
    const faults = ['path', 'name', 'fsync', 'mode'].map((name) => expect.objectContaining({ path: name }))
    expect(() => jsonLinesSink(options)).toThrow(expect.objectContaining({ code: 'config_invalid', faults }))
  })

  test.each([undefined, 7, 'a\0b'])('a path that is %j is refused', (given) => {
    const make = () => jsonLinesSink({ path: given as string })
    expect(make).toThrow(expect.objectContaining({ code: 'config_invalid' }))
  })

  test('give it a name', () => {
    expect([sink.name, jsonLinesSink({ path, name: 'audit' }).name]).toEqual(['jsonl', 'audit'])
  })
})
