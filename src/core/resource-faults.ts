import { joined, quoted, type Report } from './definition-report.js'
import { parseLadders } from './ladder-faults.js'
import { ownElements } from './own-properties.js'

/** A resource definition that has been read and checked. */
export interface ParsedResource {
  readonly name: string
  readonly label: string | undefined
  readonly group: string | undefined
  readonly ladders: readonly (readonly string[])[]
  readonly describe: ReadonlyMap<string, string>
  /** The sensitive starting rungs as given; `undefined` where the group decides. */
  readonly sensitive: boolean | readonly string[] | undefined
}

const known = ['label', 'group', 'ladder', 'describe', 'sensitive']
const maxText = 2_000

/** Reads one resource and reports what is wrong with it. */
export function parseResource(
  report: Report,
  path: string,
  name: string,
  value: unknown,
  groups: ReadonlySet<string>,
): ParsedResource {
  const given = report.properties(path, value, known)
  if (given === undefined)
    return {
      name,
      label: undefined,
      group: undefined,
      ladders: [],
      describe: new Map(),
      sensitive: undefined,
    }
  const ladders = parseLadders(report, `${path}.ladder`, given.get('ladder'))
  const rungs = new Set(ladders.flat())
  const group = given.get('group')
  if (group !== undefined && !(typeof group === 'string' && groups.has(group))) {
    report.add(`${path}.group`, `there is no group ${quoted(group)}`)
  }
  return {
    name,
    label: parseText(report, `${path}.label`, given.get('label')),
    group: typeof group === 'string' ? group : undefined,
    ladders,
    describe: parseDescriptions(report, `${path}.describe`, given.get('describe'), rungs),
    sensitive: parseSensitive(report, `${path}.sensitive`, given.get('sensitive'), ladders),
  }
}

/** Reads a label or description: some text, on the short side; `undefined` where it is left out. */
export function parseText(report: Report, path: string, value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'string' && value.length > 0 && value.length <= maxText) return value
  report.add(path, `must be text of 1 to ${maxText} characters`)
  return undefined
}

function parseDescriptions(
  report: Report,
  path: string,
  value: unknown,
  rungs: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  if (value === undefined) return texts
  for (const [rung, text] of report.properties(path, value) ?? []) {
    const here = joined(path, rung)
    if (!rungs.has(rung)) report.add(here, `there is no rung ${quoted(rung)} on this resource`)
    const parsed = parseText(report, here, text)
    if (parsed !== undefined) texts.set(rung, parsed)
  }
  return texts
}

function parseSensitive(
  report: Report,
  path: string,
  value: unknown,
  ladders: readonly (readonly string[])[],
): boolean | readonly string[] | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  const given = ownElements(value, 64) ?? [value]
  const starts: string[] = []
  for (const rung of given) {
    const on = ladders.findIndex((rungs) => rungs.includes(rung as string))
    if (on < 0) report.add(path, `there is no rung ${quoted(rung)} on this resource`)
    else if (starts.some((start) => ladders[on]!.includes(start))) {
      report.add(path, `names two rungs of one ladder; the lower one says it all`)
    } else starts.push(rung as string)
  }
  return starts
}
