/** What would end a hash tag early, begin one, or not come through UTF-8 as it is. */
const special = /[{}%\p{Surrogate}]/gu

function escaped(text: string): string {
  // Half a surrogate pair has a code unit of four digits, the others one of two.
  return text.replace(special, (unit) => `%${unit.charCodeAt(0).toString(16)}`)
}

/**
 * What all keys of a workspace begin with: the braces are Redis Cluster's hash tag, by which they lie in one slot.
 * The letter in front keeps it from being empty, as an empty one is none; it counts up when what is kept is written
 * in another form.
 */
export function workspaceKey(prefix: string, workspaceId: string): string {
  return `${prefix}{a${escaped(workspaceId)}}`
}

/** Where what a subject spent is kept. */
export function subjectKey(workspace: string, subject: string): string {
  return `${workspace}:${escaped(subject)}`
}
