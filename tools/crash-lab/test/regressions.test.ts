/** Plans that once showed a violation. Each stays kept. */

import { expect, it } from 'vitest'
import { Counts, parsePlan } from '../src/plan.ts'
import { ROWS } from '../src/rows/index.ts'

it.for([
  [
    'a truncation with nothing to do, on a log that has failed',
    'history seed=84 durability=commit fault=EIO call=483',
  ],
  ['a reader that is opened while a writer comes and is killed', 'sharing seed=147'],
  ['a reader that looks where no log is yet, and then a part of one', 'sharing seed=296'],
  ['a reader whose segment the next writer takes over and moves away', 'sharing seed=117'],
  ['a reader that wants an entry while the next writer takes over its segment', 'sharing seed=108'],
  [
    'a directory whose name its maker did not come to sync',
    'fail steps=append:10 durability=commit fault=cut call=3',
  ],
  [
    'a log that is closed on a full disk, and writes what it could not keep when there is space',
    'fail steps=append:10,many:900,sync,append:70000,appendSync:41,reopen,batch:2000 durability=none fault=full call=24',
  ],
  [
    'zeros written ahead over a group that waited while the next segment was planned',
    'model seed=829',
  ],
  [
    'a log that is closed, and then an earlier note of how far it went comes back over the last one',
    'late seed=1 durability=interval slow=tail many=1 ms=300 way=overtaken end=reopened',
  ],
  [
    'a log that is closed while a sync that was done again is still under way',
    'late seed=2 durability=commit slow=sync many=1 ms=300 way=overtaken end=reopened',
  ],
  [
    'a reader whose last segment was removed before it had seen all of it',
    'history seed=134 durability=commit fault=none',
  ],
  [
    'a snapshot without the plain log, whose oldest segment is older than where it was cut',
    'history seed=73 durability=interval fault=none call=119 loss=tail',
  ],
  [
    'a cursor that is moved while where it was is being written',
    'topics seed=266 fault=none call=33 loss=kill',
  ],
  [
    'the bytes of a topic whose front was dropped before they were written down',
    'topics seed=817 fault=none call=17 loss=newest',
  ],
])('%s', async ([, text]) => {
  const { row, plan } = parsePlan(text!, ROWS)
  expect(await row.run(plan, new Counts())).toEqual([])
})
