import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The text of a file of the project, by its path from the top. */
export function readText(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), 'utf8')
}

/** The rows of a page's table, as cells, without the head and the rule below it; it stands between two marks. */
export function rowsOf(page: string, mark: string): readonly (readonly string[])[] {
  const text = readText(`docs/${page}`)
  return text
    .slice(text.indexOf(`<!-- ${mark} -->`), text.indexOf(`<!-- /${mark} -->`))
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
}
