/** Which language a client speaks with its server. */
export type WireProtocol = 'postgres' | 'mysql'

/** Cuts what a client sends into whole messages. */
export interface MessageReader {
  /** Takes bytes as they came, and answers the messages that are whole with them. */
  take(chunk: Buffer): readonly Buffer[]
}

/** What PostgreSQL's client may ask before it starts: for TLS, or for GSSAPI (protocol 3.0, 53.7). */
const preludes = new Set([80_877_103, 80_877_104])

/** PostgreSQL's messages begin with a letter and their length; the first has no letter (protocol 3.0, 53.2). */
function postgresLength(buffered: Buffer, isStarted: boolean): number | undefined {
  const head = isStarted ? 1 : 0
  return buffered.length < head + 4 ? undefined : head + buffered.readUInt32BE(head)
}

/** MySQL's packets begin with three bytes of length and a number (client/server protocol, 14.1.2). */
function mysqlLength(buffered: Buffer): number | undefined {
  return buffered.length < 4 ? undefined : 4 + buffered.readUIntLE(0, 3)
}

/** Makes a reader for one connection, from its first byte. */
export function createMessageReader(protocol: WireProtocol): MessageReader {
  let buffered: Buffer = Buffer.alloc(0)
  let isStarted = false
  return {
    take(chunk) {
      buffered = Buffer.concat([buffered, chunk])
      const messages: Buffer[] = []
      for (;;) {
        const length = protocol === 'mysql' ? mysqlLength(buffered) : postgresLength(buffered, isStarted)
        if (length === undefined || buffered.length < length) return messages
        const message = buffered.subarray(0, length)
        buffered = buffered.subarray(length)
        if (!isStarted) isStarted = !preludes.has(message.readUInt32BE(4))
        messages.push(message)
      }
    },
  }
}

/** The statement in a message, where it has one: simple and parsed queries of either protocol. */
function statementOf(protocol: WireProtocol, message: Buffer): string | undefined {
  if (protocol === 'mysql') {
    const command = message[4]
    return command === 0x03 || command === 0x16 ? message.toString('utf8', 5) : undefined
  }
  const letter = String.fromCharCode(message[0]!)
  if (letter === 'Q') return message.toString('utf8', 5, message.length - 1)
  if (letter !== 'P') return undefined
  const from = message.indexOf(0, 5) + 1
  return message.toString('utf8', from, message.indexOf(0, from))
}

/** Says whether a message ends a transaction for good, alone or after other statements. */
export function isCommit(protocol: WireProtocol, message: Buffer): boolean {
  return /(^|;)\s*commit( and no chain no release)?\s*;?\s*$/i.test(statementOf(protocol, message) ?? '')
}
