import type { KeyFormat } from './key-format.js'

/** What secret scanners need to find an application's keys. */
export interface KeyScannerRules {
  /** Finds every key in a text; each match is a key's whole text, its checksum still to be checked by `parse`. */
  readonly regex: RegExp
  /** A rule for gitleaks, TOML to be appended to its configuration. */
  readonly gitleaks: string
  /** A configuration for secretlint with `@secretlint/secretlint-rule-pattern`, to be saved as `.secretlintrc.json`. */
  readonly secretlint: SecretlintConfig
}

/** As much of secretlint's configuration as is written here. */
export interface SecretlintConfig {
  readonly rules: readonly {
    readonly id: string
    readonly options: {
      readonly patterns: readonly { readonly name: string; readonly patterns: readonly string[] }[]
    }
  }[]
}

/**
 * Ready rules that keep an application's keys out of repositories.
 *
 * @example
 * ```ts
 * import { writeFile } from 'node:fs/promises'
 *
 * const rules = keyScannerRules(createKeyFormat({ prefix: 'tp', environments: ['live', 'test'] }))
 * await writeFile('.secretlintrc.json', JSON.stringify(rules.secretlint))
 * ```
 */
export function keyScannerRules(format: KeyFormat): KeyScannerRules {
  const { prefix, environments, pattern } = format
  const keywords = environments.map((environment) => `"${prefix}_${environment}_"`).join(', ')
  const gitleaks = `[[rules]]
id = "${prefix}-api-key"
description = "API key (${prefix}_…)"
regex = '''${pattern}'''
keywords = [${keywords}]
`
  const secretlint = {
    rules: [
      {
        id: '@secretlint/secretlint-rule-pattern',
        options: { patterns: [{ name: `${prefix} API key`, patterns: [`/${pattern}/`] }] },
      },
    ],
  }
  return { regex: new RegExp(pattern, 'g'), gitleaks, secretlint }
}
