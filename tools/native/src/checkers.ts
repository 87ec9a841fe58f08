// How each checker compiles the binary, runs a program with it, and says what it found.
import { execFileSync } from 'node:child_process'

export interface Checker {
  /** For $CC. */
  compiler: string
  /** Before the program. */
  prefix: string[]
  env: Record<string, string>
  /** Whether the vitest tests run, too. */
  vitest: boolean
  /** What stands in the output of a run, beside its exit status. */
  findings(output: string): string[]
}

const KINDS = ['asan', 'ubsan', 'valgrind'] as const

type Kind = (typeof KINDS)[number]

export function isChecker(kind: string): kind is Kind {
  return (KINDS as readonly string[]).includes(kind)
}

/** @param name of the package, and so of its binary */
export function checker(kind: Kind, name: string): Checker {
  switch (kind) {
    case 'asan':
      return {
        compiler: 'cc -g -fsanitize=address -fno-omit-frame-pointer',
        prefix: [],
        env: {
          // Node.js is not compiled for it, so it must be there before Node.js starts.
          LD_PRELOAD: library('libasan.so'),
          ASAN_OPTIONS: 'detect_leaks=0:quarantine_size_mb=8',
        },
        vitest: true,
        findings: () => [],
      }
    case 'ubsan':
      return {
        compiler: 'cc -g -fsanitize=undefined -fno-sanitize-recover=all',
        prefix: [],
        env: { UBSAN_OPTIONS: 'print_stacktrace=1' },
        vitest: true,
        findings: () => [],
      }
    case 'valgrind':
      return {
        compiler: 'cc -g',
        prefix: [
          'valgrind',
          '--quiet',
          '--leak-check=full',
          '--show-leak-kinds=definite',
          // V8 writes code as it runs.
          '--smc-check=all-non-file',
          '--num-callers=30',
        ],
        env: { WALRUS_TEST_SCALE: '0.05' },
        vitest: false,
        findings: (output) => blocksAbout(output, `${name}.node`),
      }
  }
}

function library(file: string): string {
  return execFileSync('cc', [`-print-file-name=${file}`], { encoding: 'utf8' }).trim()
}

/** The paragraphs of Valgrind's output (`==pid== text`) in which the binary is on the stack. */
export function blocksAbout(output: string, binary: string): string[] {
  const lines = output.split('\n').filter((line) => /^==\d+==/.test(line))
  const blocks = lines
    .join('\n')
    .split(/^==\d+== *$/m)
    .map((block) => block.trim())
  return blocks.filter((block) => block.includes(binary))
}
