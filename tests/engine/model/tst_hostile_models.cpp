// Model files that contradict themselves: every key and every tensor that is missing, of another kind or of another
// size is refused by its name, before anything is computed. (The container itself: tst_gguf_file; parts of a split
// file: tst_gguf_split.)
#include <QTest>

#include <cmath>
#include <functional>
#include <limits>

#include "engine/device/cpu/cpu_device.h"
#include "engine/forward/sequence.h"
#include "tests/support/random_model.h"

using namespace quibble;
using namespace quibble::testing;
using kernels::TensorType;

namespace {

RandomShape shapeOf(std::string_view architecture) {
    RandomShape shape;
    shape.architecture = architecture;
    if (architecture == "mixtral") shape.architecture = "llama";
    if (architecture == "mixtral" || architecture == "qwen3moe" || architecture == "olmoe" ||
        architecture == "gpt-oss") {
        shape.experts = 4;
        shape.experts_used = 2;
    }
    shape.d_ff = 40;
    shape.rope_factors = architecture == "llama";
    return shape;
}
constexpr const char* kArchitectures[] = {"llama", "mixtral", "qwen2", "qwen3", "qwen3moe", "olmoe", "gpt-oss"};

// What is said about the model; empty when it loads and computes.
std::string faultOf(const RandomModel& model) {
    const auto loaded = load(model, {});
    if (!loaded) {
        if (loaded.error().what.empty() || loaded.error().hint.empty()) return "an error without words";
        return loaded.error().line();
    }
    CpuDevice device(1);
    auto sequence = Sequence::create(loaded->model, device, 4, Arithmetic::Native);
    if (!sequence) return sequence.error().line();
    const std::vector<TokenId> tokens{1, 2, 3};
    std::vector<float> logits(static_cast<std::size_t>(loaded->model->config().vocab_size));
    const auto computed = (*sequence)->append(tokens, 1, logits.data());
    return computed ? std::string() : computed.error().line();
}

struct Fault {
    const char* name;
    const char* architecture;
    std::function<void(RandomModel&)> damage;
    const char* said;
};

std::string floatsAsBytes(std::vector<float> values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::vector<Fault> faults() {
    using M = RandomModel&;
    const auto key = [](const char* name, KeyValue value) { return [=](M m) { m.set(name, value); }; };
    const auto shape = [](const char* name, std::vector<std::uint64_t> dims) {
        return [=](M m) { m.reshape(name, dims); };
    };
    const auto factor = [](float value) {
        return [=](M m) { m.tensor("rope_freqs.weight").bytes.replace(4, 4, floatsAsBytes({value})); };
    };
    constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
    return {
        {"no experts, but their tensors", "mixtral", key("expert_count", 0U), "blk.0.ffn_gate.weight is missing"},
        {"no experts where there must be", "qwen3moe", key("expert_count", 0U), "without experts"},
        {"experts where there are none", "qwen2",
         [](M m) { m.set("expert_count", 4U), m.set("expert_used_count", 2U); }, "qwen2 with experts"},
        {"more experts than tensors", "olmoe", key("expert_count", 5U),
         "blk.0.ffn_gate_inp.weight is [4, 64], expected [5, 64]"},
        {"fewer experts than tensors", "olmoe", key("expert_count", 3U),
         "blk.0.ffn_gate_inp.weight is [4, 64], expected [3, 64]"},
        {"absurdly many experts", "qwen3moe", key("expert_count", 4294967295U),
         "expert_count is 4294967295, outside 0 to 4096"},
        {"experts as text", "qwen3moe", key("expert_count", std::string("four")),
         "qwen3moe.expert_count is not a single whole number"},
        {"none of the experts used", "gpt-oss", key("expert_used_count", 0U), "expert_used_count is 0, outside 1 to 4"},
        {"more used than there are", "gpt-oss", key("expert_used_count", 5U), "expert_used_count is 5, outside 1 to 4"},
        {"unknown how many are used", "gpt-oss", [](M m) { m.remove("expert_used_count"); },
         "gpt-oss.expert_used_count is missing"},
        {"another width of experts", "mixtral", key("expert_feed_forward_length", 41U),
         "blk.0.ffn_gate_exps.weight is [4, 40, 64], expected [4, 41, 64]"},
        {"shared experts", "qwen3moe", key("expert_shared_count", 1U),
         "expert_shared_count is 1, which is not supported"},
        {"another gating", "olmoe", key("expert_gating_func", 2U), "expert_gating_func is 2, which is not supported"},
        {"weights scaled by nothing sensible", "olmoe", key("expert_weights_scale", kNan), "expert_weights_scale is"},
        {"a stack turned round", "qwen3moe", shape("blk.1.ffn_up_exps.weight", {40, 64, 4}),
         "blk.1.ffn_up_exps.weight is [4, 64, 40], expected [4, 40, 64]"},
        {"a stack of one fewer", "qwen3moe", shape("blk.1.ffn_down_exps.weight", {40, 64, 3}),
         "blk.1.ffn_down_exps.weight is [3, 64, 40], expected [4, 64, 40]"},
        {"a stack that is flat", "qwen3moe", shape("blk.0.ffn_gate_exps.weight", {64, 160}),
         "blk.0.ffn_gate_exps.weight is [160, 64]"},
        {"a stack of stacks", "qwen3moe", shape("blk.0.ffn_gate_exps.weight", {64, 40, 4, 2}),
         "blk.0.ffn_gate_exps.weight is [2, 4, 40, 64]"},
        {"a stack and single experts", "mixtral",
         [](M m) {
             m.tensors.push_back({"blk.0.ffn_up.0.weight", {64, 40}, TensorType::F32, std::string(64 * 40 * 4, '\0')});
         },
         "blk.0.ffn_up.0.weight belongs to no part"},
        {"biases of too few experts", "gpt-oss", shape("blk.0.ffn_up_exps.bias", {40, 3}),
         "blk.0.ffn_up_exps.bias is F32 [3, 40], expected 160 floats"},
        {"a router for other experts", "gpt-oss", shape("blk.1.ffn_gate_inp.weight", {64, 8}),
         "blk.1.ffn_gate_inp.weight is [8, 64], expected [4, 64]"},
        {"sinks for other heads", "gpt-oss", shape("blk.0.attn_sinks.weight", {3}),
         "blk.0.attn_sinks.weight is F32 [3], expected 4 floats"},
        {"sinks of each head and position", "gpt-oss", shape("blk.0.attn_sinks.weight", {4, 2}),
         "blk.0.attn_sinks.weight is F32 [2, 4], expected 4 floats"},
        {"no window", "gpt-oss", [](M m) { m.remove("attention.sliding_window"); },
         "gpt-oss.attention.sliding_window is missing"},
        {"a window of nothing", "gpt-oss", key("attention.sliding_window", 0U), "attention.sliding_window is 0"},
        {"windows in other layers", "gpt-oss", key("attention.sliding_window_pattern", std::vector<std::int32_t>{0, 1}),
         "sliding_window_pattern differs from layer to layer"},
        {"windows for too few layers", "gpt-oss", key("attention.sliding_window_pattern", std::vector<std::int32_t>{1}),
         "sliding_window_pattern does not have one entry a layer"},
        {"windows as text", "gpt-oss", key("attention.sliding_window_pattern", std::string("all")),
         "sliding_window_pattern is not a single whole number"},
        {"no epsilon", "llama", [](M m) { m.remove("attention.layer_norm_rms_epsilon"); },
         "llama.attention.layer_norm_rms_epsilon is missing"},
        {"queries cut off", "olmoe", key("attention.clamp_kqv", 8.0F),
         "attention.clamp_kqv is 8.000000, which is not supported"},
        {"another scale of attention", "llama", key("attention.scale", 0.5F),
         "attention.scale is 0.500000, which is not supported"},
        {"scaled logits", "llama", key("logit_scale", 0.0625F), "logit_scale is 0.062500, which is not supported"},
        {"bent logits", "llama", key("final_logit_softcapping", 30.0F),
         "final_logit_softcapping is 30.000000, which is not supported"},
        {"attention both ways", "qwen3", key("attention.causal", false),
         "attention.causal is false, which is not supported"},
        {"too few rope factors", "llama", shape("rope_freqs.weight", {7}),
         "rope_freqs.weight is F32 [7], expected 8 floats"},
        {"too many rope factors", "llama", shape("rope_freqs.weight", {16}),
         "rope_freqs.weight is F32 [16], expected 8 floats"},
        {"a rope factor of zero", "llama", factor(0),
         "rope_freqs.weight holds a divisor that is not a positive number"},
        {"a negative rope factor", "llama", factor(-1),
         "rope_freqs.weight holds a divisor that is not a positive number"},
        {"a rope factor that is no number", "llama", factor(kNan),
         "rope_freqs.weight holds a divisor that is not a positive number"},
        {"an endless rope factor", "llama", factor(kInf),
         "rope_freqs.weight holds a divisor that is not a positive number"},
        {"an odd number of turned dimensions", "qwen2", key("rope.dimension_count", 15U),
         "rope.dimension_count is odd"},
        {"more turned dimensions than a head has", "qwen2", key("rope.dimension_count", 18U),
         "rope.dimension_count is odd or larger than a head"},
        {"a rope base of zero", "qwen3", key("rope.freq_base", 0.0F), "rope.freq_base is 0"},
        {"a rope base that is no number", "qwen3", key("rope.freq_base", kNan), "rope.freq_base is"},
        {"a rope base as text", "qwen3", key("rope.freq_base", std::string("10000")),
         "qwen3.rope.freq_base is not a number"},
        {"a window that turns by another base", "gpt-oss", key("rope.freq_base_swa", 5.0F), "rope.freq_base_swa is 5"},
        {"YaRN's factor as text", "llama", key("rope.scaling.yarn_attn_factor", std::string("1")),
         "rope.scaling.yarn_attn_factor is not a number"},
        {"a rope scaling that nobody knows", "llama", key("rope.scaling.type", std::string("longrope")),
         "RoPE scaling \"longrope\" is not supported"},
        {"a rope scaling that is a number", "llama", key("rope.scaling.type", 2U),
         "llama.rope.scaling.type is not a text"},
        {"a negative rope scaling", "llama", key("rope.scaling.factor", -4.0F), "rope.scaling.factor is -4"},
        {"an endless rope scaling", "llama", key("rope.scaling.factor", kInf), "rope.scaling.factor is inf"},
        {"a vanishing rope scaling", "llama", key("rope.scaling.factor", 1e-30F), "rope.scaling.factor is below"},
        {"YaRN that shrinks", "gpt-oss",
         [](M m) { m.set("rope.scaling.type", std::string("yarn")), m.set("rope.scaling.factor", 0.5F); },
         "rope.scaling.factor is below 1"},
        {"YaRN without a context", "gpt-oss",
         [](M m) {
             m.set("rope.scaling.type", std::string("yarn")), m.set("rope.scaling.original_context_length", 0U);
         },
         "original_context_length is 0"},
        {"YaRN with no turns", "gpt-oss",
         [](M m) { m.set("rope.scaling.type", std::string("yarn")), m.set("rope.scaling.yarn_beta_fast", 0.0F); },
         "yarn_beta_fast is 0"},
        {"YaRN cut as a number", "gpt-oss",
         [](M m) { m.set("rope.scaling.type", std::string("yarn")), m.set("rope.scaling.yarn_truncate", 1U); },
         "yarn_truncate is not true or false"},
        {"query heads that do not divide", "qwen3", key("attention.head_count", 3U),
         "attention.head_count is not a multiple"},
        {"no K/V heads", "qwen3", key("attention.head_count_kv", 0U), "attention.head_count_kv is 0"},
        {"layers of different heads", "qwen3", key("attention.head_count_kv", std::vector<std::int32_t>{2, 1}),
         "head_count_kv differs from layer to layer"},
        {"a list of no heads", "qwen3", key("attention.head_count_kv", std::vector<std::int32_t>{}),
         "head_count_kv is not a single whole number"},
        {"negative heads", "qwen3", key("attention.head_count_kv", std::vector<std::int32_t>{-1, -1}),
         "head_count_kv is not a single whole number"},
        {"values of another size", "qwen3", key("attention.value_length", 8U), "value_length differs"},
        {"more layers than tensors", "llama", key("block_count", 3U), "blk.2.attn_norm.weight is missing"},
        {"fewer layers than tensors", "llama", key("block_count", 1U), "blk.1."},
        {"absurdly many layers", "llama", key("block_count", 4294967295U), "block_count is 4294967295"},
        {"a norm with rounded weights", "qwen3",
         [](M m) {
             m.tensor("blk.0.attn_norm.weight") = {
                 "blk.0.attn_norm.weight", {64}, TensorType::Q8_0, std::string(68, '\1')};
         },
         "blk.0.attn_norm.weight is Q8_0 [64], expected 64 floats"},
        {"a token more than the embedding has rows", "llama", shape("token_embd.weight", {64, 47}),
         "48 tokens but token_embd.weight only 47 rows"},
        {"an embedding of no vocabulary", "llama", shape("token_embd.weight", {64}),
         "token_embd.weight is not a matrix"},
        {"an output for other tokens", "llama", shape("output.weight", {64, 49}),
         "output.weight is [49, 64], expected [48, 64]"},
    };
}

// May be left out: other models of the architecture have none.
bool isOptional(const std::string& tensor) { return tensor == "output.weight" || tensor == "rope_freqs.weight"; }

bool says(const std::string& fault, const std::string& part) { return fault.find(part) != std::string::npos; }

}  // namespace

class TestHostileModels : public QObject {
    Q_OBJECT

