import type { Notice, Notify } from '../service/notice.js'

const told = new WeakMap<object, Set<Notice['code']>>()

/** Says whether a notice of this kind has been given for this keyrung by {@link notifyOnce}. */
export function wasNotified(keyrung: object, code: Notice['code']): boolean {
  return told.get(keyrung)?.has(code) ?? false
}

/** Gives a notice of this kind once for each keyrung, however many gates it has; never throws. */
export function notifyOnce(keyrung: { readonly notify: Notify }, notice: Notice): void {
  const codes = told.get(keyrung) ?? new Set()
  if (codes.has(notice.code)) return
  told.set(keyrung, codes.add(notice.code))
  try {
    keyrung.notify(notice)
  } catch {
    // A notice that cannot be given must not cost the request its answer.
  }
}
