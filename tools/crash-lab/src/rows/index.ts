/** The rows of the table, in its order. Importing this does nothing. */

import type { Row } from '../plan.ts'
import { again } from './again.ts'
import { codec } from './codec.ts'
import { crash } from './crash.ts'
import { damage } from './damage.ts'
import { evidence } from './evidence.ts'
import { fail } from './fail.ts'
import { fd } from './fd.ts'
import { history } from './history.ts'
import { hostile } from './hostile.ts'
import { kv } from './kv.ts'
import { late } from './late.ts'
import { model } from './model.ts'
import { repairs } from './repair.ts'
import { sharing } from './sharing.ts'
import { topics } from './topics.ts'
import { views } from './views.ts'

export const ROWS: readonly Row[] = [
  crash,
  again,
  damage,
  hostile,
  fail,
  late,
  model,
  codec,
  sharing,
  evidence,
  history,
  views,
  repairs,
  topics,
  kv,
  fd,
]