    static void addArchitectures() {
        QTest::addColumn<QString>("architecture");
        for (const char* architecture : kArchitectures) QTest::newRow(architecture) << architecture;
    }
    static RandomModel modelOfRow() {
        QFETCH(QString, architecture);
        return makeRandomModel(shapeOf(architecture.toStdString()));
    }

private slots:
    void contradictions_data() {
        QTest::addColumn<int>("index");
        int index = 0;
        for (const Fault& fault : faults()) QTest::addRow("%s: %s", fault.architecture, fault.name) << index++;
    }
    void contradictions() {
        QFETCH(int, index);
        const Fault fault = faults()[static_cast<std::size_t>(index)];
        RandomModel model = makeRandomModel(shapeOf(fault.architecture));
        QCOMPARE(faultOf(model), std::string());
        fault.damage(model);
        const std::string said = faultOf(model);
        QVERIFY2(says(said, fault.said), said.c_str());
        QVERIFY2(says(said, "random.gguf"), said.c_str());
    }

    // Fused stacks and single experts have other names to get wrong.
    void fusedAndSingleExperts() {
        RandomShape fused = shapeOf("gpt-oss");
        fused.fused = true;
        RandomModel model = makeRandomModel(fused);
        QCOMPARE(faultOf(model), std::string());
        RandomModel odd = model;
        odd.reshape("blk.0.ffn_gate_up_exps.weight", {64, 79, 4});
        QVERIFY(says(faultOf(odd), "blk.0.ffn_gate_up_exps.weight is [4, 79, 64], expected [4, 80, 64]"));
        odd = model;
        odd.reshape("blk.1.attn_qkv.bias", {100});
        QVERIFY(says(faultOf(odd), "blk.1.attn_qkv.bias is F32 [100], expected 128 floats"));
        odd = model;
        odd.reshape("blk.1.attn_qkv.weight", {64, 127});
        QVERIFY(says(faultOf(odd), "blk.1.attn_qkv.weight is [127, 64], expected [128, 64]"));

        RandomShape single = shapeOf("mixtral");
        single.single_experts = true;
        model = makeRandomModel(single);
        QCOMPARE(faultOf(model), std::string());
        odd = model;
        odd.removeTensor("blk.1.ffn_down.2.weight");
        QVERIFY(says(faultOf(odd), "blk.1.ffn_down.2.weight is missing"));
        odd = model;
        odd.reshape("blk.1.ffn_down.3.weight", {64, 40});
        QVERIFY(says(faultOf(odd), "blk.1.ffn_down.3.weight is [40, 64], expected [64, 40]"));
        odd = model;
        odd.tensors.push_back({"blk.0.ffn_up.4.weight", {64, 40}, TensorType::F32, std::string(64 * 40 * 4, '\0')});
        QVERIFY(says(faultOf(odd), "blk.0.ffn_up.4.weight belongs to no part"));
    }

