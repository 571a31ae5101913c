import type { Notice, Notify } from '../service/notice.js'

const told = new WeakMap<object, Set<Notice['code']>>()

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
