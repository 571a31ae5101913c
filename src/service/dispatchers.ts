import { invalid } from '../core/errors.js'
import { isName, maxNameLength } from '../core/name.js'
import type { Dispatcher } from './replay.js'

/** The apps of the host's that stored requests can be dispatched into, in this process. */
export interface Dispatchers {
  /** @throws KeyrungError `config_invalid` for a name that is none, and where an app or a name is attached twice */
  attach(dispatcher: Dispatcher): void
  /** The app that a guard stands in, by the framework's own object. */
  find(app: object): Dispatcher | undefined
  named(name: string): Dispatcher | undefined
  /** In the order they were attached in. */
  names(): readonly string[]
}

/** Makes the register of apps; what is attached once stays. */
export function createDispatchers(): Dispatchers {
  const byName = new Map<string, Dispatcher>()
  const byApp = new WeakMap<object, Dispatcher>()

  return {
    attach(dispatcher) {
      if (typeof dispatcher !== 'object' || dispatcher === null) throw noDispatcher()
      const { name, app } = dispatcher
      if (!isName(name)) throw refused(`must be lower-case words, at most ${maxNameLength} characters`)
      // A request that was queued in one app must never run in another.
      if (byName.has(name)) throw refused('is the name of an app that is attached already')
      if (byApp.has(app)) throw refused('is a second name for an app that is attached already')
      byName.set(name, dispatcher)
      byApp.set(app, dispatcher)
    },
    find: (app) => byApp.get(app),
    named: (name) => byName.get(name),
    names: () => [...byName.keys()],
  }
}

function noDispatcher(): Error {
  return invalid('config_invalid', [{ path: 'dispatcher', message: 'must be an object' }])
}

function refused(message: string): Error {
  return invalid('config_invalid', [{ path: 'name', message }])
}
