/** The failures of a simulation itself. Those of the simulated disk have the codes of the storage contract. */

import { WalrusError } from '@walrus/codec'

/** Every code that this package throws beyond those of the storage contract. */
export const SIMULATION_ERROR_CODES = [
  /** Nothing can happen any more, and what was run still waits: it never ends. */
  'WALRUS_SIM_STALLED',
  /** More calls than `maxCalls`: what was run seems never to end. */
  'WALRUS_SIM_ENDLESS',
  /** A synchronous call of a process that was killed or lost power; it must not go on. */
  'WALRUS_SIM_STOPPED',
] as const

export type SimulationErrorCode = (typeof SIMULATION_ERROR_CODES)[number]

export function simulationError(
  code: SimulationErrorCode,
  message: string,
): WalrusError<SimulationErrorCode> {
  return new WalrusError(code, message)
}

export function invalidOption(message: string): WalrusError<'WALRUS_INVALID_OPTION'> {
  return new WalrusError('WALRUS_INVALID_OPTION', message)
}
