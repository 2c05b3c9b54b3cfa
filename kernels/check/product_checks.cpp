// The products: float, packed, BF16, and what prepares their two sides.
#include "kernels/check/trial.h"
#include "kernels/packed.h"

#include <string_view>

namespace quibble::kernels::check {

namespace {

constexpr int64_t kOuts = 37;  // two whole panels and a part of one
// The numbers of rows. A table has a way of its own for one row, for a few rows that share what is read, and for many
// rows.
constexpr int64_t kRowCounts[] = {1, 3, 8, 19, 40};
constexpr int64_t kMostRows = 40;

int64_t columnsFor(TensorType type) {
    return typeTraits(type)->block_elements == 256 ? 768 : typeTraits(type)->block_elements == 1 ? 333 : 448;
}

struct Product {
    std::string name;
    const float* weights;  // [kOuts, cols]
    const float* x;        // [rows, cols], as the product sees them
    int64_t rows, cols;
    double relative;  // of sum |w x|
    double absolute = 0.0;
};

double exactDot(const float* w, const float* x, int64_t cols) {
    double sum = 0.0;
    for (int64_t k = 0; k < cols; ++k) {
        sum += static_cast<double>(w[k]) * static_cast<double>(x[k]);
    }
    return sum;
}

void compareProduct(Trial& trial, const Product& p, const float* y) {
    trial.begin(p.name + ", rows " + std::to_string(p.rows));
    for (int64_t i = 0; i < p.rows * kOuts && !trial.failed(); ++i) {
        const float* w = p.weights + i % kOuts * p.cols;
        const float* x = p.x + i / kOuts * p.cols;
        trial.close(i, static_cast<double>(y[i]), exactDot(w, x, p.cols),
                    p.relative * magnitudeSum(w, x, p.cols) + p.absolute);
    }
}

void tryMatmul(Trial& trial, const Weights& weights, const char* name) {
    const WeightView& w = weights.view;
    const std::vector<float> floats = asFloats(w);
    const std::vector<float> x = trial.floats(kMostRows * w.cols);
    const bool tiled = std::string_view(trial.table.isa) == "amx" && w.type == TensorType::BF16;
    const double relative = static_cast<double>(w.cols / 16 + (tiled ? 20 : 8)) * 0x1p-24;
    const double absolute = tiled ? static_cast<double>(w.cols) * 0x1p-120 : 0.0;  // inputs are below 16
    for (const int64_t rows : kRowCounts) {
        std::vector<float> y(static_cast<size_t>(rows * kOuts));
        trial.table.matmul({w, x.data(), w.cols, rows, y.data(), kOuts, 0, kOuts});
        compareProduct(trial, {name, floats.data(), x.data(), rows, w.cols, relative, absolute}, y.data());
    }
}

struct RoundedRows {
    std::vector<std::byte> bytes;
    size_t stride;
};

RoundedRows roundRows(const Ops& table, const std::vector<float>& x, int64_t rows, int64_t cols) {
    RoundedRows out{{}, q8RowBytes(cols)};
    out.bytes.resize(out.stride * static_cast<size_t>(rows));
    for (int64_t r = 0; r < rows; ++r) {
        table.quantizeQ8(x.data() + r * cols, cols, out.bytes.data() + static_cast<size_t>(r) * out.stride);
    }
    return out;
}

void tryPacked(Trial& trial, TensorType type) {
    const int64_t cols = columnsFor(type);
    const Weights w = makeWeights(type, kOuts, cols, trial.seed(), 0);
    const Packed packed = packWeights(w.view);
    const std::vector<float> floats = asFloats(w.view);
    const std::vector<float> x = trial.floats(kMostRows * cols);
    const Ops& reference = *allOps()[0];
    const RoundedRows rounded = roundRows(reference, x, kMostRows, cols);
    std::vector<float> wanted(kMostRows * kOuts);
    reference.matmulPacked(
        {packed.view, rounded.bytes.data(), rounded.stride, kMostRows, wanted.data(), kOuts, 0, kOuts});
    for (const int64_t rows : kRowCounts) {
        std::vector<float> y(static_cast<size_t>(rows * kOuts));
        const int32_t ahead = rows % 2 == 0 ? kManyRows : 1536;  // both ways
        trial.table.matmulPacked(
            {packed.view, rounded.bytes.data(), rounded.stride, rows, y.data(), kOuts, 0, kOuts, ahead});
        trial.begin(std::string(typeTraits(type)->name) + ", rows " + std::to_string(rows));
        for (int64_t i = 0; i < rows * kOuts && !trial.failed(); ++i) {
            const float* xr = x.data() + i / kOuts * cols;
            const double sum =
                magnitudeSum(floats.data() + i % kOuts * cols, xr, cols) + minimaSum(w.view, xr, i % kOuts);
            trial.close(i, static_cast<double>(y[static_cast<size_t>(i)]),
                        static_cast<double>(wanted[static_cast<size_t>(i)]),
                        static_cast<double>(cols / 32 + 8) * 0x1p-23 * sum);
        }
    }
}

}  // namespace

void testMatmul(Trial& trial) {
    for (const TensorType type : readableTypes()) {
        tryMatmul(trial, makeWeights(type, kOuts, columnsFor(type), trial.seed(), 0), typeTraits(type)->name);
    }
    tryMatmul(trial, makeRtn(kOuts, 300, {.bits = 3, .group = 64, .symmetric = true}, trial.seed()), "RTN");
}

void testMatmulPacked(Trial& trial) {
    for (const TensorType type : readableTypes()) {
        if (hasPacked(type)) {
            tryPacked(trial, type);
        }
    }
}

void testMatmulBf16(Trial& trial) {
    for (const int64_t cols : {64, 333, 1024}) {
        const Weights w = makeWeights(TensorType::BF16, kOuts, cols, trial.seed(), 0);
        const std::vector<float> floats = asFloats(w.view);
        const std::vector<float> x = trial.floats(kMostRows * cols);
        std::vector<std::byte> stored(bf16RowBytes(cols) * static_cast<size_t>(kMostRows));
        std::vector<float> seen(x.size());
        for (int64_t r = 0; r < kMostRows; ++r) {
            std::byte* row = stored.data() + static_cast<size_t>(r) * bf16RowBytes(cols);
            quantizeRow(TensorType::BF16, x.data() + r * cols, cols, row);
            allOps()[0]->dequantizeRow(TensorType::BF16, row, cols, seen.data() + r * cols);
        }
        const double relative = static_cast<double>(cols / 16 + 20) * 0x1p-24;
        for (const int64_t rows : kRowCounts) {
            std::vector<float> y(static_cast<size_t>(rows * kOuts));
            trial.table.matmulBf16({w.view, stored.data(), bf16RowBytes(cols), rows, y.data(), kOuts, 0, kOuts});
            compareProduct(trial,
                           {"columns " + std::to_string(cols), floats.data(), seen.data(), rows, cols, relative,
                            static_cast<double>(cols) * 0x1p-122},
                           y.data());
        }
    }
}

void testQuantizeQ8(Trial& trial) {
    for (const float sigma : {1e-20F, 1.0F, 1e20F}) {
        constexpr int64_t kCols = 1024;
        const std::vector<float> x = trial.floats(kCols, sigma);
        std::vector<std::byte> got(q8RowBytes(kCols)), wanted(q8RowBytes(kCols));
        trial.table.quantizeQ8(x.data(), kCols, got.data());
        allOps()[0]->quantizeQ8(x.data(), kCols, wanted.data());
        trial.begin("blocks of 32");
        trial.same(got.data(), wanted.data(), static_cast<size_t>(kCols / 32) * sizeof(Q8Block));
    }
}

void testDequantizeRow(Trial& trial) {
    for (const TensorType type : readableTypes()) {
        const int64_t cols = columnsFor(type);
        const Weights w = makeWeights(type, 1, cols, trial.seed(), 0);
        std::vector<float> got(static_cast<size_t>(cols)), wanted(static_cast<size_t>(cols));
        trial.table.dequantizeRow(type, w.view.data, cols, got.data());
        allOps()[0]->dequantizeRow(type, w.view.data, cols, wanted.data());
        trial.begin(typeTraits(type)->name);
        trial.same(got.data(), wanted.data(), got.size() * sizeof(float));
    }
}

}  // namespace quibble::kernels::check
