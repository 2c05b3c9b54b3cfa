// Round-to-nearest groups. Definition: quantize.h.
#include "kernels/formats/half.h"
#include "kernels/quantize.h"

#include <algorithm>
#include <cmath>

namespace quibble::kernels {

namespace {

struct Grid {
    float scale = 0.0F;  // as stored: a value that F16 holds
    int zero = 0;
    int top = 0;  // codes are 0..top
};

float toStoredScale(float scale) { return f16ToF32(f32ToF16(std::clamp(scale, -65504.0F, 65504.0F))); }

int codeOf(float w, const Grid& grid) {
    if (grid.scale == 0.0F) {
        return grid.zero;
    }
    // Rounded by hand, ties away from zero: the cast cuts, the rest is exact at this size, and no library function is
    // called for each weight.
    constexpr float kBeyond = 512.0F;  // further away than any code
    const float level = std::clamp(w / grid.scale, -kBeyond, kBeyond);
    const int whole = static_cast<int>(level);
    const float rest = level - static_cast<float>(whole);
    const int nearest = whole + static_cast<int>(rest >= 0.5F) - static_cast<int>(rest <= -0.5F);
    return std::clamp(nearest + grid.zero, 0, grid.top);
}

double squaredError(float w, const Grid& grid) {
    const double error = static_cast<double>(w) - static_cast<double>(grid.scale) * (codeOf(w, grid) - grid.zero);
    return error * error;
}

Grid symmetricGrid(const float* w, int64_t n, int bits) {
    const int half = 1 << (bits - 1);
    float magnitude = 0.0F;
    float extreme = 0.0F;
    for (int64_t i = 0; i < n; ++i) {
        if (std::fabs(w[i]) > magnitude) {
            magnitude = std::fabs(w[i]);
            extreme = w[i];
        }
    }
    const Grid even{toStoredScale(magnitude / static_cast<float>(half - 1)), half, 2 * half - 1};
    const Grid full{toStoredScale(extreme / static_cast<float>(-half)), half, 2 * half - 1};
    double even_error = 0.0, full_error = 0.0;
    for (int64_t i = 0; i < n;
         ++i) {  // both sums in one loop, so that the processor adds to one while the other waits for its addition
        even_error += squaredError(w[i], even);
        full_error += squaredError(w[i], full);
    }
    return even_error <= full_error ? even : full;
}

Grid asymmetricGrid(const float* w, int64_t n, int bits) {
    const int top = (1 << bits) - 1;
    float low = 0.0F;
    float high = 0.0F;
    for (int64_t i = 0; i < n; ++i) {
        low = std::min(low, w[i]);
        high = std::max(high, w[i]);
    }
    Grid grid{toStoredScale((high - low) / static_cast<float>(top)), 0, top};
    if (grid.scale > 0.0F) {
        grid.zero = static_cast<int>(std::clamp(std::round(-low / grid.scale), 0.0F, static_cast<float>(top)));
    }
    return grid;
}

}  // namespace

std::string rtnParamsError(const RtnParams& params, int64_t cols) {
    if (params.bits < 2 || params.bits > 8) {
        return "bits is " + std::to_string(params.bits) + "; round-to-nearest takes 2 to 8";
    }
    if (params.group < 1 || static_cast<int64_t>(params.group) > cols) {
        return "group is " + std::to_string(params.group) + "; it must be 1 to the row length " + std::to_string(cols);
    }
    return {};
}

void rtnQuantize(const float* w, int64_t rows, int64_t cols, const RtnParams& params, uint8_t* codes, float* scale,
                 float* zero) {
    const int64_t group = static_cast<int64_t>(params.group);
    int64_t g = 0;
    for (int64_t r = 0; r < rows; ++r) {
        for (int64_t begin = 0; begin < cols; begin += group, ++g) {
            const int64_t n = std::min(group, cols - begin);
            const float* values = w + r * cols + begin;
            const Grid grid =
                params.symmetric ? symmetricGrid(values, n, params.bits) : asymmetricGrid(values, n, params.bits);
            scale[g] = grid.scale;
            zero[g] = static_cast<float>(grid.zero);
            for (int64_t i = 0; i < n; ++i) {
                codes[r * cols + begin + i] = static_cast<uint8_t>(codeOf(values[i], grid));
            }
        }
    }
}

}  // namespace quibble::kernels
