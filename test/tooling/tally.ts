import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from './exports.js'

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly success: boolean
}

// A suite that died before it could report, failed outside its tests, or left some out, is one failure.
let passed = 0
let failed = 0
for (const name of ['tests', 'gates']) {
  const file = join(projectRoot, 'reports', `${name}.json`)
  if (!existsSync(file)) {
    console.log(`${name}: no report was written`)
    failed += 1
    continue
  }
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report
  const skipped = report.numPendingTests + report.numTodoTests
  console.log(`${name}: ${report.numPassedTests} passed, ${report.numFailedTests} failed, ${skipped} skipped`)
  passed += report.numPassedTests
  failed += report.numFailedTests
  if ((!report.success || skipped > 0) && report.numFailedTests === 0) failed += 1
  if (report.numPassedTests === 0 && report.numFailedTests === 0) failed += 1
}
if (failed === 0 && process.argv[2] === '1') failed = 1
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
