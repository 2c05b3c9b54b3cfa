// The CPU as a device: runs operations on batches of rows with all threads. The forward pass is written against this
// class and knows neither threads nor instruction sets. Used by one thread at a time (the engine thread).
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/aligned_vector.h"
#include "engine/base/thread_pool.h"
#include "engine/device/tuning.h"
#include "engine/model/model.h"
#include "engine/values/run_request.h"
#include "kernels/ops.h"

namespace quibble {

/// One product of several that share their input: y[row * outputs + o] = W x + bias.
struct LinearTask {
    const Linear* linear = nullptr;
    float* y = nullptr;          // [n_rows, outputs]
    std::int64_t first_row = 0;  // of the input
    std::int64_t n_rows = -1;    // -1: all from first_row on
};

/// How the products of a pass are made.
struct Products {
    Products(Arithmetic the_arithmetic, const Tuning& the_tuning = tuningOfFamily())
        : arithmetic(the_arithmetic), tuning(the_tuning) {}
    Arithmetic arithmetic;
    bool bf16_inputs =
        false;      // BF16 weights take inputs that are rounded to BF16; only on a device that has such products
    Tuning tuning;  // no bit depends on it
};

class CpuDevice {
public:
    explicit CpuDevice(int n_threads) : pool_(n_threads), ops_(kernels::ops()) {}

    [[nodiscard]] int threads() const { return pool_.size(); }
    [[nodiscard]] const char* isa() const { return ops_.isa; }
    /// Why there are no products of BF16 inputs; empty: there are.
    [[nodiscard]] std::string whyNoBf16Inputs() const { return kernels::whyNoMatmulBf16(ops_); }

    /// x: [n_rows, cols] dense, where cols is the input width of every task. picked: row i of the tasks' input is row
    /// picked[i] of x; empty: row i.
    void linear(const float* x, std::int64_t n_rows, Products products, std::span<const LinearTask> tasks,
                std::span<const std::int32_t> picked = {});
    void linear(const float* x, std::int64_t n_rows, Products products, std::initializer_list<LinearTask> tasks) {
        linear(x, n_rows, products, std::span<const LinearTask>(tasks.begin(), tasks.size()));
    }
    /// Row r of y (dense, cols wide) is the weight row ids[r] as floats.
    void embed(const kernels::WeightView& table, std::span<const TokenId> ids, float* y);
    void rmsNorm(const float* x, const float* gain, std::int64_t n_rows, std::int64_t dim, float eps, float* y);
    /// The gated activation of a feed-forward layer: silu(gate) * up, or its clamped form (kernels: swiGluClamped).
    void gate(const float* gate, const float* up, std::int64_t n, bool clamped, float* y);
    void add(const float* a, const float* b, std::int64_t n, float* y);

    struct RopeTask {
        float* x = nullptr;  // [n_rows, n_heads, head_dim]
        std::int64_t n_rows = 0, n_heads = 0, head_dim = 0, rope_dim = 0;
        const float* cos = nullptr;  // row r at cos + r * rope_dim / 2
        const float* sin = nullptr;
        bool adjacent_pairs = false;
    };
    void rope(const RopeTask& task);

    struct AttentionTask {
        const float* q = nullptr;  // [n_rows, n_heads, head_dim]
        const std::byte* k =
            nullptr;  // [positions, n_kv_heads] heads of head_bytes; row r sees the first first_kv + r positions
        const std::byte* v = nullptr;
        kernels::TensorType kv_type = kernels::TensorType::F32;
        std::int64_t head_bytes = 0;
        float* out = nullptr;  // as q
        std::int64_t n_rows = 0, n_heads = 0, n_kv_heads = 0, head_dim = 0;
        std::int64_t first_kv = 0;  // positions that row 0 sees, itself included
        std::int64_t window = 0;    // a row sees at most this many of the last of them; 0: all
        const float* sinks =
            nullptr;  // [n_heads] or nullptr: one more logit in the softmax of each head, whose share is dropped
        /// Rows of a token tree: row r sees the first first_kv - 1 positions and then those listed in paths[r], itself
        /// last. Empty: no tree.
        std::span<const std::vector<std::int32_t>> paths;
        bool f32_blocks = true;  // Tuning::f32_blocks
    };
    /// Tasks of one pass, each with a cache of its own, shared out together. Heads and their width are those of one
    /// model.
    void attention(std::span<const AttentionTask> tasks);
    void attention(const AttentionTask& task) { attention({&task, 1}); }

    /// Rows of `width` numbers that become stored rows of `row_bytes` bytes, one behind the other.
    struct KvRows {
        kernels::TensorType type = kernels::TensorType::F32;
        const float* rows = nullptr;  // [n_rows, width]
        std::int64_t n_rows = 0, width = 0;
        std::size_t row_bytes = 0;
        std::byte* stored = nullptr;
    };
    void storeKv(std::span<const KvRows> parts);

    /// From here to its end the device gives up long operations (products and attention) once a stop is asked for: what
    /// they have not written by then stays as it was. So the caller asks interrupted() before it uses their results.
    class Interruptible {
    public:
        Interruptible(CpuDevice& device, const std::stop_token& stop) : device_(device) { device_.stop_ = stop; }
        ~Interruptible() { device_.stop_ = {}; }
        Interruptible(const Interruptible&) = delete;
        Interruptible& operator=(const Interruptible&) = delete;

    private:
        CpuDevice& device_;
    };
    [[nodiscard]] bool interrupted() const { return stop_.stop_requested(); }

    /// Runs body(index) for every index in [0, count) on all threads.
    template <typename Body>
    void forEach(std::int64_t count, const Body& body) {
        pool_.shareOut(count, {}, [&](std::int64_t begin, std::int64_t end) {
            for (std::int64_t i = begin; i < end; ++i) body(i);
        });
    }

private:
    enum class Input { Float, Q8, Bf16 };
    struct Product {
        Input input = Input::Float;   // rounded or not
        std::int64_t first_unit = 0;  // in the joined list of outputs, each product padded to whole panels
        std::int64_t n_rows = 0;
        std::int32_t fetch_ahead = 0;  // kernels::MatmulPackedArgs, kernels::MatmulArgs
    };
    /// Rounds the rows of x into rounded_ or rounded_bf16_, which then hold the picked ones if there are any.
    void roundInput(Input input, const float* x, std::int64_t n_rows, std::int64_t cols,
                    std::span<const std::int32_t> picked);
    void pickRows(const std::byte* from, std::size_t row_bytes, std::span<const std::int32_t> rows,
                  AlignedVector<std::byte>& to);
    void product(const LinearTask& task, const Product& product, const float* x, std::int64_t begin,
                 std::int64_t end) const;

    void attendRows(const AttentionTask& task, std::int64_t kv_head, std::int64_t row_begin,
                    std::int64_t row_end) const;
    // The items of an attention: for each task its K/V heads, and for each of these a few rows at a time.
    struct AttentionItems {
        std::int64_t end = 0;  // of this task's items in the joined list
        std::int64_t rows_together = 1;
        std::int64_t tiles = 0;  // of a K/V head
    };

    ThreadPool pool_;
    std::stop_token stop_;  // of the innermost Interruptible
    const kernels::Ops& ops_;
    AlignedVector<std::byte> rounded_, rounded_bf16_,
        picked_floats_;                        // the current input; storage is kept between calls
    AlignedVector<std::byte> picked_rounded_;  // between two steps of rounding
    std::vector<Product> products_;
    std::vector<AttentionItems> attention_items_;
};

}  // namespace quibble
