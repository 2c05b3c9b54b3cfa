#include "tests/engine/forward/reference_forward.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>

#include "engine/values/check.h"
#include "kernels/ops.h"

namespace quibble::testing {

namespace {

using Vector = std::vector<double>;

struct Matrix {
    std::size_t rows = 0, cols = 0;
    Vector values;  // row after row
};

// IEEE 754 binary16.
double halfValue(std::uint16_t bits) {
    const int exponent = (bits >> 10) & 31, fraction = bits & 1023;
    const double magnitude = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
    return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

// The upper half of a binary32.
double bfloatValue(std::uint16_t bits) {
    const std::uint32_t wide = static_cast<std::uint32_t>(bits) << 16;
    float value = 0;
    std::memcpy(&value, &wide, sizeof value);
    return static_cast<double>(value);
}

bool isFloat(kernels::TensorType type) {
    return type == kernels::TensorType::F32 || type == kernels::TensorType::F16 || type == kernels::TensorType::BF16;
}

// What quantized blocks stand for: the scalar definition, which has goldens of an independent engine. Both ends must be
// ends of blocks.
Vector dequantized(const ModelTensor& tensor, std::size_t first, std::size_t count) {
    const kernels::TypeTraits& traits = *kernels::typeTraits(tensor.type);
    QUIBBLE_CHECK(first % traits.block_elements == 0 && count % traits.block_elements == 0,
                  "the reference reads whole blocks");
    std::vector<float> floats(count);
    kernels::allOps().front()->dequantizeRow(tensor.type,
                                             tensor.data + first / traits.block_elements * traits.block_bytes,
                                             static_cast<std::int64_t>(count), floats.data());
    return {floats.begin(), floats.end()};
}

// `count` numbers from `first` on.
Vector valuesOf(const ModelTensor& tensor, std::size_t first, std::size_t count) {
    if (!isFloat(tensor.type)) return dequantized(tensor, first, count);
    Vector values;
    values.reserve(count);
    for (std::size_t i = first; i < first + count; ++i) {
        if (tensor.type == kernels::TensorType::F32) {
            float value = 0;
            std::memcpy(&value, tensor.data + 4 * i, sizeof value);
            values.push_back(static_cast<double>(value));
            continue;
        }
        std::uint16_t bits = 0;
        std::memcpy(&bits, tensor.data + 2 * i, sizeof bits);
        values.push_back(tensor.type == kernels::TensorType::F16 ? halfValue(bits) : bfloatValue(bits));
    }
    return values;
}
Vector valuesOf(const ModelTensor& tensor) { return valuesOf(tensor, 0, static_cast<std::size_t>(tensor.elements())); }

Vector product(const Matrix& w, const Vector& x) {
    QUIBBLE_CHECK(w.cols == x.size(), "a matrix fits its input");
    Vector y(w.rows, 0.0);
    // Four rows side by side, each from its first column to its last: a sum of a large model would else wait for itself
    // most of the time.
    const std::size_t fours = w.rows / 4 * 4;
    for (std::size_t row = 0; row < fours; row += 4) {
        const double* values = w.values.data() + row * w.cols;
        double a = 0, b = 0, c = 0, d = 0;
        for (std::size_t col = 0; col < w.cols; ++col) {
            a += values[col] * x[col];
            b += values[w.cols + col] * x[col];
            c += values[2 * w.cols + col] * x[col];
            d += values[3 * w.cols + col] * x[col];
        }
        y[row] = a, y[row + 1] = b, y[row + 2] = c, y[row + 3] = d;
    }
    for (std::size_t row = fours; row < w.rows; ++row) {
        for (std::size_t col = 0; col < w.cols; ++col) y[row] += w.values[row * w.cols + col] * x[col];
    }
    return y;
}

void addTo(Vector& x, const Vector& y) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] += y[i];
}

// x / sqrt(mean(x^2) + eps) * gain over the `count` numbers from `first` on.
void normalise(Vector& x, std::size_t first, std::size_t count, const Vector& gain, double eps) {
    double squares = 0;
    for (std::size_t i = first; i < first + count; ++i) squares += x[i] * x[i];
    const double root = std::sqrt(squares / static_cast<double>(count) + eps);
    for (std::size_t i = 0; i < count; ++i) x[first + i] *= gain[i] / root;
}

Vector softmax(const Vector& scores) {
    const double top = *std::max_element(scores.begin(), scores.end());
    Vector shares;
    for (const double score : scores) shares.push_back(std::exp(score - top));
    const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
    for (double& share : shares) share /= sum;
    return shares;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

class Reference {
public:
    explicit Reference(const ModelFile& file) : file_(file), architecture_(*file.getString("general.architecture")) {
        layers_ = whole("block_count");
        heads_ = whole("attention.head_count");
        kv_heads_ = whole("attention.head_count_kv");
        head_dim_ = file.getUint(architecture_ + ".attention.key_length") ? whole("attention.key_length")
                                                                          : whole("embedding_length") / heads_;
        eps_ = number("attention.layer_norm_rms_epsilon", 1e-5);
        experts_ = static_cast<std::size_t>(number("expert_count", 0));
        buildRotation();
    }

    ReferenceLogits run(std::span<const TokenId> tokens) {
        const ModelTensor& embedding = *file_.tensor("token_embd.weight");
        const auto width = static_cast<std::size_t>(embedding.dims[0]);
        std::vector<Vector> x;
        for (const TokenId token : tokens)
            x.push_back(valuesOf(embedding, static_cast<std::size_t>(token) * width, width));
        for (std::size_t layer = 0; layer < layers_; ++layer) {
            const std::string prefix = "blk." + std::to_string(layer) + ".";
            attend(prefix, layer, x);
            feedForward(prefix, x);
        }
        const Matrix output =
            file_.tensor("output.weight") != nullptr ? matrix("output.weight") : matrix("token_embd.weight");
        const Vector gain = valuesOf(*file_.tensor("output_norm.weight"));
        for (Vector& row : x) {
            normalise(row, 0, row.size(), gain, eps_);
            const Vector logits = product(output, row);
            result_.logits.insert(result_.logits.end(), logits.begin(), logits.end());
        }
        return std::move(result_);
    }

private:
    bool is(std::string_view name) const { return architecture_ == name; }
    std::size_t whole(const std::string& key) const {
        return static_cast<std::size_t>(*file_.getUint(architecture_ + "." + key));
    }
    double number(const std::string& key, double otherwise) const {
        return file_.getFloat(architecture_ + "." + key).value_or(otherwise);
    }

    // A matrix, or one of a stack.
    Matrix matrix(const std::string& name, std::size_t index = 0) const {
        const ModelTensor* tensor = file_.tensor(name);
        QUIBBLE_CHECK(tensor != nullptr, "the reference finds every tensor");
        Matrix m;
        m.cols = static_cast<std::size_t>(tensor->dims[0]);
        m.rows = static_cast<std::size_t>(tensor->dims[1]);
        m.values = valuesOf(*tensor, index * m.rows * m.cols, m.rows * m.cols);
        return m;
    }
    static Matrix rowsOf(const Matrix& all, std::size_t first, std::size_t count) {
        Matrix part{count, all.cols, {}};
        const auto begin = all.values.begin() + static_cast<std::ptrdiff_t>(first * all.cols);
        part.values.assign(begin, begin + static_cast<std::ptrdiff_t>(count * all.cols));
        return part;
    }
    // Empty: no such tensor.
    Vector vectorOf(const std::string& name) const {
        const ModelTensor* tensor = file_.tensor(name);
        return tensor == nullptr ? Vector() : valuesOf(*tensor);
    }
    struct Layer {
        Matrix w;
        Vector bias;  // may be empty
        Vector operator()(const Vector& x) const {
            Vector y = product(w, x);
            if (!bias.empty()) addTo(y, bias);
            return y;
        }
    };
    Layer layerOf(const std::string& name) const { return {matrix(name + ".weight"), vectorOf(name + ".bias")}; }
    // `count` outputs from `first` on of a tensor that holds several layers on top of each other.
    Layer partOf(const std::string& name, std::size_t first, std::size_t count) const {
        Layer all = layerOf(name);
        Layer part{rowsOf(all.w, first, count), {}};
        if (!all.bias.empty())
            part.bias.assign(all.bias.begin() + static_cast<std::ptrdiff_t>(first),
                             all.bias.begin() + static_cast<std::ptrdiff_t>(first + count));
        return part;
    }
    Layer expertOf(const std::string& name, std::size_t expert) const {
        if (file_.tensor(name + "_exps.weight") == nullptr) return layerOf(name + "." + std::to_string(expert));
        Layer one{matrix(name + "_exps.weight", expert), {}};
        if (const ModelTensor* bias = file_.tensor(name + "_exps.bias"); bias != nullptr) {
            one.bias = valuesOf(*bias, expert * one.w.rows, one.w.rows);
        }
        return one;
    }

    // Rotary embedding: pair i of a head turns by position * base^(-2 i / dim), slowed by the scaling of the file. YaRN
    // (arXiv 2309.00071, section 3.4, with the ramp over the pairs as its published code has it): pairs that turn more
    // than beta_fast times within the original context keep their frequency, those that turn less than beta_slow times
    // are divided by the factor.
    void buildRotation() {
        const double dim = number("rope.dimension_count", static_cast<double>(head_dim_)),
                     base = number("rope.freq_base", 10000);
        const Vector divisors = vectorOf("rope_freqs.weight");
        const std::string scaling(file_.getString(architecture_ + ".rope.scaling.type").value_or("linear"));
        double factor = scaling == "none" ? 1 : number("rope.scaling.factor", number("rope.scale_linear", 1));
        if (factor == 0) factor = 1;
        const auto pairThatTurns = [&](double turns) {
            const double original = number("rope.scaling.original_context_length", number("context_length", 0));
            return dim / 2 * std::log(original / (2 * std::numbers::pi * turns)) / std::log(base);
        };
        double begin = pairThatTurns(number("rope.scaling.yarn_beta_fast", 32)),
               end = pairThatTurns(number("rope.scaling.yarn_beta_slow", 1));
        if (file_.getBool(architecture_ + ".rope.scaling.yarn_truncate").value_or(true)) {
            begin = std::floor(begin);
            end = std::ceil(end);
        }
        begin = std::max(begin, 0.0);
        end = std::min(end, dim - 1);
        for (double pair = 0; pair < dim / 2; ++pair) {
            double turn = std::pow(base, -2 * pair / dim);
            if (!divisors.empty()) turn /= divisors[static_cast<std::size_t>(pair)];
            if (scaling == "yarn") {
                const double ramp = std::min(1.0, std::max(0.0, (pair - begin) / std::max(end - begin, 0.001)));
                const double kept = (1 - ramp) * number("rope.scaling.yarn_ext_factor", 1);
                turn = kept * turn + (1 - kept) * turn / factor;
            } else {
                turn /= factor;
            }
            turns_.push_back(turn);
        }
        length_ = number("rope.scaling.attn_factor", 1);
        if (scaling == "yarn" && number("rope.scaling.yarn_ext_factor", 1) != 0) length_ *= 0.1 * std::log(factor) + 1;
    }
    // llama turns neighbours, the others a number of the first half with its partner in the second.
    void rotate(Vector& heads, std::size_t first, double position) const {
        const std::size_t pairs = turns_.size();
        for (std::size_t i = 0; i < pairs; ++i) {
            double& a = heads[first + (is("llama") ? 2 * i : i)];
            double& b = heads[first + (is("llama") ? 2 * i + 1 : i + pairs)];
            const double c = length_ * std::cos(position * turns_[i]), s = length_ * std::sin(position * turns_[i]);
            const double turned = a * c - b * s;
            b = a * s + b * c;
            a = turned;
        }
    }
    void normaliseHeads(Vector& x, const Vector& gain) const {
        if (is("olmoe")) normalise(x, 0, x.size(), gain, eps_);
        if (!is("qwen3") && !is("qwen3moe")) return;
        for (std::size_t first = 0; first < x.size(); first += head_dim_) normalise(x, first, head_dim_, gain, eps_);
    }

    void attend(const std::string& prefix, std::size_t layer, std::vector<Vector>& x) {
        const std::size_t width_q = heads_ * head_dim_, width_kv = kv_heads_ * head_dim_;
        const bool fused = file_.tensor(prefix + "attn_qkv.weight") != nullptr;
        const Layer wq = fused ? partOf(prefix + "attn_qkv", 0, width_q) : layerOf(prefix + "attn_q");
        const Layer wk = fused ? partOf(prefix + "attn_qkv", width_q, width_kv) : layerOf(prefix + "attn_k");
        const Layer wv = fused ? partOf(prefix + "attn_qkv", width_q + width_kv, width_kv) : layerOf(prefix + "attn_v");
        const Layer wo = layerOf(prefix + "attn_output");
        const Vector gain = vectorOf(prefix + "attn_norm.weight");
        const Vector gain_q = vectorOf(prefix + "attn_q_norm.weight"), gain_k = vectorOf(prefix + "attn_k_norm.weight");
        std::vector<Vector> q, k, v;
        for (std::size_t p = 0; p < x.size(); ++p) {
            Vector normed = x[p];
            normalise(normed, 0, normed.size(), gain, eps_);
            q.push_back(wq(normed));
            k.push_back(wk(normed));
            v.push_back(wv(normed));
            normaliseHeads(q[p], gain_q);
            normaliseHeads(k[p], gain_k);
            for (std::size_t h = 0; h < heads_; ++h) rotate(q[p], h * head_dim_, static_cast<double>(p));
            for (std::size_t h = 0; h < kv_heads_; ++h) rotate(k[p], h * head_dim_, static_cast<double>(p));
        }
        const Vector sinks = is("gpt-oss") ? vectorOf(prefix + "attn_sinks.weight") : Vector();
        // gpt-oss: of every `period` layers (two, where the file is silent) all but the last see only the last `window`
        // positions; 0: all.
        const auto period = static_cast<std::size_t>(number("attention.sliding_window_pattern", 2));
        const bool windowed = is("gpt-oss") && (period == 0 || (layer + 1) % period != 0);
        const std::size_t window = windowed ? whole("attention.sliding_window") : x.size();
        for (std::size_t p = 0; p < x.size(); ++p) {
            Vector mixed(width_q, 0.0);
            for (std::size_t h = 0; h < heads_; ++h) {
                const std::size_t at_q = h * head_dim_, at_kv = h / (heads_ / kv_heads_) * head_dim_;
                const std::size_t first = p + 1 > window ? p + 1 - window : 0;
                Vector scores;
                for (std::size_t seen = first; seen <= p; ++seen) {
                    double dot = 0;
                    for (std::size_t i = 0; i < head_dim_; ++i) dot += q[p][at_q + i] * k[seen][at_kv + i];
                    scores.push_back(dot / std::sqrt(static_cast<double>(head_dim_)));
                }
                if (!sinks.empty()) scores.push_back(sinks[h]);
                const Vector shares = softmax(scores);
                for (std::size_t seen = first; seen <= p; ++seen) {
                    for (std::size_t i = 0; i < head_dim_; ++i)
                        mixed[at_q + i] += shares[seen - first] * v[seen][at_kv + i];
                }
            }
            addTo(x[p], wo(mixed));
        }
    }

    // Wd (silu(Wg x) * Wu x); gpt-oss: Wd (min(g, 7) sigmoid(1.702 min(g, 7)) (clamp(u, -7, 7) + 1)).
    Vector gated(const Layer& gate, const Layer& up, const Layer& down, const Vector& x) {
        Vector g = gate(x);
        const Vector u = up(x);
        for (std::size_t i = 0; i < g.size(); ++i) {
            result_.largest_gate = std::max({result_.largest_gate, std::abs(g[i]), std::abs(u[i])});
            if (is("gpt-oss")) {
                const double limited = std::min(g[i], 7.0);
                g[i] = limited * sigmoid(1.702 * limited) * (std::clamp(u[i], -7.0, 7.0) + 1);
            } else {
                g[i] = g[i] * sigmoid(g[i]) * u[i];
            }
        }
        return down(g);
    }

    void feedForward(const std::string& prefix, std::vector<Vector>& x) {
        const Vector gain = vectorOf(prefix + (is("gpt-oss") ? "post_attention_norm.weight" : "ffn_norm.weight"));
        if (experts_ == 0) {
            const Layer gate = layerOf(prefix + "ffn_gate"), up = layerOf(prefix + "ffn_up"),
                        down = layerOf(prefix + "ffn_down");
            for (Vector& row : x) {
                Vector normed = row;
                normalise(normed, 0, normed.size(), gain, eps_);
                addTo(row, gated(gate, up, down, normed));
            }
            return;
        }
        const Layer router = layerOf(prefix + "ffn_gate_inp");
        std::vector<Layer> gates, ups, downs;
        for (std::size_t e = 0; e < experts_; ++e) {
            downs.push_back(expertOf(prefix + "ffn_down", e));
            if (file_.tensor(prefix + "ffn_gate_up_exps.weight") == nullptr) {
                gates.push_back(expertOf(prefix + "ffn_gate", e));
                ups.push_back(expertOf(prefix + "ffn_up", e));
                continue;
            }
            const Layer both = expertOf(prefix + "ffn_gate_up", e);
            const std::size_t half = both.w.rows / 2;
            const auto middle = both.bias.begin() + static_cast<std::ptrdiff_t>(both.bias.size() / 2);
            gates.push_back({rowsOf(both.w, 0, half), {both.bias.begin(), middle}});
            ups.push_back({rowsOf(both.w, half, half), {middle, both.bias.end()}});
        }
        for (Vector& row : x) {
            Vector normed = row;
            normalise(normed, 0, normed.size(), gain, eps_);
            for (const auto& [expert, weight] : chosen(router(normed))) {
                Vector part = gated(gates[expert], ups[expert], downs[expert], normed);
                for (double& value : part) value *= weight;
                addTo(row, part);
            }
        }
    }

    // The experts with the largest logits and their weights. olmoe: their shares of a softmax over all; llama and
    // qwen3moe: those shares divided by their sum (at least 2^-14); gpt-oss: a softmax over the chosen.
    std::vector<std::pair<std::size_t, double>> chosen(const Vector& logits) {
        std::vector<std::size_t> order(logits.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return logits[a] > logits[b]; });
        const std::size_t used = whole("expert_used_count");
        if (used < order.size())
            result_.smallest_router_gap =
                std::min(result_.smallest_router_gap, logits[order[used - 1]] - logits[order[used]]);
        order.resize(used);
        Vector weights;
        if (is("gpt-oss")) {
            for (const std::size_t expert : order) weights.push_back(logits[expert]);
            weights = softmax(weights);
        } else {
            const Vector shares = softmax(logits);
            for (const std::size_t expert : order) weights.push_back(shares[expert]);
            if (file_.getBool(architecture_ + ".expert_weights_norm").value_or(!is("olmoe"))) {
                const double sum = std::max(std::accumulate(weights.begin(), weights.end(), 0.0), std::ldexp(1.0, -14));
                for (double& weight : weights) weight /= sum;
            }
        }
        const double scale = number("expert_weights_scale", 1);
        std::vector<std::pair<std::size_t, double>> all;
        for (std::size_t i = 0; i < used; ++i) all.emplace_back(order[i], weights[i] * (scale == 0 ? 1 : scale));
        return all;
    }

    const ModelFile& file_;
    std::string architecture_;
    std::size_t layers_ = 0, heads_ = 0, kv_heads_ = 0, head_dim_ = 0, experts_ = 0;
    double eps_ = 0;
    Vector turns_;  // of each pair, radians a position
    double length_ = 1;
    ReferenceLogits result_{{}, std::numeric_limits<double>::infinity(), 0};
};

}  // namespace

ReferenceLogits referenceForward(const ModelFile& file, std::span<const TokenId> tokens) {
    return Reference(file).run(tokens);
}

}  // namespace quibble::testing
