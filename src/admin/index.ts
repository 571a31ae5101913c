export { createAdmin } from './handler.js'
export type { AdminOptions } from './handler.js'
export type { ActorHook } from './caller.js'
