#include "engine/device/cpu/cpu_device.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "engine/values/check.h"

namespace quibble {

namespace {

// Less work than this is not handed out to another thread, which costs about a microsecond.
constexpr std::int64_t kMinWorkPerChunk = 48 << 10;  // multiply-adds
constexpr std::int64_t kMaxWorkPerChunk = 16 << 20;  // takes a fraction of a millisecond
constexpr std::int64_t kWorkOfByte = 2;              // reading a byte of weights takes as long
constexpr std::int64_t kOutputAlignment = kernels::kPanelOutputs;
// More rows than these are multiplied with two panels at a time, which one alone would be slower than.
constexpr std::int64_t kPanelRows = 8;
constexpr std::int64_t kAttentionQueries = 64;  // query heads, of one row or several, that meet a key or value together
// Of the clamped activation of gpt-oss.
constexpr float kClampedAlpha = 1.702F, kClampedLimit = 7.0F;

std::int64_t roundUp(std::int64_t value, std::int64_t step) { return (value + step - 1) / step * step; }

// Scores of neighbouring heads lie so far apart that they fall into different sets of a cache, however many positions
// there are.
std::int64_t scoreStride(std::int64_t positions) { return ((positions + 15) / 16 | 1) * 16; }

ThreadPool::Chunks chunksOf(std::int64_t work_per_item) {
    const auto items = [work_per_item](std::int64_t work) {
        return std::max<std::int64_t>(1, work / std::max<std::int64_t>(1, work_per_item));
    };
    return {items(kMinWorkPerChunk), items(kMaxWorkPerChunk)};
}

}  // namespace

void CpuDevice::roundInput(Input input, const float* x, std::int64_t n_rows, std::int64_t cols,
                           std::span<const std::int32_t> picked) {
    const std::size_t row_bytes = input == Input::Q8 ? kernels::q8RowBytes(cols) : kernels::bf16RowBytes(cols);
    AlignedVector<std::byte>& rounded = input == Input::Q8 ? rounded_ : rounded_bf16_;
    rounded.resize(std::max(rounded.size(), row_bytes * static_cast<std::size_t>(n_rows)));
    std::byte* rows = rounded.data();
    pool_.shareOut(n_rows, chunksOf(cols * 4), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            std::byte* out = rows + static_cast<std::size_t>(row) * row_bytes;
            if (input == Input::Q8)
                ops_.quantizeQ8(x + row * cols, cols, out);
            else
                ops_.storeKv(kernels::TensorType::BF16, x + row * cols, cols, out);
        }
    });
    if (picked.empty()) return;
    pickRows(rows, row_bytes, picked, picked_rounded_);
    std::swap(rounded, picked_rounded_);
}

// Row i of `to` is row rows[i] of `from`.
void CpuDevice::pickRows(const std::byte* from, std::size_t row_bytes, std::span<const std::int32_t> rows,
                         AlignedVector<std::byte>& to) {
    to.resize(std::max(to.size(), row_bytes * rows.size()));
    const auto count = static_cast<std::int64_t>(rows.size());
    pool_.shareOut(
        count, chunksOf(static_cast<std::int64_t>(row_bytes) / 4), [&](std::int64_t begin, std::int64_t end) {
            for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                std::copy_n(from + static_cast<std::size_t>(rows[i]) * row_bytes, row_bytes, to.data() + i * row_bytes);
            }
        });
}

void CpuDevice::product(const LinearTask& task, const Product& product, const float* x, std::int64_t begin,
                        std::int64_t end) const {
    const kernels::WeightView& weight = task.linear->weight;
    if (product.input == Input::Bf16) {
        const std::size_t row_bytes = kernels::bf16RowBytes(weight.cols);
        const std::byte* rows = rounded_bf16_.data() + static_cast<std::size_t>(task.first_row) * row_bytes;
        ops_.matmulBf16({weight, rows, row_bytes, product.n_rows, task.y, weight.rows, begin, end});
    } else if (product.input == Input::Q8) {
        const std::size_t row_bytes = kernels::q8RowBytes(weight.cols);
        const std::byte* rows = rounded_.data() + static_cast<std::size_t>(task.first_row) * row_bytes;
        ops_.matmulPacked({task.linear->packed, rows, row_bytes, product.n_rows, task.y, weight.rows, begin, end,
                           product.fetch_ahead});
    } else {
        ops_.matmul({weight, x + task.first_row * weight.cols, weight.cols, product.n_rows, task.y, weight.rows, begin,
                     end, product.fetch_ahead});
    }
    if (const float* bias = task.linear->bias; bias != nullptr) {
        for (std::int64_t row = 0; row < product.n_rows; ++row) {
            float* y = task.y + row * weight.rows;
            ops_.add(y + begin, bias + begin, end - begin, y + begin);
        }
    }
}

