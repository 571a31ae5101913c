import { createReport, joined, quoted, type Report } from './definition-report.js'
import { invalid } from './errors.js'
import { isName, maxNameLength } from './name.js'
import { parseResource, parseText, type ParsedResource } from './resource-faults.js'

/** A group definition that has been read and checked. */
export interface ParsedGroup {
  readonly name: string
  readonly label: string | undefined
  readonly sensitive: boolean
}

/** A catalogue definition that has been read and checked: every name valid, every reference resolved. */
export interface ParsedDefinition {
  readonly groups: readonly ParsedGroup[]
  readonly resources: readonly ParsedResource[]
  readonly renamed: ReadonlyMap<string, string>
}

/** Most slots, that is ladders of all resources together, a catalogue may have. */
const maxSlots = 1_024

/**
 * Reads a catalogue definition once, from own properties only.
 *
 * @throws KeyrungError `catalog_invalid` with all mistakes at once, each with its path
 */
export function parseDefinition(definition: unknown): ParsedDefinition {
  const report = createReport()
  const given = report.properties('', definition, ['groups', 'resources', 'renamed'])
  if (given === undefined) throw invalid('catalog_invalid', report.faults)
  const groups = parseGroups(report, given.get('groups'))
  const resources = parseResources(report, given.get('resources'), new Set(groups.map(({ name }) => name)))
  const renamed = parseRenamed(report, given.get('renamed'), new Set(resources.map(({ name }) => name)))
  if (report.faults.length > 0) throw invalid('catalog_invalid', report.faults)
  return { groups, resources, renamed }
}

function parseGroups(report: Report, value: unknown): readonly ParsedGroup[] {
  if (value === undefined) return []
  return [...(report.properties('groups', value) ?? [])].map(([name, group]) => {
    const path = joined('groups', name)
    reportName(report, path, name)
    const given = report.properties(path, group, ['label', 'sensitive'])
    const sensitive = given?.get('sensitive') ?? false
    if (typeof sensitive !== 'boolean') report.add(`${path}.sensitive`, 'must be true or false')
    return {
      name,
      label: parseText(report, `${path}.label`, given?.get('label')),
      sensitive: sensitive === true,
    }
  })
}

function parseResources(
  report: Report,
  value: unknown,
  groups: ReadonlySet<string>,
): readonly ParsedResource[] {
  if (value === undefined) {
    report.add('resources', 'is missing; a catalogue protects at least one resource')
    return []
  }
  const given = report.properties('resources', value)
  if (given === undefined) return []
  if (given.size === 0) {
    report.add('resources', 'is empty; a catalogue protects at least one resource')
  }
  const resources = [...given].map(([name, resource]) => {
    const path = joined('resources', name)
    reportName(report, path, name)
    return parseResource(report, path, name, resource, groups)
  })
  const slots = resources.reduce((sum, { ladders }) => sum + ladders.length, 0)
  if (slots > maxSlots) report.add('resources', `there are ${slots} ladders in all; the most is ${maxSlots}`)
  return resources
}

function parseRenamed(
  report: Report,
  value: unknown,
  live: ReadonlySet<string>,
): ReadonlyMap<string, string> {
  const renamed = new Map<string, string>()
  if (value === undefined) return renamed
  const given = report.properties('renamed', value) ?? renamed
  for (const [old, target] of given) {
    const path = joined('renamed', old)
    reportName(report, path, old)
    if (live.has(old)) report.add(path, 'is the name of a resource of today, so it cannot be an old one too')
    if (typeof target === 'string' && live.has(target)) renamed.set(old, target)
    else if (typeof target === 'string' && given.has(target)) {
      report.add(path, `leads to ${quoted(target)}, an old name itself; give the name of today`)
    } else report.add(path, `there is no resource ${quoted(target)} to lead to`)
  }
  return renamed
}

function reportName(report: Report, path: string, name: string): void {
  if (isName(name)) return
  report.add(
    path,
    `${quoted(name)} cannot be a name: lower-case letters and digits joined by "-", "_" or ".", ` +
      `at most ${maxNameLength} characters`,
  )
}
