import { runProgram } from '../telling/program.js'
import { startHost } from './host.js'
import { permissionReference, permissionTable } from './permission-table.js'
import { routes } from './routes.js'
import { tellStory } from './story.js'

runProgram({
  command: 'npm run start:trustpair',
  port: 3001,
  async start(port, print) {
    const dataDir = process.env['DATA_DIR'] || '.data/trustpair'
    const host = await startHost({ dataDir, port })
    print(`Trustpair: ${routes.length} guarded routes at ${host.url}, data in ${dataDir}\n`)
    print(permissionTable(permissionReference))
    return host
  },
  tell: ({ url }, print) => tellStory(url, print),
  nextSteps: ({ url }) => [
    `Trustpair is up at ${url} (this machine only). Stop it with Ctrl-C.`,
    '',
    'The permission reference, for people and for programs:',
    `  curl ${url}/permissions.md`,
    `  curl ${url}/permissions`,
    '',
    'Tokens are made by admins: log in as mara (of meridian) or tove (of tessera), and make one.',
    `  curl -c jar ${url}/demo/login --json '{"user":"mara"}'`,
    `  curl -b jar ${url}/offer`,
    `  curl -b jar ${url}/admin/keys --json '{"name":"Mine","scopes":["tags:write"]}'`,
    `  curl ${url}/tags -H 'authorization: Bearer …the secret…' --json '{"name":"urgent"}'`,
    `  curl -b jar ${url}/usage.md`,
    `  curl -b jar ${url}/demo/subscription --json '{"modules":["m1","m2","m3"]}'`,
  ],
})
