import { open, stat } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { resolve } from 'node:path'
import { invalid, KeyrungError } from '../core/errors.js'
import type { Fault } from '../core/errors.js'
import type { AuditSink } from '../ports/audit-sink.js'
import { decisionLine, eventLine } from './event-line.js'

/** Where and how a file of JSON lines is written. */
export interface JsonLinesSinkOptions {
  /** The file; it is created when it is missing, its folder is not. */
  readonly path: string
  /** The sink's name; `jsonl` by default. */
  readonly name?: string
  /** False trusts the system to write the file in time: faster, but a power cut can lose events. True by default. */
  readonly fsync?: boolean
  /** The permissions of a file that is created; readable by its owner only (0o600) by default. */
  readonly mode?: number
}

/**
 * Appends each event as one line of JSON to a file, as `keyrung/sinks/console` writes them.
 *
 * The file may be renamed, removed or truncated at any time, as by logrotate: before each batch the path is
 * looked at, and opened anew when another file or none is there. Several processes may write one file.
 *
 * Change events arrive at least once: after a crash the same event may be there again, with the same `id`. A
 * line that a crash cut short stays as it is, and the next event begins on a line of its own: readers should
 * pass over lines that are not whole JSON.
 *
 * @throws `config_invalid` with every fault
 * @example
 * ```ts
 * const sink = jsonLinesSink({ path: '/var/log/acme/audit.jsonl' })
 * createKeyrung({ catalog, store, secret, keys, sinks: [sink] })
 * ```
 */
export function jsonLinesSink(options: JsonLinesSinkOptions): AuditSink {
  checkOptions(options)
  const { name = 'jsonl', fsync = true, mode = 0o600 } = options
  // Fixed now: a process may change its directory later.
  const path = resolve(options.path)
  let file: FileHandle | undefined
  let closed = false
  let queue: Promise<void> = Promise.resolve()

  /** One after the other, whatever the caller does: two writes never share a line. */
  function enqueue(work: () => Promise<void>): Promise<void> {
    const result = queue.then(work)
    queue = result.catch(() => undefined)
    return result
  }

  async function append(lines: readonly string[]): Promise<void> {
    if (closed) throw new KeyrungError('closed')
    if (lines.length === 0) return
    const target = await reach()
    const stats = await target.stat()
    // Only files have an end to look at and a disk to be written to; the path may be a pipe or a terminal.
    const start = stats.isFile() && !(await endsInLine(target, stats.size)) ? '\n' : ''
    await writeAll(target, Buffer.from(`${start}${lines.join('\n')}\n`))
    if (fsync && stats.isFile()) await target.datasync()
  }

  /** The file that is at the path now: the one that is open, if it is still there, else a fresh one. */
  async function reach(): Promise<FileHandle> {
    if (file !== undefined) {
      const [held, named] = await Promise.all([file.stat(), stat(path).catch(() => undefined)])
      if (named !== undefined && named.dev === held.dev && named.ino === held.ino) return file
      await release()
    }
    file = await open(path, 'a+', mode)
    return file
  }

  async function release(): Promise<void> {
    const held = file
    file = undefined
    await held?.close()
  }

  return {
    name,
    write: (events) => enqueue(() => append(events.map(eventLine))),
    writeDecisions: (events) => enqueue(() => append(events.map(decisionLine))),
    close: () =>
      enqueue(async () => {
        closed = true
        await release()
      }),
  }
}

async function endsInLine(file: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true
  const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, size - 1)
  // Nothing is read where it was truncated just now.
  return bytesRead === 0 || buffer[0] === 0x0a
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += (await file.write(bytes, written)).bytesWritten
  }
}

function checkOptions({ path, name, fsync, mode }: JsonLinesSinkOptions): void {
  const faults: Fault[] = []
  const fault = (at: string, message: string): void => void faults.push({ path: at, message })
  if (typeof path !== 'string' || path === '' || path.includes('\0'))
    fault('path', 'must be the path of a file')
  if (name !== undefined && (typeof name !== 'string' || name === '')) fault('name', 'must be text')
  if (fsync !== undefined && typeof fsync !== 'boolean') fault('fsync', 'must be true or false')
  if (mode !== undefined && !(Number.isSafeInteger(mode) && mode >= 0 && mode <= 0o777)) {
    fault('mode', 'must be permissions from 0 to 0o777')
  }
  if (faults.length > 0) throw invalid('config_invalid', faults)
}
