import { Generations } from './generations.js'

/** Makes a function that remembers the answers it recently gave, at most `max` of them. */
export function createBounded<V>(max: number, make: (key: string) => V): (key: string) => V {
  const known = new Generations<V>(max)
  return (key) => {
    const found = known.use(key)
    if (found !== undefined) return found
    const made = make(key)
    known.set(key, made)
    return made
  }
}
