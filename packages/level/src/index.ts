export { KeyvWalrus, type KeyvWalrusOptions } from './keyv-walrus.ts'
export { WalrusLevel, type WalrusLevelOptions } from './walrus-level.ts'
