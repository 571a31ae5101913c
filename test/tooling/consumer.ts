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

/** A test file for Jest: every subpath is there, a key is created and checked, and there is one KeyrungError. */
export function jestConsumer(specifiers: readonly string[]): string {
  const imports = specifiers.map((specifier, index) => `import * as entry${index} from '${specifier}'`)
  return `import { expect, test } from '@jest/globals'
    import { randomBytes } from 'node:crypto'
    import { KeyrungError, createKeyrung, defineCatalog, ladders, memoryStore } from 'keyrung'
    ${imports.join('\n')}

    test('a key is created and checked', async () => {
      for (const entry of [${specifiers.map((_, index) => `entry${index}`).join(', ')}])
        expect(Object.keys(entry).length).toBeGreaterThan(0)
      const keyrung = createKeyrung({
        catalog: defineCatalog({ resources: { contacts: { ladder: ladders.crud } } }),
        keys: { prefix: 'acme' },
        store: memoryStore(),
        secret: randomBytes(32).toString('base64'),
      })
      await keyrung.ready()
      const ann = { type: 'user', id: 'ann', role: 'admin', workspaceId: 'one' } as const
      const { secret } = await keyrung.keys.create(ann, { name: 'CI', scopes: ['contacts:read'] })
      const known = await keyrung.authenticate(secret)
      expect(known.ok && known.principal.keyName).toBe('CI')
      await expect(keyrung.keys.get(ann, 'key_none')).rejects.toBeInstanceOf(KeyrungError)
      await keyrung.close()
    })
  `
}

/** The settings under which a user's project compiles; declarations of dependencies are checked as well. */
export function consumerConfig(
  moduleResolution: 'nodenext' | 'node16' | 'node10' | 'bundler',
  types: readonly string[],
): string {
  const modules = { nodenext: 'nodenext', node16: 'node16', node10: 'commonjs', bundler: 'esnext' } as const
  return JSON.stringify({
    compilerOptions: {
      target: 'ES2022',
      lib: types.length > 0 ? ['ES2023'] : ['ES2022', 'WebWorker'],
      module: modules[moduleResolution],
      moduleResolution,
      // The resolution that TypeScript 5 takes with `module: commonjs`.
      ...(moduleResolution === 'node10' && { ignoreDeprecations: '6.0' }),
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      types,
    },
    files: ['main.ts'],
  })
}
