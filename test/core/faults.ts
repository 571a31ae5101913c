import { expect } from 'vitest'
import { KeyrungError, type ErrorCode } from '../../src/core/errors.js'

/** The keyrung error a call ends in; anything else it does fails the test. */
export function errorOf(call: () => unknown): KeyrungError {
  try {
    call()
  } catch (error) {
    expect(error).toBeInstanceOf(KeyrungError)
    return error as KeyrungError
  }
  throw new Error('expected the call to throw')
}

/** The faults of the keyrung error a call ends in, as `path: message`. */
export function faultsOf(code: ErrorCode, call: () => unknown): string[] {
  const error = errorOf(call)
  expect(error.code).toBe(code)
  return error.faults.map(({ path, message }) => `${path}: ${message}`)
}
