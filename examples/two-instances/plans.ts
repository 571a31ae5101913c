import type { Entitlements } from 'keyrung'
import type { Pool } from 'pg'

/** Only `pro` includes the API. */
export const plans = ['free', 'pro'] as const
export type Plan = (typeof plans)[number]

/** The host's own table of what each workspace has paid for. */
export interface Plans {
  readonly entitlements: Entitlements<never>
  set(workspaceId: string, plan: Plan): Promise<void>
}

/** The table, with the one workspace of this demo. */
export function createPlans(schema: string): string {
  return `create table ${schema}.plans (workspace_id text primary key, plan text not null);
    insert into ${schema}.plans values ('acme', 'pro')`
}

/** Says whether a value names a plan. */
export function isPlan(value: unknown): value is Plan {
  return plans.includes(value as Plan)
}

/** The plans in the database that all instances share, and keyrung's hook on them. */
export function readPlans(pool: Pool, schema: string): Plans {
  return {
    entitlements: {
      async of(workspaceId) {
        const select = `select plan from ${schema}.plans where workspace_id = $1`
        const { rows } = await pool.query<{ plan: Plan }>(select, [workspaceId])
        return rows[0] ? { access: rows[0].plan === 'pro' } : null
      },
    },
    async set(workspaceId, plan) {
      await pool.query(`update ${schema}.plans set plan = $2 where workspace_id = $1`, [workspaceId, plan])
    },
  }
}
