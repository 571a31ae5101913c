/** Reads a `User-Agent` as audit events keep it: at most 255 printable characters; undefined for none. */
export function readUserAgent(value: string | null | undefined): string | undefined {
  return (
    value
      ?.replace(/[^\x20-\x7e]/g, '?')
      .slice(0, 255)
      .trim() || undefined
  )
}
