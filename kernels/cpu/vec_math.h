// exp on Vec and Wide: Cody-Waite reduction to |r| <= ln(2)/2, then the Taylor sum. Include after vec.h.
// Relative error: float 1.5e-7 (remainder r^8/8! <= 6e-9, the rest is rounding); double 1e-14 (r^12/12! <= 7e-15).
// Results below the smallest normal number are 0, above the largest +inf; NaN stays NaN.
#pragma once

namespace quibble::kernels {
namespace {

QUIBBLE_INLINE Vec expVec(Vec x) {
    const Vec lowest = set1(-87.33654F);
    // The variable operand comes second, so that a NaN passes through.
    const Vec clamped = min(set1(89.0F), max(lowest, x));
    const Vec n = nearest(mul(clamped, set1(1.44269504F)));
    Vec r =
        fnma(n, set1(0x1.62E4p-1F), clamped);  // ln 2 in two parts; the first has trailing zeros, n times it is exact
    r = fnma(n, set1(0x1.7F7D1Cp-20F), r);
    Vec sum = set1(1.0F / 5040.0F);
    sum = fma(sum, r, set1(1.0F / 720.0F));
    sum = fma(sum, r, set1(1.0F / 120.0F));
    sum = fma(sum, r, set1(1.0F / 24.0F));
    sum = fma(sum, r, set1(1.0F / 6.0F));
    sum = fma(sum, r, set1(0.5F));
    sum = fma(sum, r, set1(1.0F));
    sum = fma(sum, r, set1(1.0F));
    return zeroWhereLess(scaleByPower(sum, n), x, lowest);
}

QUIBBLE_INLINE Wide expWide(Wide x) {
    const Wide lowest = wideSet1(-708.0);
    const Wide clamped = min(wideSet1(710.0), max(lowest, x));
    const Wide n = nearest(mul(clamped, wideSet1(0x1.71547652B82FEp+0)));
    Wide r = fnma(n, wideSet1(0x1.62E42FEFA3800p-1), clamped);
    r = fnma(n, wideSet1(0x1.EF35793C76730p-45), r);
    Wide sum = wideSet1(1.0 / 39916800.0);
    sum = fma(sum, r, wideSet1(1.0 / 3628800.0));
    sum = fma(sum, r, wideSet1(1.0 / 362880.0));
    sum = fma(sum, r, wideSet1(1.0 / 40320.0));
    sum = fma(sum, r, wideSet1(1.0 / 5040.0));
    sum = fma(sum, r, wideSet1(1.0 / 720.0));
    sum = fma(sum, r, wideSet1(1.0 / 120.0));
    sum = fma(sum, r, wideSet1(1.0 / 24.0));
    sum = fma(sum, r, wideSet1(1.0 / 6.0));
    sum = fma(sum, r, wideSet1(0.5));
    sum = fma(sum, r, wideSet1(1.0));
    sum = fma(sum, r, wideSet1(1.0));
    return zeroWhereLess(scaleByPower(sum, n), x, lowest);
}

}  // namespace
}  // namespace quibble::kernels
