// Round to nearest, the baseline of every weight quantization paper: each group of consecutive input weights of a row
// shares one scale (and, when asymmetric, one zero point), and every weight goes to the nearest level. Emulated: codes
// are kept one a byte and multiplied as scale * (code - zero) in float, so KL is exact and no speed is claimed.
#include "engine/quant/weights/weight_quantizer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <new>

#include "kernels/ops.h"
#include "kernels/quantize.h"

namespace quibble {

namespace {

constexpr ParamSpec kBits{.key = "bits",
                          .label = "Bits per weight",
                          .unit = "bit",
                          .low = 2,
                          .high = 8,
                          .step = 1,
                          .fallback = 4,
                          .help = "Levels per weight: 2 to the power of this"};
constexpr ParamSpec kGroup{.key = "group",
                           .label = "Group size",
                           .unit = "weights",
                           .low = 0,
                           .high = 65536,
                           .step = 1,
                           .fallback = 64,
                           .help = "Weights of a row that share a scale; 0: the whole row"};
constexpr ParamSpec kSymmetric =
    switchParam("symmetric", "Symmetric", true, "On: levels around zero, a scale only; off: a scale and a zero point");
constexpr ParamSpec kParams[] = {kBits, kGroup, kSymmetric};

constexpr std::int64_t kRowsPerChunk = 16;
constexpr double kScaleBits = 16;  // scales are rounded to F16

class RtnMatrix final : public QuantizedMatrix {
public:
    RtnMatrix(std::int64_t rows, std::int64_t cols, const kernels::RtnParams& params)
        : rows_(rows),
          cols_(cols),
          params_(params),
          codes_(static_cast<std::size_t>(rows * cols)),
          scale_(static_cast<std::size_t>(rows * groupsPerRow())),
          zero_(scale_.size()) {}

    void quantizeRow(std::int64_t row, const float* weights) {
        const std::int64_t groups = groupsPerRow();
        kernels::rtnQuantize(weights, 1, cols_, params_, codes_.data() + row * cols_, scale_.data() + row * groups,
                             zero_.data() + row * groups);
    }
    [[nodiscard]] kernels::WeightView view() const override {
        kernels::WeightView view;
        view.type = kernels::TensorType::RtnGroup;
        view.rows = rows_;
        view.cols = cols_;
        view.data = nullptr;
        view.row_bytes = 0;
        view.rtn = {codes_.data(), scale_.data(), zero_.data(), params_.group};
        return view;
    }
    [[nodiscard]] double storedBits() const override {
        const double per_group = kScaleBits + (params_.symmetric ? 0.0 : static_cast<double>(params_.bits));
        return static_cast<double>(codes_.size()) * static_cast<double>(params_.bits) +
               static_cast<double>(scale_.size()) * per_group;
    }
    [[nodiscard]] std::size_t memoryBytes() const override { return codes_.size() + 2 * sizeof(float) * scale_.size(); }

private:
    [[nodiscard]] std::int64_t groupsPerRow() const { return (cols_ + params_.group - 1) / params_.group; }

    std::int64_t rows_, cols_;
    kernels::RtnParams params_;
    std::vector<std::uint8_t> codes_;
    std::vector<float> scale_, zero_;
};

Result<std::unique_ptr<QuantizedMatrix>> quantize(const QuantizeTask& task, const MethodChoice& choice) {
    const kernels::WeightView& source = task.source;
    const auto group = static_cast<std::int64_t>(choice.value(kGroup));
    kernels::RtnParams params;
    params.bits = static_cast<int>(choice.value(kBits));
    params.symmetric = choice.value(kSymmetric) != 0;
    params.group = static_cast<std::uint32_t>(group == 0 ? source.cols : std::min(group, source.cols));
    if (const std::string fault = kernels::rtnParamsError(params, source.cols); !fault.empty()) {
        return fail(ErrorCode::InvalidArgument, "rtn on " + task.tensor_name + ": " + fault,
                    "Choose 2 to 8 bits and a group of 32, 64 or 128");
    }
    auto matrix = std::make_unique<RtnMatrix>(source.rows, source.cols, params);
    std::atomic<std::int64_t> bad_row{source.rows};  // the first with a weight that is not a number
    std::atomic<bool> no_room{false};
    const auto quantizeRows = [&](std::int64_t begin, std::int64_t end) {
        std::vector<float> weights;
        try {
            weights.resize(static_cast<std::size_t>(source.cols));
        } catch (const std::bad_alloc&) {
            no_room = true;  // threads of the pool must not throw
            return;
        }
        for (std::int64_t row = begin; row < end; ++row) {
            kernels::ops().dequantizeRow(source.type, source.data + static_cast<std::size_t>(row) * source.row_bytes,
                                         source.cols, weights.data());
            const bool finite = std::all_of(weights.begin(), weights.end(), [](float w) { return std::isfinite(w); });
            if (finite) {
                matrix->quantizeRow(row, weights.data());
                continue;
            }
            for (std::int64_t first = bad_row; row < first && !bad_row.compare_exchange_weak(first, row);) {}
            return;
        }
    };
    if (task.pool != nullptr)
        task.pool->parallelFor(source.rows, kRowsPerChunk, quantizeRows);
    else
        quantizeRows(0, source.rows);
    if (no_room) throw std::bad_alloc();
    if (bad_row < source.rows) {
        return fail(
            ErrorCode::FileCorrupt,
            "tensor " + task.tensor_name + " has a weight that is not a number in row " + std::to_string(bad_row),
            "The file is damaged; download or convert it again");
    }
    return matrix;
}

std::uint64_t memoryBytes(std::uint64_t rows, std::uint64_t cols, const MethodChoice& choice) {
    const auto group = static_cast<std::uint64_t>(choice.value(kGroup));
    const std::uint64_t groups = group == 0 ? 1 : (cols + group - 1) / group;
    return rows * (cols + 2 * sizeof(float) * groups);
}

std::string describe(const MethodChoice& choice) {
    const auto group = static_cast<int>(choice.value(kGroup));
    return "RTN " + std::to_string(static_cast<int>(choice.value(kBits))) + " bit " +
           (group == 0 ? "per row" : "g" + std::to_string(group)) +
           (choice.value(kSymmetric) != 0 ? "" : " asymmetric");
}

}  // namespace

namespace weight_quant {
const WeightQuantizer kRtn{{"rtn", "Round to nearest", "common baseline",
                            "Each weight becomes the nearest of the few levels that its group has.", kParams},
                           quantize,
                           memoryBytes,
                           describe};
}

}  // namespace quibble
