/**
 * Which records of the stream still count: a bit for each position, in pieces that are dropped when they are empty.
 *
 * While snapshots are held, what stopped counting since goes on counting, for they may still read it.
 */

const PIECE_POSITIONS = 0x1_0000

interface Piece {
  readonly bits: Uint32Array
  count: number
}

export class LivePositions {
  readonly #pieces = new Map<number, Piece>()
  #held: number[] = []
  #lastNumber = -1
  #last: Piece | undefined

  has(position: number): boolean {
    const piece = this.#pieces.get(Math.floor(position / PIECE_POSITIONS))
    const bit = position % PIECE_POSITIONS
    return piece !== undefined && (piece.bits[bit >>> 5]! & (1 << (bit & 31))) !== 0
  }

  /** The lowest one there is; `undefined` when there is none. */
  get first(): number | undefined {
    let lowest = Number.POSITIVE_INFINITY
    for (const number of this.#pieces.keys()) if (number < lowest) lowest = number
    const piece = this.#pieces.get(lowest)
    if (piece === undefined) return undefined
    const word = piece.bits.findIndex((bits) => bits !== 0)
    const bit = 31 - Math.clz32(piece.bits[word]! & -piece.bits[word]!)
    return lowest * PIECE_POSITIONS + word * 32 + bit
  }

  add(position: number): void {
    const piece = this.#pieceOf(position)
    const bit = position % PIECE_POSITIONS
    piece.bits[bit >>> 5]! |= 1 << (bit & 31)
    piece.count++
  }

  /**
   * Takes a position away that is there.
   * @param held whether somebody may still read it: until `released`
   */
  remove(position: number, held: boolean): void {
    if (held) {
      this.#held.push(position)
      return
    }
    const piece = this.#pieceOf(position)
    const bit = position % PIECE_POSITIONS
    piece.bits[bit >>> 5]! &= ~(1 << (bit & 31))
    piece.count--
    if (piece.count > 0) return
    this.#pieces.delete(Math.floor(position / PIECE_POSITIONS))
    this.#lastNumber = -1
  }

  /** Nobody reads any more what stopped counting. */
  released(): void {
    const held = this.#held
    this.#held = []
    for (const position of held) this.remove(position, false)
  }

  #pieceOf(position: number): Piece {
    const number = Math.floor(position / PIECE_POSITIONS)
    if (number === this.#lastNumber) return this.#last!
    let piece = this.#pieces.get(number)
    if (piece === undefined) {
      piece = { bits: new Uint32Array(PIECE_POSITIONS / 32), count: 0 }
      this.#pieces.set(number, piece)
    }
    this.#lastNumber = number
    this.#last = piece
    return piece
  }
}
