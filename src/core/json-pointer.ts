/** The longest pointer that is looked at, in characters. */
const maxLength = 500

/** Says whether a value is a JSON pointer (RFC 6901, 3): empty, or steps that each begin with a slash. */
export function isPointer(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= maxLength &&
    /^(?:\/(?:[^~/]|~[01])*)*$/u.test(value) &&
    !/[\0\p{Surrogate}]/u.test(value)
  )
}

/** The steps of a pointer, unescaped (RFC 6901, 4). */
export function pointerSteps(pointer: string): readonly string[] {
  return pointer === ''
    ? []
    : pointer
        .slice(1)
        .split('/')
        .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** The pointer of some steps. */
export function formatPointer(steps: readonly string[]): string {
  return steps.map((step) => `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Says whether steps are those of a pattern, in which `*` stands for any one step. */
export function matchesSteps(pattern: readonly string[], steps: readonly string[]): boolean {
  return pattern.length === steps.length && pattern.every((step, i) => step === '*' || step === steps[i])
}
