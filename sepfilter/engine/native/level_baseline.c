/* The loops for every machine: SSE2 on x86-64; plain vectors elsewhere, or to test them with SEPFILTER_PLAIN. */
#define ISA(name) name##_baseline
#define ISA_NAME "baseline"
#define VECTOR_BYTES 16

#if defined(__SSE2__) && !defined(SEPFILTER_PLAIN)
#include <emmintrin.h>
#include <string.h>

#define DOT_ADD(sum, pairs, factors) \
    ((vi)((vu)(sum) + (vu)_mm_madd_epi16((__m128i)(pairs), (__m128i)(factors))))
#define MULTIPLY_HIGH(values, factors) ((vs)_mm_mulhi_epu16((__m128i)(values), (__m128i)(factors)))
#define LOAD_I16(from) LOAD_WORDS(_mm_loadl_epi64((const __m128i *)(from)))
#define LOAD_WORDS(words) ((vi)_mm_unpacklo_epi16(words, words) >> 16)
#define AT_LEAST(values, low) ((vf)_mm_max_ps((__m128)(values), (__m128)(low)))
#define AT_MOST(values, high) ((vf)_mm_min_ps((__m128)(values), (__m128)(high)))
#define PACK_16(integers) _mm_packs_epi32((__m128i)(integers), (__m128i)(integers))
#define STORE_LOW_4(to, bytes)                                  \
    do {                                                        \
        int low_4 = _mm_cvtsi128_si32(bytes);                   \
        memcpy(to, &low_4, 4);                                  \
    } while (0)
#define STORE_U8(to, integers) STORE_LOW_4(to, _mm_packus_epi16(PACK_16(integers), PACK_16(integers)))
#define STORE_I8(to, integers) STORE_LOW_4(to, _mm_packs_epi16(PACK_16(integers), PACK_16(integers)))
#define STORE_I16(to, integers) _mm_storel_epi64((__m128i *)(to), PACK_16(integers))
#define STORE_U16(to, integers) /* SSE2 packs signed only */            \
    _mm_storel_epi64((__m128i *)(to),                                   \
                     _mm_xor_si128(PACK_16((integers) - 0x8000), _mm_set1_epi16((short)0x8000)))
#define ANY_BITS(values, bits)                                                                  \
    (_mm_movemask_epi8(_mm_cmpeq_epi32(_mm_and_si128((__m128i)(values), _mm_set1_epi32(bits)), \
                                       _mm_setzero_si128())) != 0xffff)
#define ROUND(values) ((vi)_mm_cvtps_epi32((__m128)(values)))
#define STORE_4_U8(to, a, b, c, d)                                                            \
    _mm_storeu_si128((__m128i *)(to),                                                         \
                     _mm_packus_epi16(_mm_packs_epi32((__m128i)(a), (__m128i)(b)),            \
                                      _mm_packs_epi32((__m128i)(c), (__m128i)(d))))
#else
#define FIRST(pairs) ((vu)((vi)((vu)(pairs) << 16) >> 16))
#define SECOND(pairs) ((vu)((pairs) >> 16))
#define DOT_ADD(sum, pairs, factors) \
    ((vi)((vu)(sum) + FIRST(pairs) * FIRST(factors) + SECOND(pairs) * SECOND(factors)))
typedef uint32_t products __attribute__((vector_size(32)));
#define WIDE(values) __builtin_convertvector(values, products)
#define MULTIPLY_HIGH(values, factors) __builtin_convertvector(WIDE(values) * WIDE(factors) >> 16, vs)
#define LOAD_I16(from) ((vi){(from)[0], (from)[1], (from)[2], (from)[3]})
#define WHERE(mask, one, other) ((vf)(((mask) & (vi)(one)) | (~(mask) & (vi)(other))))
#define AT_LEAST(values, low) WHERE((values) > (low), values, low)
#define AT_MOST(values, high) WHERE((values) < (high), values, high)
#define STORE_EACH(SAMPLE, to, integers, low, high)                                     \
    for (int lane = 0; lane < 4; lane++)                                                \
        (to)[lane] = (SAMPLE)((integers)[lane] < (low)    ? (low)                       \
                              : (integers)[lane] > (high) ? (high)                      \
                                                          : (integers)[lane])
#define STORE_U8(to, integers) STORE_EACH(uint8_t, to, integers, 0, 255)
#define STORE_I8(to, integers) STORE_EACH(int8_t, to, integers, -128, 127)
#define STORE_U16(to, integers) STORE_EACH(uint16_t, to, integers, 0, 65535)
#define STORE_I16(to, integers) STORE_EACH(int16_t, to, integers, -32768, 32767)
#define ANY_OF_4(v) (((v)[0] | (v)[1] | (v)[2] | (v)[3]) != 0)
#define ANY_BITS(values, bits) ANY_OF_4((values) & (bits))
/* Adding 1.5 * 2**23 leaves the rounded integer in the low bits, up to 2**22, which is enough to saturate. */
#define WITHIN(values) AT_MOST(AT_LEAST(values, (vf){0} - 4e6f), (vf){0} + 4e6f)
#define ROUND(values) ((vi)(WITHIN(values) + 12582912.0f) - (vi)((vf){0} + 12582912.0f))
#define STORE_4_U8(to, a, b, c, d)  \
    do {                            \
        STORE_U8(to, a);            \
        STORE_U8((to) + 4, b);      \
        STORE_U8((to) + 8, c);      \
        STORE_U8((to) + 12, d);     \
    } while (0)
#endif

#include "body.h"
