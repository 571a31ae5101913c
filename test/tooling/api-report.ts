import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot, publicEntries } from './exports.js'
import { runTool } from './run.js'

/** The entries whose API is kept as a report. */
export const reportedEntries = ['keyrung', 'keyrung/testing'] as const

/** Where the reports are kept; they are read in reviews. */
export const reportFolder = join(projectRoot, 'test/tooling/api')

/** The file name of an entry's report. */
export function reportName(specifier: string): string {
  return `${specifier.replaceAll('/', '-')}.api.md`
}

/**
 * Writes the report of each entry into a folder.
 *
 * @throws Error when the sources do not compile or the extractor finds an error
 */
export function writeApiReports(folder: string): void {
  // Declarations straight from the compiler: those of the build carry hashes in their names. They may not lie
  // in node_modules, whose content the extractor takes for somebody else's and leaves out.
  const work = join(projectRoot, 'reports/declarations')
  rmSync(work, { recursive: true, force: true })
  const emitted = runTool('tsc', ['-p', 'test/tooling/tsconfig.declarations.json', '--outDir', work])
  if (!emitted.ok) throw new Error(`the declarations cannot be made:\n${emitted.output}`)
  mkdirSync(folder, { recursive: true })
  for (const specifier of reportedEntries) writeReport(specifier, work, folder)
}

function writeReport(specifier: string, work: string, folder: string): void {
  const entry = publicEntries().find((candidate) => candidate.specifier === specifier)
  if (entry === undefined) throw new Error(`${specifier} is not exported`)
  const config = ExtractorConfig.prepare({
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectRoot, 'package.json'),
    configObject: {
      projectFolder: projectRoot,
      mainEntryPointFilePath: join(work, `${entry.name}.d.ts`),
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        reportFileName: reportName(specifier),
        reportFolder: folder,
        reportTempFolder: join(work, 'reports'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      compiler: {
        overrideTsconfig: {
          compilerOptions: {
            strict: true,
            target: 'es2022',
            module: 'nodenext',
            skipLibCheck: true,
            types: ['node'],
          },
        },
      },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        extractorMessageReporting: {
          default: { logLevel: ExtractorLogLevel.None },
          'ae-forgotten-export': { logLevel: ExtractorLogLevel.Warning, addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  })
  const faults: string[] = []
  const result = Extractor.invoke(config, {
    localBuild: true,
    messageCallback: (message) => {
      if (message.logLevel === ExtractorLogLevel.Error) faults.push(message.text)
      message.handled = true
    },
  })
  if (faults.length > 0 || result.errorCount > 0) throw new Error(`${specifier}: ${faults.join('\n')}`)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeApiReports(reportFolder)
  console.log(`API reports written to ${reportFolder}`)
}
