import { cpSync, mkdirSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectRoot, readManifest } from './exports.js'

/**
 * Makes a project that has installed the packed package, with its dependencies and peers and nothing else:
 * what the package takes from elsewhere is then not found.
 */
export function installPacked(root: string, folder: string, extra: readonly string[] = []): void {
  const { dependencies, peerDependencies } = readManifest()
  mkdirSync(join(root, 'node_modules'), { recursive: true })
  cpSync(folder, join(root, 'node_modules/keyrung'), { recursive: true })
  for (const name of [...Object.keys(dependencies), ...Object.keys(peerDependencies), ...extra]) {
    const place = join(root, 'node_modules', name)
    mkdirSync(dirname(place), { recursive: true })
    symlinkSync(join(projectRoot, 'node_modules', name), place)
  }
}

/** A CommonJS program that requires every subpath and looks for a second KeyrungError. */
export function commonJsConsumer(specifiers: readonly string[]): string {
  return `
    const { KeyrungError } = require('keyrung')
    const seen = { subpaths: [], throwing: [], strangers: [] }
    process.on('unhandledRejection', () => {})

    async function main() {
      for (const specifier of ${JSON.stringify(specifiers)}) {
        const required = require(specifier)
        const imported = await import(specifier)
        if (Object.keys(required).length === 0) throw new Error(specifier + ' exports nothing')
        for (const name of Object.keys(required))
          if (required[name] !== imported[name]) throw new Error(specifier + ' has two of ' + name)
        seen.subpaths.push(specifier)
        await provoke(specifier, required)
      }
      process.stdout.write(JSON.stringify(seen))
      process.exit(0)
    }

    // What is called without its arguments refuses: with the one KeyrungError that everybody imports.
    async function provoke(specifier, required) {
      for (const name of Object.keys(required).sort()) {
        if (typeof required[name] !== 'function') continue
        try {
          const answer = required[name]()
          if (answer instanceof Promise) await Promise.race([answer, new Promise((done) => setTimeout(done, 500))])
        } catch (error) {
          if (error?.name !== 'KeyrungError') continue
          const place = specifier + ' ' + name
          if (error instanceof KeyrungError) seen.throwing.push(place)
          else seen.strangers.push(place)
        }
      }
    }

    main().catch((error) => {
      console.error(error)
      process.exit(1)
    })
  `
}

/** A TypeScript program that imports every subpath. */
export function typedConsumer(specifiers: readonly string[]): string {
  const imports = specifiers.map((specifier, index) => `import * as entry${index} from '${specifier}'`)
  return `${imports.join('\n')}
    import { KeyrungError, type ErrorCode } from 'keyrung'
    export const entries = [${specifiers.map((_, index) => `entry${index}`).join(', ')}]
    export function codeOf(error: unknown): ErrorCode | undefined {
      return error instanceof KeyrungError ? error.code : undefined
    }
    // @ts-expect-error a code that does not exist: without types everything would pass
    export const wrong: ErrorCode = 'no_such_code'
  `
}

/** The settings under which a user's project compiles; declarations of dependencies are checked as well. */
export function consumerConfig(moduleResolution: 'nodenext' | 'bundler', types: readonly string[]): string {
  return JSON.stringify({
    compilerOptions: {
      target: 'ES2022',
      lib: types.length > 0 ? ['ES2023'] : ['ES2022', 'WebWorker'],
      module: moduleResolution === 'nodenext' ? 'nodenext' : 'esnext',
      moduleResolution,
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types,
    },
    files: ['main.ts'],
  })
}