void CpuDevice::linear(const float* x, std::int64_t n_rows, Products products, std::span<const LinearTask> tasks,
                       std::span<const std::int32_t> picked) {
    if (tasks.empty()) return;
    const std::int64_t cols = tasks.front().linear->weight.cols;
    const auto inputOf = [&](const LinearTask& task) {
        if (products.arithmetic == Arithmetic::Native && task.linear->packed.data != nullptr) return Input::Q8;
        return products.bf16_inputs && task.linear->weight.type == kernels::TensorType::BF16 ? Input::Bf16
                                                                                             : Input::Float;
    };
    for (const Input input : {Input::Q8, Input::Bf16}) {
        const auto takes = [&](const LinearTask& task) { return inputOf(task) == input; };
        if (std::any_of(tasks.begin(), tasks.end(), takes)) roundInput(input, x, n_rows, cols, picked);
    }
    const auto takesFloats = [&](const LinearTask& task) { return inputOf(task) == Input::Float; };
    if (!picked.empty() && std::any_of(tasks.begin(), tasks.end(), takesFloats)) {
        pickRows(reinterpret_cast<const std::byte*>(x), static_cast<std::size_t>(cols) * sizeof(float), picked,
                 picked_floats_);
        x = reinterpret_cast<const float*>(picked_floats_.data());
    }
    if (!picked.empty()) n_rows = static_cast<std::int64_t>(picked.size());

    const std::int64_t alignment = n_rows > kPanelRows ? 2 * kOutputAlignment : kOutputAlignment;
    products_.assign(tasks.size(), {});
    std::int64_t units = 0, work = 0;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
        const kernels::WeightView& weight = tasks[i].linear->weight;
        Product& product = products_[i];
        product.input = inputOf(tasks[i]);
        QUIBBLE_CHECK(
            product.input == Input::Q8 || weight.data != nullptr || weight.type == kernels::TensorType::RtnGroup,
            "weights that only a packed form is left of are used in native arithmetic");
        product.n_rows = tasks[i].n_rows < 0 ? n_rows - tasks[i].first_row : tasks[i].n_rows;
        const Tuning::Codes codes = product.input == Input::Q8 ? Tuning::codesOf(weight.type) : Tuning::kFloats;
        product.fetch_ahead = products.tuning.fetchAhead(codes, product.n_rows);
        product.first_unit = units;
        units += roundUp(weight.rows, alignment) / alignment;
        work += weight.rows *
                std::max(weight.cols * product.n_rows, kWorkOfByte * static_cast<std::int64_t>(weight.row_bytes));
    }
    pool_.shareOut(units, chunksOf(work / units), [&](std::int64_t unit_begin, std::int64_t unit_end) {
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            const std::int64_t first = products_[i].first_unit;
            const std::int64_t begin = std::max((unit_begin - first) * alignment, std::int64_t{0});
            const std::int64_t end = std::min((unit_end - first) * alignment, tasks[i].linear->weight.rows);
            if (begin < end && !interrupted()) product(tasks[i], products_[i], x, begin, end);
        }
    });
}

void CpuDevice::embed(const kernels::WeightView& table, std::span<const TokenId> ids, float* y) {
    for (std::size_t row = 0; row < ids.size(); ++row) {
        ops_.dequantizeRow(table.type, table.data + static_cast<std::size_t>(ids[row]) * table.row_bytes, table.cols,
                           y + static_cast<std::int64_t>(row) * table.cols);
    }
}

void CpuDevice::rmsNorm(const float* x, const float* gain, std::int64_t n_rows, std::int64_t dim, float eps, float* y) {
    pool_.shareOut(n_rows, chunksOf(dim * 4), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) ops_.rmsNorm(x + row * dim, gain, dim, eps, y + row * dim);
    });
}

void CpuDevice::gate(const float* gate, const float* up, std::int64_t n, bool clamped, float* y) {
    pool_.shareOut(n, chunksOf(16), [&](std::int64_t begin, std::int64_t end) {
        if (clamped)
            ops_.swiGluClamped(gate + begin, up + begin, end - begin, kClampedAlpha, kClampedLimit, y + begin);
        else
            ops_.swiGlu(gate + begin, up + begin, end - begin, y + begin);
    });
}

void CpuDevice::add(const float* a, const float* b, std::int64_t n, float* y) {
    pool_.shareOut(n, chunksOf(2), [&](std::int64_t begin, std::int64_t end) {
        ops_.add(a + begin, b + begin, end - begin, y + begin);
    });
}

void CpuDevice::rope(const RopeTask& task) {
    const std::int64_t half = task.rope_dim / 2;
    pool_.shareOut(task.n_rows, chunksOf(task.n_heads * task.head_dim * 4), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t row = begin; row < end; ++row) {
            for (std::int64_t head = 0; head < task.n_heads; ++head) {
                ops_.rope(task.x + (row * task.n_heads + head) * task.head_dim, task.head_dim, task.rope_dim,
                          task.cos + row * half, task.sin + row * half, task.adjacent_pairs);
            }
        }
    });
}

