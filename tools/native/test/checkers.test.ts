import { expect, it } from 'vitest'
import { blocksAbout } from '../src/checkers.ts'

it('what Valgrind finds counts where the binary is on the stack', () => {
  const output = `==7== Invalid read of size 1
==7==    at 0x1: v8::internal::Something (in /usr/bin/node)
==7==
fuzz: seed 1, ok
==7== 24 bytes in 1 blocks are definitely lost in loss record 1 of 2
==7==    at 0x2: calloc (in /usr/libexec/valgrind/vgpreload_memcheck.so)
==7==    by 0x3: js_map (mapping.c:120) (in /tmp/x/build/mmap-io.node)
==7== 
==7== Conditional jump
==7==    at 0x4: node::Start (in /usr/bin/node)`
  expect(blocksAbout(output, 'mmap-io.node')).toEqual([expect.stringContaining('js_map')])
  expect(blocksAbout(output, 'io_uring-node.node')).toEqual([])
})
