/** What stands for the members of an object that a document leaves out. */
const leftOut = '…'

/** Reads JSON as documents show it: with `…` for members that are left out, and for the middle of a text. */
export function readElided(text: string): unknown {
  const whole = text.replace(/"(?:[^"\\]|\\.)*"|[^"]+/g, (part) =>
    part.startsWith('"') ? part : part.replace(/,?\s*…\s*,?/g, `,"${leftOut}":0,`),
  )
  return JSON.parse(
    whole.replaceAll(`{,"${leftOut}"`, `{"${leftOut}"`).replaceAll(`"${leftOut}":0,}`, `"${leftOut}":0}`),
  )
}

/**
 * Says where what a document shows is not what is answered; empty where it is. Names have to be the same, in the same
 * order, and values too; of a text that is cut short, the kind of id.
 */
export function differences(shown: unknown, answered: unknown, path = ''): readonly string[] {
  if (typeof shown === 'string' && shown.includes(leftOut)) {
    const kind = /^(?:[a-z]+_)?/.exec(shown)![0]
    return typeof answered === 'string' && answered.startsWith(kind) ? [] : [`${path}: is no ${shown}`]
  }
  if (!isObject(shown) || !isObject(answered)) {
    return Object.is(shown, answered)
      ? []
      : [`${path}: ${JSON.stringify(shown)} is shown, ${JSON.stringify(answered)} answered`]
  }
  const [names, known] = [Object.keys(shown).filter((name) => name !== leftOut), Object.keys(answered)]
  const expected = leftOut in shown ? known.filter((name) => names.includes(name)) : known
  if (names.join() !== expected.join())
    return [`${path}: ${names.join()} is shown, ${expected.join()} answered`]
  return names.flatMap((name) => differences(shown[name], answered[name], `${path}/${name}`))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
