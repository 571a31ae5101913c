import type { PermissionUsage } from 'keyrung'
import { markdownTable } from './markdown-table.js'
import { permissionReference } from './permission-table.js'

/** What became of the calls that demanded one permission. */
export interface UsedPermission {
  readonly permission: string
  /** What it allows, in the words of the permission reference. */
  readonly allows: string
  readonly allowed: number
  readonly refused: number
  /** Refused for a limit, and for nothing else. */
  readonly limited: number
}

const titles = ['Permission', 'Allows', 'Allowed', 'Refused', 'Over a limit'] as const

/** Usage by the permission reference: all of it, as an audit also asks what nobody used. */
export function usedPermissions(rows: readonly PermissionUsage[]): readonly UsedPermission[] {
  const rungs = permissionReference.flatMap(({ resources }) =>
    resources.flatMap(({ ladders }) => ladders.flat()),
  )
  return rungs.map(({ scope: permission, description }) => {
    const callsOf = (outcome: PermissionUsage['outcome']): number =>
      rows
        .filter((row) => row.permission === permission && row.outcome === outcome)
        .reduce((sum, { calls }) => sum + calls, 0)
    return {
      permission,
      allows: description ?? '',
      allowed: callsOf('allow'),
      refused: callsOf('deny'),
      limited: callsOf('limited'),
    }
  })
}

/** The same as a Markdown table. */
export function usageTable(used: readonly UsedPermission[]): string {
  const rows = used.map(({ permission, allows, allowed, refused, limited }) => [
    ...[permission, allows],
    ...[allowed, refused, limited].map(String),
  ])
  return markdownTable(titles, rows)
}