    void everyTensorIsAskedForByName_data() { addArchitectures(); }
    void everyTensorIsAskedForByName() {
        const RandomModel whole = modelOfRow();
        for (const RandomTensor& tensor : whole.tensors) {
            RandomModel model = whole;
            model.removeTensor(tensor.name);
            const std::string missing = faultOf(model);
            const bool bias =
                tensor.name.ends_with(".bias") && whole.architecture != "gpt-oss" && whole.architecture != "qwen2";
            if (!isOptional(tensor.name) && !bias)
                QVERIFY2(says(missing, "tensor " + tensor.name + " is missing"),
                         (tensor.name + ": " + missing).c_str());
            else
                QCOMPARE(missing, std::string());

            for (std::size_t dim = 0; dim < tensor.dims.size(); ++dim) {
                for (const std::uint64_t size : {tensor.dims[dim] + 1, tensor.dims[dim] - 1}) {
                    // More rows of the embedding are tokens without a name.
                    if (tensor.name == "token_embd.weight" && dim == 1) continue;
                    std::vector<std::uint64_t> dims = tensor.dims;
                    dims[dim] = size;
                    model = whole;
                    model.reshape(tensor.name, dims);
                    const std::string said = faultOf(model);
                    QVERIFY2(says(said, "tensor " + tensor.name + " is "), (tensor.name + ": " + said).c_str());
                }
            }
        }
    }

