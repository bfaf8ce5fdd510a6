/* The loops for x86-64 with AVX2 and FMA; nothing here runs before dispatch.c has found both. */
#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define ISA(name) name##_avx2
#define ISA_NAME "avx2"
#define VECTOR_BYTES 32

#define DOT_ADD(sum, pairs, factors) \
    ((vi)((vu)(sum) + (vu)_mm256_madd_epi16((__m256i)(pairs), (__m256i)(factors))))
#define MULTIPLY_HIGH(values, factors) ((vs)_mm256_mulhi_epu16((__m256i)(values), (__m256i)(factors)))
#define LOAD_I16(from) ((vi)_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(from))))
#define AT_LEAST(values, low) ((vf)_mm256_max_ps((__m256)(values), (__m256)(low)))
#define AT_MOST(values, high) ((vf)_mm256_min_ps((__m256)(values), (__m256)(high)))
#define LOW(integers) _mm256_castsi256_si128((__m256i)(integers))
#define HIGH(integers) _mm256_extracti128_si256((__m256i)(integers), 1)
#define PACK_16(integers) _mm_packs_epi32(LOW(integers), HIGH(integers))
#define STORE_U8(to, integers) \
    _mm_storel_epi64((__m128i *)(to), _mm_packus_epi16(PACK_16(integers), _mm_setzero_si128()))
#define STORE_I8(to, integers) \
    _mm_storel_epi64((__m128i *)(to), _mm_packs_epi16(PACK_16(integers), _mm_setzero_si128()))
#define STORE_I16(to, integers) _mm_storeu_si128((__m128i *)(to), PACK_16(integers))
#define STORE_U16(to, integers) \
    _mm_storeu_si128((__m128i *)(to), _mm_packus_epi32(LOW(integers), HIGH(integers)))
#define ANY_BITS(values, bits) (!_mm256_testz_si256((__m256i)(values), _mm256_set1_epi32(bits)))
#define ROUND(values) ((vi)_mm256_cvtps_epi32((__m256)(values)))
#define IN_ORDER(bytes) _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
#define STORE_4_U8(to, a, b, c, d)                                                                 \
    _mm256_storeu_si256((__m256i *)(to),                                                           \
                        IN_ORDER(_mm256_packus_epi16(_mm256_packs_epi32((__m256i)(a), (__m256i)(b)), \
                                                     _mm256_packs_epi32((__m256i)(c), (__m256i)(d)))))
#define FUSED(sum, a, b) ((sum) = (vf)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(sum)))

#include "body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
