import { runProgram } from '../telling/program.js'
import { startInstances, type Instances } from './instances.js'
import { tellStory } from './story.js'

runProgram<Instances>({
  command: 'npm run start:two-instances',
  port: 3010,
  async start(port, print) {
    const instances = await startInstances(port)
    const { a, b, database } = instances
    const server = database.isOwn ? 'a PostgreSQL of its own' : 'the PostgreSQL at DATABASE_URL'
    print(`Two instances on ${server}, in schema ${database.schema}:`)
    print(`A at ${a.url} (process ${a.pid}), B at ${b.url} (process ${b.pid})`)
    return instances
  },
  tell: tellStory,
  nextSteps: ({ a, b, operatorToken }) => [
    `A is up at ${a.url}, B at ${b.url} (this machine only). Stop them with Ctrl-C.`,
    '',
    'Make a key on A, use it on B, revoke it on A:',
    `  operator=${operatorToken}`,
    `  curl ${a.url}/admin/keys -H "authorization: Bearer $operator" --json '{"name":"Mine","scopes":["contacts:read"]}'`,
    `  curl ${b.url}/contacts -H 'authorization: Bearer …the secret…'`,
    `  curl ${a.url}/admin/keys/…the id…/revoke -H "authorization: Bearer $operator" --json '{"reason":"Done"}'`,
    `  curl ${a.url}/demo/plan -H "authorization: Bearer $operator" --json '{"plan":"free"}'    # until "pro"`,
  ],
})
