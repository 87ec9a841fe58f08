/**
 * One line on standard error that says how far long work is. Only where standard error is a terminal, and only
 * once the work has taken a second; it is wiped before anything else is printed.
 */
import { formatBytes, formatDuration } from './format.ts'

const FIRST_AFTER_MS = 1000
const EVERY_MS = 200
const WIPE = '\r\u001b[K'

export class Progress {
  readonly #doing: string
  readonly #started = performance.now()
  #total: number | undefined
  readonly #timer: NodeJS.Timeout | undefined
  #done = 0
  #nextAt = this.#started + FIRST_AFTER_MS
  #shown = false

  /**
   * @param doing what is done, as in `reading`
   * @param total bytes there are to do, where that is known
   * @param isWanted false where the line would run into something else on the same terminal
   */
  constructor(doing: string, total?: number, isWanted = true) {
    this.#doing = doing
    this.#total = total
    if (process.stderr.isTTY && isWanted)
      this.#timer = setInterval(() => this.#tick(), EVERY_MS).unref()
  }

  get elapsedMs(): number {
    return performance.now() - this.#started
  }

  /** Says that `bytes` are done in all, and how many there are where that is known only now. */
  update(bytes: number, total: number | undefined = this.#total): void {
    this.#done = bytes
    this.#total = total
    this.#tick()
  }

  /** Wipes the line for good. */
  end(): void {
    clearInterval(this.#timer)
    this.#nextAt = Number.POSITIVE_INFINITY
    if (this.#shown) process.stderr.write(WIPE)
    this.#shown = false
  }

  #tick(): void {
    if (this.#timer === undefined || performance.now() < this.#nextAt) return
    this.#nextAt = performance.now() + EVERY_MS
    this.#shown = true
    process.stderr.write(`${WIPE}${this.#line()}`)
  }

  #line(): string {
    const seconds = this.elapsedMs / 1000
    const rate = this.#done / seconds
    const parts = [`${this.#doing} ${formatBytes(this.#done)}`, `${formatBytes(rate)}/s`]
    if (this.#total !== undefined && this.#total > 0 && this.#done > 0) {
      const part = Math.min(1, this.#done / this.#total)
      parts[0] += ` of ${formatBytes(this.#total)} (${Math.floor(part * 100)} %)`
      parts.push(`${formatDuration((seconds * (1 - part)) / part)} left`)
    } else {
      parts.push(formatDuration(seconds))
    }
    return parts.join(', ')
  }
}
