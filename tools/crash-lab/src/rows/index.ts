/** The rows of the table, in its order. Importing this does nothing. */

import type { Row } from '../plan.ts'
import { again } from './again.ts'
import { codec } from './codec.ts'
import { crash } from './crash.ts'
import { sharing } from './sharing.ts'

export const ROWS: readonly Row[] = [crash, again, sharing, codec]
