// libFuzzer target: the loading of weights behind an opened file, and three tokens computed with what was loaded, so
// that whatever a matrix claims to be is read. The first byte says what the others are: a GGUF file, a checkpoint (as
// in fuzz_safetensors), or changes to a model that is whole, which reach what random bytes seldom do.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/device/cpu/cpu_device.h"
#include "engine/file/safetensors/checkpoint.h"
#include "engine/forward/sequence.h"
#include "engine/model/model.h"
#include "tests/support/random_model.h"

namespace {

using quibble::Arithmetic;
using quibble::Error;
using quibble::ModelFile;
using quibble::testing::RandomModel;
using quibble::testing::RandomTensor;

constexpr std::int64_t kMemory = 64 << 20;  // what the weights may take

// Numbers out of the input; 0 at its end.
class Input {
public:
    explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
    std::uint8_t byte() {
        if (bytes_.empty()) return 0;
        const std::uint8_t value = bytes_.front();
        bytes_ = bytes_.subspan(1);
        return value;
    }
    std::uint32_t word() {
        std::uint32_t value = 0;
        for (int i = 0; i < 4; ++i) value = value << 8 | byte();
        return value;
    }
    // Small, at the edges, or anything.
    std::uint64_t size() {
        static constexpr std::array<std::uint64_t, 16> kSizes{
            0, 1, 2, 3, 8, 16, 31, 32, 33, 48, 64, 256, 1U << 20, 1ULL << 31, 1ULL << 33, 1ULL << 62};
        const std::uint8_t kind = byte();
        return kind < 16 ? kSizes[kind] : kind < 128 ? kind : word();
    }
    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    [[nodiscard]] std::span<const std::uint8_t> rest() const { return bytes_; }

private:
    std::span<const std::uint8_t> bytes_;
};

void mustSpeak(const Error& error) {
    if (error.what.empty()) __builtin_trap();
}

std::shared_ptr<const quibble::Tokenizer> smallTokenizer() {
    static const std::string bytes = [] {
        quibble::testing::RandomShape shape;
        shape.vocab = 8;
        return quibble::testing::makeRandomModel(shape).gguf();
    }();
    static const auto file =
        ModelFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "small.gguf").value();
    static const auto tokenizer = quibble::Tokenizer::fromFile(*file).value();
    return tokenizer;
}

void compute(const std::shared_ptr<const quibble::Model>& model, Arithmetic arithmetic) {
    static quibble::CpuDevice device(1);
    auto sequence = quibble::Sequence::create(model, device, 4, arithmetic);
    if (!sequence) return mustSpeak(sequence.error());
    const int last = model->config().vocab_size - 1;
    const std::array<quibble::TokenId, 3> tokens{0, last, last / 2};
    std::vector<float> logits(static_cast<std::size_t>(model->config().vocab_size));
    if (const auto done = (*sequence)->append(tokens, 1, logits.data()); !done) mustSpeak(done.error());
}

// packed, quantized, and the arithmetic, from one byte.
void load(std::shared_ptr<const ModelFile> file, std::uint8_t how) {
    quibble::LoadOptions options;
    options.packed = (how & 1U) != 0;
    if ((how & 2U) != 0)
        options.weight_quant =
            quibble::parseMethodChoice((how & 4U) != 0 ? "rtn:bits=3,group=64" : "rtn:bits=2,group=16").value();
    options.free_memory = [] { return std::optional(kMemory); };
    auto tokenizer = quibble::Tokenizer::fromFile(*file);
    if (!tokenizer) mustSpeak(tokenizer.error());
    const auto model = quibble::Model::load(file, tokenizer ? *tokenizer : smallTokenizer(), options);
    if (!model) return mustSpeak(model.error());
    compute(*model, options.packed ? Arithmetic::Native : Arithmetic::F32);
}

void loadGguf(std::span<const std::uint8_t> bytes, std::uint8_t how) {
    const auto file = ModelFile::parse(std::as_bytes(bytes), "fuzz.gguf");
    if (!file) return mustSpeak(file.error());
    load(*file, how);
}

