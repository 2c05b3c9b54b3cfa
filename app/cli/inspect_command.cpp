// quibble-cli inspect: what a model file holds, or what a session database holds.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>

#include "app/cli/cli.h"
#include "engine/model/model_file.h"
#include "engine/model/model_config.h"
#include "engine/text/marker_set.h"
#include "engine/text/tokenizer.h"

namespace quibble::cli {

namespace {

struct InspectArguments {
    std::string model;
    bool tensors = false, markers = false;
};

void printConfig(const ModelConfig& c) {
    std::printf("architecture   %s, %d layers x %d, %d/%d heads x %d, feed-forward %d\n", c.architecture_name.c_str(), c.n_layers, c.d_model, c.n_heads,
                c.n_kv_heads, c.head_dim, c.d_ff);
    std::printf("vocabulary     %d%s\n", c.vocab_size, c.tied_output ? ", output tied to the embedding" : "");
    std::printf("context        %d tokens, %zu bytes of KV cache (F32) a token\n", c.context_length,
                std::size_t{2} * static_cast<std::size_t>(c.n_layers) * static_cast<std::size_t>(c.dKv()) * sizeof(float));
    std::printf("rope           %s, theta %g, %d of %d dimensions\n", c.rope.adjacent_pairs ? "adjacent pairs" : "halves", c.rope.theta, c.rope.dim, c.head_dim);
}

void printTokenizer(const Tokenizer& tokenizer, bool markers) {
    std::printf("tokenizer      %s, %zu tokens, %s\n", std::string(tokenizer.preTokenizerName()).c_str(), tokenizer.vocabSize(),
                tokenizer.chatTemplate().empty() ? "no chat template" : "with chat template");
    for (const MarkerSet& set : builtinMarkerSets()) {
        const ResolvedMarkers resolved = resolveMarkers(set, tokenizer);
        std::printf("markers        %s: %zu of %zu entries are single tokens (%zu ids)\n", set.name.c_str(), resolved.entries.size(), set.words.size(),
                    resolved.ids.size());
        if (!markers) continue;
        for (const auto& [word, id] : resolved.entries) std::printf("  %6d \"%s\"\n", id, word.c_str());
        for (const std::string& dropped : resolved.dropped) std::printf("  dropped %s\n", dropped.c_str());
    }
}

void printTensors(const ModelFile& file, bool all) {
    std::map<std::string, std::pair<std::size_t, std::uint64_t>> by_type;
    for (const ModelTensor& tensor : file.tensors()) {
        auto& [count, bytes] = by_type[kernels::typeTraits(tensor.type)->name];
        ++count;
        bytes += tensor.bytes;
    }
    std::printf("tensors        %zu:", file.tensors().size());
    for (const auto& [name, totals] : by_type) std::printf(" %s x %zu (%.1f MB)", name.c_str(), totals.first, static_cast<double>(totals.second) / 1e6);
    std::printf("\n");
    if (!all) return;
    for (const ModelTensor& tensor : file.tensors()) {
        std::string shape;
        for (auto dim = tensor.dims.rbegin(); dim != tensor.dims.rend(); ++dim) shape += (shape.empty() ? "" : " x ") + std::to_string(*dim);
        std::printf("  %-32s %-6s %-18s %12llu bytes at %llu\n", tensor.name.c_str(), kernels::typeTraits(tensor.type)->name, shape.c_str(),
                    static_cast<unsigned long long>(tensor.bytes), static_cast<unsigned long long>(tensor.offset));
    }
}

Result<void> execute(const InspectArguments& arguments) {
    auto file = ModelFile::open(arguments.model);
    if (!file) return tl::unexpected(file.error());
    std::printf("file           %s, %s, %.1f MB\n", arguments.model.c_str(), (*file)->format().c_str(), static_cast<double>((*file)->fileSize()) / 1e6);
    for (const ModelKeyText& key : (*file)->describeKeys()) std::printf("  %-44s %-16s %s\n", key.key.c_str(), key.type.c_str(), key.value.c_str());
    printTensors(**file, arguments.tensors);
    // A file that cannot run is still worth a look: the reason is a line of the report.
    if (auto config = readModelConfig(**file)) printConfig(*config);
    else std::printf("cannot run     %s\n", config.error().line().c_str());
    if (auto tokenizer = Tokenizer::fromFile(**file)) printTokenizer(**tokenizer, arguments.markers);
    else std::printf("no tokenizer   %s\n", tokenizer.error().line().c_str());
    return {};
}

}  // namespace

void addInspectCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<InspectArguments>();
    CLI::App* command = app.add_subcommand("inspect", "What a model file holds");
    command->add_option("model", arguments->model, "GGUF file")->required();
    command->add_flag("--tensors", arguments->tensors, "List every tensor");
    command->add_flag("--markers", arguments->markers, "List the token ids of the marker sets");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
