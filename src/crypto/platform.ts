/**
 * The few globals this floor reaches, by their structure: no type of Node or of the browser is
 * needed to compile it, and anything missing is found to be missing instead of throwing.
 */
export interface Platform {
  readonly crypto: { getRandomValues(bytes: Uint8Array): unknown }
  readonly process?: { readonly getBuiltinModule?: (name: string) => unknown }
  readonly TextEncoder: new () => { encode(text: string): Uint8Array }
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string }
}

/** The runtime this code found itself in. */
export const platform = globalThis as unknown as Platform