    void everyKeyOfAnotherKindIsNamed_data() { addArchitectures(); }
    void everyKeyOfAnotherKindIsNamed() {
        const RandomModel whole = modelOfRow();
        for (const auto& [name, value] : whole.keys) {
            if (!name.starts_with(whole.architecture + ".")) continue;
            RandomModel model = whole;
            model.set(name.substr(whole.architecture.size() + 1), std::string("text"));
            const std::string said = faultOf(model);
            QVERIFY2(says(said, name + " is not a"), (name + ": " + said).c_str());
        }
    }

    // Any number in any key is refused with words, or it is one that means something: then the model computes.
    void anyNumberInAnyKeyIsSafe_data() { addArchitectures(); }
    void anyNumberInAnyKeyIsSafe() {
        const RandomModel whole = modelOfRow();
        for (const auto& [name, value] : whole.keys) {
            if (!name.starts_with(whole.architecture + ".") && !name.ends_with("_token_id")) continue;
            for (const std::uint32_t number :
                 {0U, 1U, 2U, 3U, 5U, 63U, 65U, 4096U, 65536U, 2147483647U, 2147483648U, 4294967295U}) {
                RandomModel model = whole;
                for (auto& [key, old] : model.keys) {
                    if (key == name) old = number;
                }
                const std::string said = faultOf(model);
                QVERIFY2(said.empty() || (says(said, "random.gguf") && said.size() < 600),
                         (name + ": " + said).c_str());
            }
        }
    }
};

QTEST_APPLESS_MAIN(TestHostileModels)
#include "tst_hostile_models.moc"
