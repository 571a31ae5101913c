/** What turns an action into the rung that sends it to a human: `write` → `write-approval`. */
export const approvalSuffix = '-approval'

/** The levels a resource can be granted at, low to high; holding a rung includes all below it. */
export interface Ladder<Rung extends string = string> {
  /** Low to high. No access at all is not a rung. */
  readonly rungs: readonly Rung[]
}

/** The action a rung is about: `write` for both `write` and `write-approval`. */
export type ActionOf<Rung extends string> = Rung extends `${infer Action}-approval` ? Action : Rung

/**
 * Makes a ladder of rungs, low to high.
 *
 * A rung named after an action allows it; `<action>-approval` sends it to a human for approval.
 * Mistakes are told by `defineCatalog`, all at once and with their path.
 *
 * @example
 * ```ts
 * const forms = ladder('read', 'write-approval', 'write', 'delete-approval', 'delete')
 * ```
 */
export function ladder<const Rungs extends readonly string[]>(...rungs: Rungs): Ladder<Rungs[number]> {
  return Object.freeze({ rungs: Object.freeze([...rungs]) })
}

/** The ladders that most resources need. */
export const ladders = Object.freeze({
  /** Records: read them, then write them, then delete them, the last two with or without approval. */
  crud: ladder('read', 'write-approval', 'write', 'delete-approval', 'delete'),
  /** Messages that leave the house: read them, send them with approval, send them. */
  communication: ladder('read', 'send-approval', 'send'),
  /** Features that are used, not edited. */
  use: ladder('use-approval', 'use'),
  /** Reading and writing, without a human in between. */
  readWrite: ladder('read', 'write'),
})

/** The action a rung is about. */
export function actionOf(rung: string): string {
  return isApprovalRung(rung) ? rung.slice(0, -approvalSuffix.length) : rung
}

/** Says whether a rung sends its action to approval instead of allowing it. */
export function isApprovalRung(rung: string): boolean {
  return rung.endsWith(approvalSuffix)
}
