import { base62Alphabet } from './encoding.js'

/** Characters of a checksum in base62: 62^6 is more than 2^32. */
export const checksumLength = 6

/** CRC-32 of each byte alone, reflected polynomial EDB88320 (IEEE 802.3, 3.2.9). */
export const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  return crc
})

/**
 * CRC-32 of the first `end` characters of an ASCII text, as an unsigned number; nothing is allocated.
 *
 * It finds mistakes, not attackers: anyone can compute it.
 */
export function crc32(text: string, end: number = text.length): number {
  let crc = -1
  for (let i = 0; i < end; i++) crc = crcTable[(crc ^ text.charCodeAt(i)) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}

/** The six base62 characters of a CRC-32, most significant first. */
export function formatChecksum(crc: number): string {
  let text = ''
  for (let rest = crc, i = 0; i < checksumLength; i++) {
    text = base62Alphabet[rest % 62]! + text
    rest = Math.floor(rest / 62)
  }
  return text
}
