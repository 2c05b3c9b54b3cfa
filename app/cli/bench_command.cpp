// quibble-cli bench: prefill, decode, block and live-KL speed of a model on this machine, beside the limits measured in the same run.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <iostream>
#include <ostream>

#include <nlohmann/json.hpp>

#include "app/cli/cli.h"
#include "engine/base/memory_use.h"
#include "engine/model/model_cache.h"
#include "engine/run/generator.h"
#include "kernels/limits.h"

namespace quibble::cli {

namespace {

using Json = nlohmann::ordered_json;

struct BenchArguments {
    std::string model, quant = "none", reference, arithmetic = "native", json;
    int prefill = 512, decode = 64, threads = 0, repeats = 3;
};

constexpr std::size_t kLimitBufferBytes = std::size_t{1} << 30;
constexpr int kBlock = 16;

double seconds(const std::function<void()>& body) {
    const auto started = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

// Bytes of weights that one pass reads, and the multiplications it makes for one row with logits.
struct Cost {
    double weight_bytes = 0, multiply_adds = 0;
};
Cost costOf(const Model& model) {
    Cost cost;
    const auto add = [&](const Linear& linear) {
        const kernels::WeightView& w = linear.weight;
        const double count = static_cast<double>(w.rows) * static_cast<double>(w.cols);
        cost.multiply_adds += count;
        cost.weight_bytes += w.type == kernels::TensorType::RtnGroup ? count : static_cast<double>(w.row_bytes) * static_cast<double>(w.rows);
    };
    for (const LayerWeights& layer : model.layers()) {
        for (const Linear* linear : {&layer.q, &layer.k, &layer.v, &layer.o, &layer.gate, &layer.up, &layer.down}) add(*linear);
    }
    add(model.output());
    return cost;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

class Bench {
public:
    Bench(const BenchArguments& arguments, RunModels models)
        : arguments_(arguments), models_(std::move(models)), device_(arguments.threads),
          arithmetic_(arguments.arithmetic == "f32" ? Arithmetic::F32 : Arithmetic::Native), cost_(costOf(*models_.quantized)) {}

    Result<Json> run() {
        out_["model"] = models_.quantized->config().name;
        out_["weight_format"] = models_.quantized->weightFormat();
        out_["bits_per_weight"] = models_.quantized->bitsPerWeight();
        out_["parameters"] = models_.quantized->parameters();
        out_["arithmetic"] = arguments_.arithmetic;
        out_["isa"] = device_.isa();
        out_["threads"] = device_.threads();
        for (const auto measure : {&Bench::prefill, &Bench::decode, &Bench::block}) {
            if (auto done = (this->*measure)(); !done) return tl::unexpected(done.error());
        }
        if (models_.reference != nullptr) {
            if (auto done = live(); !done) return tl::unexpected(done.error());
        }
        out_["peak_memory_mb"] = static_cast<double>(peakMemoryBytes()) / 1e6;
        measureLimits();  // last: its buffer would count as peak memory of the model
        const Model& model = *models_.quantized;
        out_["weights_mb"] = static_cast<double>(model.file()->fileSize() - model.replacedBytes() + model.ownedBytes()) / 1e6;
        return out_;
    }

private:
    void measureLimits() {
        const double read_gb_s = kernels::measureReadBandwidth(device_.threads(), kLimitBufferBytes) / 1e9;
        const double fma_gflop_s = kernels::measureFmaRate() * device_.threads() / 1e9;
        out_["limits"] = {{"memory_read_gb_s", read_gb_s}, {"f32_fma_gflop_s", fma_gflop_s}};
        if (out_.contains("prefill")) out_["prefill"]["of_fma_limit"] = out_["prefill"]["gflop_s"].get<double>() / fma_gflop_s;
        if (out_.contains("decode")) out_["decode"]["of_read_limit"] = out_["decode"]["gb_s"].get<double>() / read_gb_s;
    }

    Result<std::unique_ptr<Sequence>> sequence(int positions) { return Sequence::create(models_.quantized, device_, positions, arithmetic_); }

    std::vector<TokenId> tokens(int count) const {
        std::vector<TokenId> ids(static_cast<std::size_t>(count));
        for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<TokenId>((i * 7919 + 13) % static_cast<std::size_t>(models_.quantized->config().vocab_size));
        return ids;
    }

    // Median seconds of `repeats` times appending `count` tokens in pieces of `piece` to a fresh sequence that holds `before` tokens.
    Result<double> time(int before, int count, int piece, bool logits) {
        std::vector<double> times;
        const auto vocab = static_cast<std::size_t>(models_.quantized->config().vocab_size);
        std::vector<float> rows(static_cast<std::size_t>(logits ? piece : 1) * vocab);
        const std::vector<TokenId> ids = tokens(before + count);
        auto created = sequence(before + count);
        if (!created) return tl::unexpected(created.error());
        Sequence& s = **created;
        if (before > 0) {
            if (auto fed = s.append({ids.data(), static_cast<std::size_t>(before)}, 0, nullptr); !fed) return tl::unexpected(fed.error());
        }
        for (int repeat = 0; repeat <= arguments_.repeats; ++repeat) {
            s.truncate(before);
            Result<void> fed;
            const double spent = seconds([&] {
                for (int done = before; done < before + count && fed; done += piece) {
                    const int n = std::min(piece, before + count - done);
                    fed = s.append({ids.data() + done, static_cast<std::size_t>(n)}, logits ? n : (done + n == before + count ? 1 : 0), rows.data());
                }
            });
            if (!fed) return tl::unexpected(fed.error());
            if (repeat > 0) times.push_back(spent);  // the first warms caches and page tables
        }
        return median(times);
    }

    Result<void> prefill() {
        if (arguments_.prefill == 0) return {};
        auto spent = time(0, arguments_.prefill, arguments_.prefill, false);
        if (!spent) return tl::unexpected(spent.error());
        const double flops = 2 * cost_.multiply_adds * arguments_.prefill / *spent;
        out_["prefill"] = {{"tokens", arguments_.prefill}, {"tok_s", arguments_.prefill / *spent}, {"gflop_s", flops / 1e9}};
        return {};
    }
    Result<void> decode() {
        if (arguments_.decode == 0) return {};
        auto spent = time(32, arguments_.decode, 1, true);
        if (!spent) return tl::unexpected(spent.error());
        const double bandwidth = cost_.weight_bytes * arguments_.decode / *spent;
        out_["decode"] = {{"tokens", arguments_.decode}, {"tok_s", arguments_.decode / *spent}, {"gb_s", bandwidth / 1e9}};
        return {};
    }
    Result<void> block() {
        auto spent = time(32, kBlock, kBlock, true);
        if (!spent) return tl::unexpected(spent.error());
        auto single = time(32, 1, 1, true);
        if (!single) return tl::unexpected(single.error());
        out_["block"] = {{"rows", kBlock}, {"ms", *spent * 1e3}, {"single_row_ms", *single * 1e3}, {"cost_in_decode_steps", *spent / *single}};
        return {};
    }
    // The whole step loop as a run has it: sampling, measurements, reference blocks.
    Result<void> live() {
        RunRequest request;
        request.prompt = "1 + 1 =";
        request.raw = true;
        request.arithmetic = arithmetic_;
        request.reference.block = kBlock;
        request.sampler.temperature = 1;
        request.sampler.top_p = 1;
        request.max_tokens = std::max(arguments_.decode, kBlock);
        std::vector<double> with, without;
        for (int repeat = 0; repeat <= arguments_.repeats; ++repeat) {
            request.seed = static_cast<std::uint64_t>(repeat);
            for (const bool reference : {false, true}) {
                auto generator = Generator::create(request, {models_.quantized, reference ? models_.reference : nullptr, {}}, device_);
                if (!generator) return tl::unexpected(generator.error());
                std::vector<RunEvent> events;
                if (auto chunk = (*generator)->prefillChunk(events, {}); !chunk) return tl::unexpected(chunk.error());
                Result<void> done;
                const Position before = (*generator)->position();
                const double spent = seconds([&] {
                    while (!(*generator)->finished() && done) done = (*generator)->step(events, {});
                    if (done) done = (*generator)->flushReference(events, {});
                });
                if (!done) return done;
                const double rate = ((*generator)->position() - before) / spent;
                if (repeat > 0) (reference ? with : without).push_back(rate);
            }
        }
        out_["run"] = {{"tok_s", median(without)}, {"tok_s_with_reference", median(with)}, {"reference", models_.reference->weightFormat()}, {"block", kBlock}};
        return {};
    }

    const BenchArguments& arguments_;
    RunModels models_;
    CpuDevice device_;
    Arithmetic arithmetic_;
    Cost cost_;
    Json out_;
};

Result<void> execute(const BenchArguments& arguments) {
    RunRequest request;
    request.model_path = arguments.model;
    auto method = parseMethodChoice(arguments.quant);
    if (!method) return tl::unexpected(method.error());
    request.weight_quant = *method;
    const bool self = arguments.reference == "self" || (arguments.reference.empty() && method->id != "none");
    const bool none = arguments.reference == "none" || (arguments.reference.empty() && !self);
    request.reference.kind = none ? ReferenceKind::None : self ? ReferenceKind::Unquantized : ReferenceKind::File;
    request.reference.path = arguments.reference;
    ModelCache cache;
    auto opened = openRunModels(cache, request, {});
    if (!opened) return tl::unexpected(opened.error());
    auto result = Bench(arguments, std::move(*opened)).run();
    if (!result) return tl::unexpected(result.error());
    auto output = Output::open(arguments.json.empty() ? "-" : arguments.json);
    if (!output) return tl::unexpected(output.error());
    (*output)->stream() << (arguments.json.empty() ? result->dump(2) : result->dump()) << '\n';
    return (*output)->close();
}

}  // namespace

void addBenchCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<BenchArguments>();
    CLI::App* command = app.add_subcommand("bench", "Speed of a model on this machine");
    command->add_option("model", arguments->model, "GGUF file")->required();
    command->add_option("--quant", arguments->quant, "Quantize in place, as in run")->capture_default_str();
    command->add_option("--reference", arguments->reference, "As in run; also times runs with the reference scored live");
    command->add_option("--arithmetic", arguments->arithmetic, "native or f32")->check(CLI::IsMember({"native", "f32"}))->capture_default_str();
    command->add_option("--prefill", arguments->prefill, "Prompt tokens; 0: skip")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--decode", arguments->decode, "Decoded tokens; 0: skip")->check(CLI::Range(0, 1 << 20))->capture_default_str();
    command->add_option("--threads", arguments->threads, "0: all cores")->check(CLI::Range(0, 256))->capture_default_str();
    command->add_option("--repeats", arguments->repeats, "Repetitions; the median counts")->check(CLI::Range(1, 100))->capture_default_str();
    command->add_option("--json", arguments->json, "Write one line of JSON to this file or -");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
