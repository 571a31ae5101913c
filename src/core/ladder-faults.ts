import { quoted, type Report } from './definition-report.js'
import { actionOf, approvalSuffix, isApprovalRung } from './ladder.js'
import { isRungName, maxRungLength } from './name.js'
import { ownElements, ownProperties } from './own-properties.js'

const maxRungs = 64
const maxLadders = 16

/** Reads a resource's ladder or ladders and reports what is wrong; each is a list of rungs, low to high. */
export function parseLadders(report: Report, path: string, value: unknown): readonly (readonly string[])[] {
  if (value === undefined) {
    report.add(path, "is missing; give one, such as ladder('read', 'write')")
    return []
  }
  const several = ownElements(value, maxLadders)
  if (several === undefined) return [parseLadder(report, path, value)]
  if (several.length === 0) report.add(path, 'must hold at least one ladder')
  if (several.every((element) => typeof element === 'string') && several.length > 0) {
    report.add(path, "must be made by ladder('read', …); a plain list of rungs is not a ladder")
    return []
  }
  const parsed = several.map((element, i) => parseLadder(report, `${path}[${i}]`, element))
  reportShared(report, path, parsed)
  return parsed
}

function parseLadder(report: Report, path: string, value: unknown): readonly string[] {
  const rungs = ownElements(ownProperties(value)?.get('rungs'), maxRungs)
  if (rungs === undefined) {
    report.add(path, `must be a ladder of at most ${maxRungs} rungs, not ${quoted(value)}`)
    return []
  }
  if (rungs.length === 0) report.add(path, 'must have at least one rung')
  const good: string[] = []
  rungs.forEach((rung, i) => {
    const fault = rungFault(rung, good)
    if (fault === undefined) good.push(rung as string)
    else report.add(`${path}.rungs[${i}]`, fault)
  })
  return good
}

function rungFault(rung: unknown, below: readonly string[]): string | undefined {
  if (!isRungName(rung)) {
    return `${quoted(rung)} cannot name a rung: lower-case letters and digits joined by "-", at most ${maxRungLength} characters`
  }
  if (rung === 'none') return 'no access is not a rung; leave "none" out'
  const action = actionOf(rung)
  if (action === 'approval') return `"${rung}" names no action to approve`
  if (isApprovalRung(action)) return `"${rung}" would queue "${action}", which itself queues`
  if (below.includes(rung)) return `"${rung}" is on the ladder twice`
  if (isApprovalRung(rung) && below.includes(action)) {
    return `"${rung}" must stand below "${action}", or it can never take effect`
  }
  return undefined
}

function reportShared(report: Report, path: string, laddersOfResource: readonly (readonly string[])[]): void {
  const owner = new Map<string, number>()
  laddersOfResource.forEach((rungs, i) => {
    for (const action of new Set(rungs.map(actionOf))) {
      const earlier = owner.get(action)
      if (earlier === undefined) owner.set(action, i)
      else {
        const rung = `"${action}" or "${action}${approvalSuffix}"`
        report.add(`${path}[${i}]`, `${rung} stands on ladder ${earlier} too; ladders share no action`)
      }
    }
  })
}
