import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node'

/** Ends a run by naming each group of tests that was left out, and why. */
export class LeftOutReporter implements Reporter {
  readonly #print: (text: string) => void

  constructor(print: (text: string) => void = (text) => void process.stdout.write(text)) {
    this.#print = print
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const groups = new Map<string, string[]>()
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const suite = leftOutSuite(test)
        if (suite === undefined) continue
        const title = `${suite.meta().leftOut}`
        groups.set(title, [...(groups.get(title) ?? []), `${module.relativeModuleId}: ${test.fullName}`])
      }
    }
    for (const [reason, names] of groups) {
      this.#print(`\nLeft out, ${names.length} in number, as ${reason}\n${names.map(line).join('')}`)
    }
  }
}

function line(name: string): string {
  return `  ${name}\n`
}

/** The group whose server was missing, around a test. */
function leftOutSuite(test: TestCase): TestSuite | undefined {
  for (let place: TestSuite | TestModule = test.parent; place.type === 'suite'; place = place.parent) {
    if (place.meta().leftOut !== undefined) return place
  }
  return undefined
}
