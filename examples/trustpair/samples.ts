import type { Records } from './records.js'
import { demoUsers } from './workspaces.js'

/** Payments come from the workspace's bank, not through the API; these two stand for them. */
const payments = [
  { id: 'pay_1', vendor: 'Hartmann Papier', amount: '1240.50', currency: 'EUR', paid_on: '2026-10-30' },
  { id: 'pay_2', vendor: 'Lindqvist Energi', amount: '89.00', currency: 'SEK', paid_on: '2026-11-02' },
]

/** Puts in what no route makes: the workspace's users, and payments that were paid. */
export function addSamples(records: Records, workspaceId: string): void {
  const add = (collection: string, id: string, fields: object): void => {
    const place = { workspaceId, collection }
    if (!records.find(place, id)) records.create(place, { ...fields }, id)
  }
  for (const { id, name, role } of demoUsers.filter((user) => user.workspaceId === workspaceId)) {
    add('users', id, { name, role })
  }
  for (const { id, ...fields } of payments) add('paid_payments', id, fields)
}