void CpuDevice::storeKv(std::span<const KvRows> parts) {
    for (const KvRows& part : parts) {
        pool_.shareOut(part.n_rows, chunksOf(part.width * 2), [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t row = begin; row < end; ++row) {
                ops_.storeKv(part.type, part.rows + row * part.width, part.width,
                             part.stored + static_cast<std::size_t>(row) * part.row_bytes);
            }
        });
    }
}

// The rows of a task that one call takes for one K/V head.
void CpuDevice::attendRows(const AttentionTask& task, std::int64_t kv_head, std::int64_t row_begin,
                           std::int64_t row_end) const {
    thread_local AlignedVector<float> scores;
    std::array<kernels::AttentionArgs, kAttentionQueries> rows;
    const std::int64_t stride = task.n_kv_heads * task.head_bytes;
    const std::int64_t group = task.n_heads / task.n_kv_heads;
    std::size_t needed = 0;
    for (std::int64_t row = row_begin; row < row_end; ++row) {
        std::span<const std::int32_t> more;
        if (!task.paths.empty()) more = task.paths[static_cast<std::size_t>(row)];
        const std::int64_t range = task.paths.empty() ? task.first_kv + row : task.first_kv - 1;
        const std::int64_t seen = range + static_cast<std::int64_t>(more.size());
        const std::int64_t first = task.window > 0 ? std::max<std::int64_t>(0, seen - task.window) : 0;
        if (first > range) more = more.subspan(static_cast<std::size_t>(first - range));
        const std::int64_t q_offset = (row * task.n_heads + kv_head * group) * task.head_dim;
        const std::int64_t kv_offset = kv_head * task.head_bytes;
        kernels::AttentionArgs& args = rows[static_cast<std::size_t>(row - row_begin)];
        args.q = task.q + q_offset;
        args.n_heads = group;
        args.head_dim = task.head_dim;
        args.k = {task.kv_type, task.k + kv_offset, stride};
        args.v = {task.kv_type, task.v + kv_offset, stride};
        args.begin = std::min(first, range);
        args.end = range;
        args.more = more.data();
        args.n_more = static_cast<std::int64_t>(more.size());
        args.scale = 1.0F / std::sqrt(static_cast<float>(task.head_dim));
        args.sink = task.sinks == nullptr ? nullptr : task.sinks + kv_head * group;
        args.out = task.out + q_offset;
        args.f32_blocks = task.f32_blocks;
        args.score_stride = scoreStride(seen - first);
        needed += static_cast<std::size_t>(args.score_stride * group);
    }
    if (scores.size() < needed) scores.resize(needed + needed / 4);
    float* next = scores.data();
    for (std::int64_t i = 0; i < row_end - row_begin; ++i) {
        kernels::AttentionArgs& args = rows[static_cast<std::size_t>(i)];
        args.scores = next;
        next += args.score_stride * group;
    }
    ops_.attention(rows.data(), row_end - row_begin);
}

// Task after task and head after head, so that a thread stays with the keys and values of one; within it a few rows at
// a time, which share what they read.
void CpuDevice::attention(std::span<const AttentionTask> tasks) {
    if (tasks.empty()) return;
    const std::int64_t n_kv_heads = tasks.front().n_kv_heads;
    const std::int64_t group = tasks.front().n_heads / n_kv_heads;
    std::int64_t rows = 0;
    for (const AttentionTask& task : tasks) rows += task.n_rows;
    // No more rows together than leaves every thread something to do.
    const std::int64_t rows_of_thread = std::max<std::int64_t>(1, rows * n_kv_heads / pool_.size());
    const std::int64_t most_together = std::clamp<std::int64_t>(kAttentionQueries / group, 1, rows_of_thread);
    std::int64_t count = 0, work = 0;
    attention_items_.clear();
    for (const AttentionTask& task : tasks) {
        AttentionItems items;
        items.rows_together = most_together;
        items.tiles = (task.n_rows + items.rows_together - 1) / items.rows_together;
        count += n_kv_heads * items.tiles;
        items.end = count;
        attention_items_.push_back(items);
        work += n_kv_heads * items.tiles * (task.first_kv + task.n_rows) * task.head_dim * 2 * group *
                std::min(task.n_rows, items.rows_together);
    }
    pool_.shareOut(count, chunksOf(work / count), [&](std::int64_t begin, std::int64_t end) {
        auto at = static_cast<std::size_t>(
            std::upper_bound(attention_items_.begin(), attention_items_.end(), begin,
                             [](std::int64_t item, const AttentionItems& items) { return item < items.end; }) -
            attention_items_.begin());
        for (std::int64_t item = begin; item < end && !interrupted(); ++item) {
            if (item == attention_items_[at].end) ++at;
            const AttentionItems& items = attention_items_[at];
            const AttentionTask& task = tasks[at];
            const std::int64_t own = item - (items.end - n_kv_heads * items.tiles);
            const std::int64_t row = own % items.tiles * items.rows_together;
            attendRows(task, own / items.tiles, row, std::min(row + items.rows_together, task.n_rows));
        }
    });
}

}  // namespace quibble
