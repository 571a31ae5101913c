import { runProgram } from '../telling/program.js'
import { startHost } from './host.js'
import { tellStory } from './story.js'
import { makeTryOutKey, tryOutLines } from './try-out.js'

runProgram({
  command: 'npm start',
  port: 3000,
  async start(port, print) {
    const dataDir = process.env['DATA_DIR'] || '.data/trustpager'
    const host = await startHost({ dataDir, port })
    print(`TrustPager: ${host.routes.length} guarded routes at ${host.url}, data in ${dataDir}`)
    if (host.folder.isNew)
      print(`Made a secret for this host: ${host.folder.secretPath} (readable by you only)`)
    return host
  },
  tell: ({ url }, print) => tellStory(url, print),
  async nextSteps({ url }, wentAsTold) {
    return wentAsTold
      ? tryOutLines(url, await makeTryOutKey(url))
      : [`TrustPager is up at ${url} all the same. Stop it with Ctrl-C.`]
  },
})
