/** What would end a hash tag early, begin one, or not come through UTF-8 as it is. */
const special = /[{}%\p{Surrogate}]/gu

/** The same, and what stands between a subject's limits. */
const separating = /[,;|%\p{Surrogate}]/gu

/** Nothing of that: most texts are letters, digits and a few signs. */
const plain = /^[\w:.-]*$/

function escaped(text: string, what = special): string {
  if (plain.test(text)) return text
  // Half a surrogate pair has a code unit of four digits, the others one of two.
  return text.replace(what, (unit) => `%${unit.charCodeAt(0).toString(16)}`)
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

/** A limit's name, as it stands in what is kept. */
export function keptName(name: string): string {
  return escaped(name, separating)
}