void loadCheckpoint(std::span<const std::uint8_t> bytes, std::uint8_t how) {
    const auto zero = static_cast<std::size_t>(std::find(bytes.begin(), bytes.end(), 0) - bytes.begin());
    quibble::Checkpoint checkpoint;
    checkpoint.name = checkpoint.title = "fuzz";
    checkpoint.texts.config = {reinterpret_cast<const char*>(bytes.data()), zero};
    checkpoint.texts.tokenizer =
        R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"model":{"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}})";
    checkpoint.shards.push_back(
        {"fuzz.safetensors", "fuzz.safetensors", std::as_bytes(bytes.subspan(std::min(zero + 1, bytes.size())))});
    auto parts = quibble::translateCheckpoint(checkpoint);
    if (!parts) return mustSpeak(parts.error());
    load(std::make_shared<const ModelFile>(std::move(*parts)), how);
}

quibble::testing::RandomShape shapeFrom(Input& in) {
    static constexpr std::array kArchitectures{"llama", "qwen2", "qwen3", "qwen3moe", "olmoe", "gpt-oss", "llama"};
    static constexpr std::array<std::uint32_t, 8> kTypes{0,  1,  30, 8, 2,
                                                         39, 20, 6};  // F32, F16, BF16, Q8_0, Q4_0, MXFP4, IQ4_NL, Q5_0
    quibble::testing::RandomShape shape;
    const std::uint8_t which = in.byte() % kArchitectures.size();
    shape.architecture = kArchitectures[which];
    shape.n_layers = 1;
    shape.d_model = 32;
    shape.n_heads = 2;
    shape.n_kv_heads = 1;
    shape.d_ff = 32;
    shape.vocab = 40;
    const bool mixture = which >= 3;
    shape.experts = mixture ? 3 : 0;
    shape.experts_used = mixture ? 2 : 0;
    shape.type = static_cast<quibble::kernels::TensorType>(kTypes[in.byte() % kTypes.size()]);
    const std::uint8_t flags = in.byte();
    shape.tied_output = (flags & 1U) != 0;
    shape.biases = (flags & 2U) != 0;
    shape.rope_factors = (flags & 4U) != 0;
    shape.fused = (flags & 8U) != 0 && which != 4 && which != 2;
    shape.single_experts = mixture && (flags & 16U) != 0 && (flags & 8U) == 0;
    return shape;
}

quibble::testing::KeyValue valueFrom(Input& in) {
    static constexpr std::array kReals{0.0F, -1.0F, 1e-30F, 1e30F, 1.0F, 0.5F};
    switch (in.byte() % 6) {
        case 0: return static_cast<std::uint32_t>(in.size());
        case 1: return kReals[in.byte() % kReals.size()];
        case 2: return in.byte() % 2 == 0;
        case 3: return std::string(in.byte() % 2 == 0 ? "yarn" : "linear");
        case 4: return std::vector<std::int32_t>(in.byte() % 4, static_cast<std::int32_t>(in.size()));
        default: return NAN;
    }
}

// New dims with all the bytes they ask for (zeros, as a hole) where that is little, else with those that were there.
void reshape(RandomTensor& tensor, Input& in) {
    std::vector<std::uint64_t> dims(1 + in.byte() % 4);
    std::uint64_t elements = 1;
    for (std::uint64_t& dim : dims) {
        dim = in.size();
        elements = dim > 1'000'000 || elements > 1'000'000 ? 2'000'000 : elements * dim;
    }
    tensor.dims = std::move(dims);
    const auto* traits = quibble::kernels::typeTraits(tensor.type);
    if (elements > 200'000 || traits == nullptr) return;
    tensor.bytes.assign(static_cast<std::size_t>((elements + traits->block_elements - 1) / traits->block_elements *
                                                 traits->block_bytes),
                        '\0');
}

void change(RandomModel& model, Input& in) {
    if (model.tensors.empty() || model.keys.empty()) return;
    const std::uint8_t kind = in.byte() % 10, at = in.byte();
    RandomTensor& tensor = model.tensors[at % model.tensors.size()];
    auto& key = model.keys[at % model.keys.size()];
    switch (kind) {
        case 0:
        case 1: key.second = valueFrom(in); break;
        case 2: model.keys.erase(model.keys.begin() + at % static_cast<std::ptrdiff_t>(model.keys.size())); break;
        case 3:
            model.tensors.erase(model.tensors.begin() + at % static_cast<std::ptrdiff_t>(model.tensors.size()));
            break;
        case 4:
        case 5: reshape(tensor, in); break;
        case 6: tensor.type = static_cast<quibble::kernels::TensorType>(in.byte() % 41); break;
        case 7: tensor.bytes.resize(static_cast<std::size_t>(in.size() % 70'000)); break;
        case 8: std::swap(tensor.name, model.tensors[in.byte() % model.tensors.size()].name); break;
        default:
            for (std::uint32_t n = in.byte(); n > 0 && !tensor.bytes.empty(); --n)
                tensor.bytes[in.word() % tensor.bytes.size()] = static_cast<char>(in.byte());
    }
}

// Bytes of the header, which is where the places of the tensors stand.
void scribble(std::string& file, Input& in) {
    for (std::uint32_t n = in.byte() % 4; n > 0 && file.size() > 8; --n) {
        const std::size_t at = in.word() % std::min<std::size_t>(file.size() - 8, 6'000);
        const std::uint64_t value = in.size();
        for (std::size_t i = 0; i < 8; ++i) file[at + i] = static_cast<char>(value >> (8 * i));
    }
}

void loadChanged(std::span<const std::uint8_t> bytes, std::uint8_t how) {
    Input in(bytes);
    RandomModel model = quibble::testing::makeRandomModel(shapeFrom(in));
    const std::uint32_t changes = in.byte() % 6;
    for (std::uint32_t i = 0; i < changes; ++i) change(model, in);
    std::string file = model.gguf();
    scribble(file, in);
    const auto exact =
        std::make_unique<std::uint8_t[]>(file.size());  // so that the sanitizer sees a read behind its end
    std::copy(file.begin(), file.end(), exact.get());
    loadGguf({exact.get(), file.size()}, how);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::span<const std::uint8_t> rest(data + 2, size - 2);
    switch (data[0] % 3) {
        case 0: loadGguf(rest, data[1]); break;
        case 1: loadCheckpoint(rest, data[1]); break;
        default: loadChanged(rest, data[1]);
    }
    return 0;
}
