export { type Outcome, SimulatedDisk, type SimulatedDiskOptions } from './disk.ts'
export { SIMULATION_ERROR_CODES, type SimulationErrorCode } from './errors.ts'
export type { BegunCall, Call, CallKind, End, Fault } from './kernel.ts'
export {
  type DataLoss,
  LOSSES,
  type Loss,
  type LossName,
  type NameLoss,
  type SizeLoss,
} from './loss.ts'
export type { SimulatedStorage } from './process.ts'
export { pick, type Random, randomFrom } from './random.ts'
