/**
 * The sixteen lookup tables of slicing-16 CRC-32, shared by both of its users.
 *
 * Table k holds, for each byte, what that byte contributes to the register after k more bytes of
 * zeros have gone through it, so sixteen bytes are folded by sixteen independent lookups.
 *
 * Source: Kounavis and Berry, "A Systematic Approach to Building High Performance Software-Based
 * CRC Generators", 2005; the polynomial is that of IEEE 802.3, bits reversed.
 */

const POLYNOMIAL = 0xedb88320

function buildTables(): readonly Int32Array[] {
  const first = new Int32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let register = byte
    for (let bit = 0; bit < 8; bit++) {
      register = (register & 1) === 1 ? (register >>> 1) ^ POLYNOMIAL : register >>> 1
    }
    first[byte] = register
  }
  const tables = [first]
  for (let k = 1; k < 16; k++) {
    const before = tables[k - 1]!
    tables.push(before.map((register) => (register >>> 8) ^ first[register & 255]!))
  }
  return tables
}

const tables = buildTables()

/** Table `k`, 0 to 15. */
export function crc32Table(k: number): Int32Array {
  return tables[k]!
}
