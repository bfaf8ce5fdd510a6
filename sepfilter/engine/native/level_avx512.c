/* The loops for x86-64 with AVX-512 and its dot products of 16-bit pairs (VNNI). */
#if defined(__x86_64__)
#include <immintrin.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,prefer-vector-width=512")
#endif

#define ISA(name) name##_avx512
#define ISA_NAME "avx512"
#define VECTOR_BYTES 64

#define DOT_ADD(sum, pairs, factors) \
    ((vi)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(pairs), (__m512i)(factors)))
#define MULTIPLY_HIGH(values, factors) ((vs)_mm512_mulhi_epu16((__m512i)(values), (__m512i)(factors)))
#define LOAD_I16(from) ((vi)_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(from))))
#define AT_LEAST(values, low) ((vf)_mm512_max_ps((__m512)(values), (__m512)(low)))
#define AT_MOST(values, high) ((vf)_mm512_min_ps((__m512)(values), (__m512)(high)))
#define AT_LEAST_0(integers) _mm512_max_epi32((__m512i)(integers), _mm512_setzero_si512())
#define STORE_U8(to, integers) \
    _mm_storeu_si128((__m128i *)(to), _mm512_cvtusepi32_epi8(AT_LEAST_0(integers)))
#define STORE_I8(to, integers) _mm_storeu_si128((__m128i *)(to), _mm512_cvtsepi32_epi8((__m512i)(integers)))
#define STORE_I16(to, integers) \
    _mm256_storeu_si256((__m256i *)(to), _mm512_cvtsepi32_epi16((__m512i)(integers)))
#define STORE_U16(to, integers) \
    _mm256_storeu_si256((__m256i *)(to), _mm512_cvtusepi32_epi16(AT_LEAST_0(integers)))
#define ANY_BITS(values, bits) (_mm512_test_epi32_mask((__m512i)(values), _mm512_set1_epi32(bits)) != 0)
#define ROUND(values) ((vi)_mm512_cvtps_epi32((__m512)(values)))
#define STORE_4_U8(to, a, b, c, d)   \
    do {                             \
        STORE_U8(to, a);             \
        STORE_U8((to) + 16, b);      \
        STORE_U8((to) + 32, c);      \
        STORE_U8((to) + 48, d);      \
    } while (0)
#define FUSED(sum, a, b) ((sum) = (vf)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(sum)))

#include "body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
