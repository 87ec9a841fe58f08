/*
 * CRC-32 by table, by carry-less multiplication (x86), by its own instruction (ARMv8).
 *
 * Sources: Kounavis and Berry, "A Systematic Approach to Building High Performance Software-Based
 * CRC Generators", 2005 (slicing); Gopal et al., "Fast CRC Computation for Generic Polynomials Using
 * PCLMULQDQ Instruction", Intel 2009 (folding; its constants for the reflected polynomial).
 */
#include "crc32.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_acle.h>
#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#endif

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "written for little-endian processors"
#endif

#define POLYNOMIAL 0xedb88320u

void crc32_fill(crc32_tables *tables) {
  for (uint32_t byte = 0; byte < 256; byte++) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) != 0 ? POLYNOMIAL : 0);
    tables->table[0][byte] = crc;
  }
  for (int k = 1; k < 8; k++) {
    for (int byte = 0; byte < 256; byte++) {
      uint32_t before = tables->table[k - 1][byte];
      tables->table[k][byte] = (before >> 8) ^ tables->table[0][before & 255];
    }
  }
}

/* Works on the raw register: nothing is inverted before or after. */
static uint32_t slice(const crc32_tables *tables, uint32_t crc, const uint8_t *data,
                      size_t length) {
  const uint32_t(*t)[256] = tables->table;
  for (; length >= 8; data += 8, length -= 8) {
    uint32_t low, high;
    memcpy(&low, data, 4);
    memcpy(&high, data + 4, 4);
    low ^= crc;
    crc = t[7][low & 255] ^ t[6][(low >> 8) & 255] ^ t[5][(low >> 16) & 255] ^ t[4][low >> 24] ^
          t[3][high & 255] ^ t[2][(high >> 8) & 255] ^ t[1][(high >> 16) & 255] ^ t[0][high >> 24];
  }
  if (length >= 4) {
    uint32_t low;
    memcpy(&low, data, 4);
    low ^= crc;
    crc = t[3][low & 255] ^ t[2][(low >> 8) & 255] ^ t[1][(low >> 16) & 255] ^ t[0][low >> 24];
    data += 4;
    length -= 4;
  }
  for (; length > 0; data++, length--) crc = (crc >> 8) ^ t[0][(crc ^ *data) & 255];
  return crc;
}

uint32_t crc32_by_table(const crc32_tables *tables, uint32_t crc, const uint8_t *data,
                        size_t length) {
  return ~slice(tables, ~crc, data, length);
}

#if defined(__x86_64__)

#define FOLDING __attribute__((target("pclmul,sse4.1")))

static inline FOLDING __m128i load(const uint8_t *data) {
  return _mm_loadu_si128((const __m128i *)(const void *)data);
}

/* Moves `value` on by the distance that `by` stands for, and adds what is there. */
static inline FOLDING __m128i fold(__m128i value, __m128i by, __m128i next) {
  __m128i low = _mm_clmulepi64_si128(value, by, 0x00);
  __m128i high = _mm_clmulepi64_si128(value, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/* `blocks` is at least 1, in units of 16 bytes; works on the raw register. */
static FOLDING uint32_t fold_blocks(uint32_t crc, const uint8_t *data, size_t blocks) {
  const __m128i by64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const __m128i by4 = _mm_set_epi64x(0, 0x0163cd6124);
  /* The polynomial, and the quotient of Barrett's reduction. */
  const __m128i reduction = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  const __m128i low32 = _mm_set_epi32(0, -1, 0, -1);

  __m128i x = _mm_xor_si128(load(data), _mm_cvtsi32_si128((int)crc));
  data += 16;
  blocks--;
  if (blocks >= 7) {
    __m128i x1 = load(data), x2 = load(data + 16), x3 = load(data + 32);
    data += 48;
    blocks -= 3;
    for (; blocks >= 4; data += 64, blocks -= 4) {
      x = fold(x, by64, load(data));
      x1 = fold(x1, by64, load(data + 16));
      x2 = fold(x2, by64, load(data + 32));
      x3 = fold(x3, by64, load(data + 48));
    }
    x = fold(fold(fold(x, by16, x1), by16, x2), by16, x3);
  }
  for (; blocks > 0; data += 16, blocks--) x = fold(x, by16, load(data));

  /* 128 bits to 64, to 32. */
  x = _mm_xor_si128(_mm_srli_si128(x, 8), _mm_clmulepi64_si128(x, by16, 0x10));
  __m128i rest = _mm_srli_si128(x, 4);
  x = _mm_xor_si128(_mm_clmulepi64_si128(_mm_and_si128(x, low32), by4, 0x00), rest);
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(x, low32), reduction, 0x10);
  x = _mm_xor_si128(x, _mm_clmulepi64_si128(_mm_and_si128(quotient, low32), reduction, 0x00));
  return (uint32_t)_mm_extract_epi32(x, 1);
}

static uint32_t crc32_by_folding(const crc32_tables *tables, uint32_t crc, const uint8_t *data,
                                 size_t length) {
  size_t whole = length & ~(size_t)15;
  crc = ~crc;
  if (whole > 0) crc = fold_blocks(crc, data, whole / 16);
  return ~slice(tables, crc, data + whole, length - whole);
}

crc32_function *crc32_choose(const char **name) {
  if (__builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1")) {
    *name = "pclmul";
    return crc32_by_folding;
  }
  *name = "table";
  return crc32_by_table;
}

#elif defined(__aarch64__)

#if defined(__clang__)
#define CRC_INSTRUCTION __attribute__((target("crc")))
#else
#define CRC_INSTRUCTION __attribute__((target("+crc")))
#endif

static CRC_INSTRUCTION uint32_t crc32_by_instruction(const crc32_tables *tables, uint32_t crc,
                                                     const uint8_t *data, size_t length) {
  (void)tables;
  crc = ~crc;
  for (; length >= 8; data += 8, length -= 8) {
    uint64_t word;
    memcpy(&word, data, 8);
    crc = __crc32d(crc, word);
  }
  for (; length > 0; data++, length--) crc = __crc32b(crc, *data);
  return ~crc;
}

crc32_function *crc32_choose(const char **name) {
#if defined(__linux__)
  if ((getauxval(AT_HWCAP) & HWCAP_CRC32) == 0) {
    *name = "table";
    return crc32_by_table;
  }
#endif
  *name = "armv8";
  return crc32_by_instruction;
}

#else

crc32_function *crc32_choose(const char **name) {
  *name = "table";
  return crc32_by_table;
}

#endif
