import { Application, LogLevel } from 'typedoc'
import { projectRoot, publicEntries } from './exports.js'

/** Writes the reference of all public entries to docs/api; a warning is a failure. */
const app = await Application.bootstrapWithPlugins({
  name: 'keyrung',
  entryPoints: publicEntries().map((entry) => `${projectRoot}/${entry.source}`),
  tsconfig: `${projectRoot}/tsconfig.json`,
  out: `${projectRoot}/docs/api`,
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  // What Node and the frameworks declare is documented there.
  excludeExternals: true,
  // Tables and types that only serve to write another type down; the other type says it all.
  intentionallyNotExported: [
    ...['errorTexts', 'lifecycles'],
    ...['OfType', 'PermissionIn', 'RungsByResource', 'SharedInput'],
  ],
  skipErrorChecking: true,
  treatWarningsAsErrors: true,
  disableSources: true,
  logLevel: LogLevel.Warn,
})
const project = await app.convert()
if (project !== undefined) {
  app.validate(project)
  await app.generateOutputs(project)
}
const failed = project === undefined || app.logger.hasErrors() || app.logger.hasWarnings()
if (!failed) console.log(`reference of ${publicEntries().length} entries written to docs/api`)
process.exitCode = failed ? 1 : 0
