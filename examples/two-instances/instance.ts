import { beChild } from './child.js'
import { startHost } from './host.js'

/** One of the two processes. */
beChild(() =>
  startHost({
    name: read('INSTANCE'),
    port: Number(read('INSTANCE_PORT')),
    databaseUrl: read('DATABASE_URL'),
    schema: read('SCHEMA'),
    secret: read('KEYRUNG_SECRET'),
    operatorToken: read('OPERATOR_TOKEN'),
  }),
)

function read(name: string): string {
  const value = process.env[name]
  if (!value) throw new Error(`${name} is not set`)
  return value
}
