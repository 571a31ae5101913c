import { invalid } from '../core/errors.js'
import type { Demand } from '../core/demand.js'
import type { AdmissionRequest } from './admission.js'

/** Demands an object of a host's code. @throws KeyrungError `input_invalid` */
export function demandObject<T>(value: T, path: string): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('input_invalid', [{ path, message: 'must be an object' }])
  }
  return value
}

/** Demands a request as admission sees it. @throws KeyrungError `input_invalid` */
export function demandRequest(request: AdmissionRequest): AdmissionRequest {
  const given: Partial<AdmissionRequest> | null | undefined = request
  if (!Array.isArray(given?.authorization)) {
    const message = 'must be an object with authorization, the list of that header’s values'
    throw invalid('input_invalid', [{ path: 'request', message }])
  }
  return request
}

/** Demands what `keyrung.demand` has made. @throws KeyrungError `input_invalid` */
export function demandDemand(demand: Demand): Demand {
  const given: Partial<Demand> | null | undefined = demand
  if (!Array.isArray(given?.permissions)) {
    throw invalid('input_invalid', [{ path: 'demand', message: 'must be what keyrung.demand made' }])
  }
  return demand
}
