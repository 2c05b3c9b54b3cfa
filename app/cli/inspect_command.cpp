// quibble-cli inspect: what a model file holds, or what a session database holds.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <iostream>
#include <map>

#include "app/cli/cli.h"
#include "data/models/model_catalogue.h"
#include "engine/base/memory_use.h"
#include "engine/cache/kv_layout.h"
#include "engine/file/model_file.h"
#include "engine/model/model.h"
#include "engine/model/model_config.h"
#include "engine/model/weight_format.h"
#include "engine/text/marker_set.h"
#include "engine/text/tokenizer.h"

namespace quibble::cli {

namespace {

struct InspectArguments {
    std::string model;
    bool tensors = false, markers = false;
};

// own_divisors: the file holds the tensor rope_freqs.
void printConfig(const ModelConfig& c, bool own_divisors) {
    std::printf("architecture   %s, %d layers x %d, %d/%d heads x %d, feed-forward %d\n", c.architecture_name.c_str(),
                c.n_layers, c.d_model, c.n_heads, c.n_kv_heads, c.head_dim, c.d_ff);
    if (c.hasExperts())
        std::printf("experts        %d a layer x %d, %d used a token%s\n", c.experts.count, c.experts.d_ff,
                    c.experts.used, c.experts.renormalise ? ", weights renormalised" : "");
    if (c.sliding_window > 0)
        std::printf("window         %d positions, in %s layer\n", c.sliding_window,
                    c.window_period == 0   ? "every"
                    : c.window_period == 2 ? "every second"
                    : c.window_period == 1 ? "no"
                                           : "not every");
    std::printf("vocabulary     %d%s\n", c.vocab_size, c.tied_output ? ", output tied to the embedding" : "");
    std::printf("context        %d tokens\n", c.context_length);
    for (const KvType type : kKvTypes) {
        auto layout = kvLayout(c, type);
        if (layout)
            std::printf("%s %-8s %s a token, %s at full context\n",
                        type == KvType::F32 ? "KV cache      " : "              ", kvTypeText(type),
                        bytesText(static_cast<std::int64_t>(layout->bytesFor(1))).c_str(),
                        bytesText(static_cast<std::int64_t>(layout->bytesFor(c.context_length))).c_str());
        else
            std::printf("               %-8s not here: %s\n", kvTypeText(type), layout.error().what.c_str());
    }
    std::printf("rope           %s, theta %g, %d of %d dimensions", c.rope.adjacent_pairs ? "adjacent pairs" : "halves",
                c.rope.theta, c.rope.dim, c.head_dim);
    if (c.rope.yarn) std::printf(", YaRN x %g beyond %g positions", c.rope.yarn_factor, c.rope.yarn_original_context);
    if (c.rope.linear_scale != 1) std::printf(", positions divided by %g", c.rope.linear_scale);
    std::printf("%s\n", own_divisors ? ", a divisor for each pair (rope_freqs)" : "");
}

void printTokenizer(const Tokenizer& tokenizer, bool markers) {
    std::printf("tokenizer      %s, %zu tokens, %s\n", std::string(tokenizer.preTokenizerName()).c_str(),
                tokenizer.vocabSize(), tokenizer.chatTemplate().empty() ? "no chat template" : "with chat template");
    for (const std::string& note : tokenizer.notes()) std::printf("note           %s\n", note.c_str());
    for (const MarkerSet& set : builtinMarkerSets()) {
        const ResolvedMarkers resolved = resolveMarkers(set, tokenizer);
        std::printf("markers        %s: %zu of %zu entries are single tokens (%zu ids)\n", set.name.c_str(),
                    resolved.entries.size(), set.words.size(), resolved.ids.size());
        if (!markers) continue;
        for (const auto& [word, id] : resolved.entries) std::printf("  %6d \"%s\"\n", id, word.c_str());
        for (const std::string& dropped : resolved.dropped) std::printf("  dropped %s\n", dropped.c_str());
    }
}

std::string shapeOf(const ModelTensor& tensor) {
    std::string shape;
    for (auto dim = tensor.dims.rbegin(); dim != tensor.dims.rend(); ++dim)
        shape += (shape.empty() ? "" : " x ") + std::to_string(*dim);
    return shape;
}

// What one layer holds, as text that is equal for layers made alike.
struct LayerText {
    std::string lines;
    double bytes = 0, elements = 0;
};

void addTensor(LayerText& layer, const ModelTensor& tensor, std::string_view part) {
    char line[160];
    std::snprintf(line, sizeof line, "    %-28.*s %-8s %-20s %10.3f MB\n", static_cast<int>(part.size()), part.data(),
                  kernels::typeTraits(tensor.type)->name, shapeOf(tensor).c_str(),
                  static_cast<double>(tensor.bytes) / 1e6);
    layer.lines += line;
    layer.bytes += static_cast<double>(tensor.bytes);
    layer.elements += static_cast<double>(tensor.elements());
}

// "0-3, 7"
std::string rangesOf(const std::vector<int>& layers) {
    std::string text;
    for (std::size_t i = 0; i < layers.size();) {
        std::size_t last = i;
        while (last + 1 < layers.size() && layers[last + 1] == layers[last] + 1) ++last;
        text += (text.empty() ? "" : ", ") + std::to_string(layers[i]);
        if (last > i) text += "-" + std::to_string(layers[last]);
        i = last + 1;
    }
    return text;
}

void printLayerText(const std::string& title, const LayerText& layer) {
    std::printf("  %s: %.3f MB, %.2f bits a value\n%s", title.c_str(), layer.bytes / 1e6,
                8 * layer.bytes / std::max(1.0, layer.elements), layer.lines.c_str());
}

// Layer by layer, those made alike together: in a mixture of types (Q4_K_M) the difference is what one wants to see.
void printLayers(const ModelFile& file) {
    std::map<int, LayerText> layers;
    LayerText outside;
    for (const ModelTensor& tensor : file.tensors()) {
        const std::string_view name = tensor.name;
        int layer = 0;
        const std::size_t dot = name.find('.', 4);
        const bool inside = name.starts_with("blk.") && dot != std::string_view::npos &&
                            std::from_chars(name.data() + 4, name.data() + dot, layer) ==
                                std::from_chars_result{name.data() + dot, std::errc{}};
        addTensor(inside ? layers[layer] : outside, tensor, inside ? name.substr(dot + 1) : name);
    }
    std::vector<std::pair<const LayerText*, std::vector<int>>> kinds;
    for (const auto& [layer, layer_text] : layers) {
        const LayerText& text = layer_text;
        const auto same = std::find_if(kinds.begin(), kinds.end(),
                                       [&text](const auto& kind) { return kind.first->lines == text.lines; });
        if (same != kinds.end())
            same->second.push_back(layer);
        else
            kinds.push_back({&text, {layer}});
    }
    std::printf("layers         %zu, made in %zu way%s\n", layers.size(), kinds.size(), kinds.size() == 1 ? "" : "s");
    for (const auto& [text, members] : kinds)
        printLayerText((members.size() == 1 ? "layer " : "each of layers ") + rangesOf(members), *text);
    if (!outside.lines.empty()) printLayerText("outside of the layers", outside);
}

void printTensors(const ModelFile& file, bool all) {
    std::map<std::string, std::pair<std::size_t, std::uint64_t>> by_type;
    for (const ModelTensor& tensor : file.tensors()) {
        auto& [count, bytes] = by_type[kernels::typeTraits(tensor.type)->name];
        ++count;
        bytes += tensor.bytes;
    }
    std::printf("tensors        %zu:", file.tensors().size());
    for (const auto& [name, totals] : by_type)
        std::printf(" %s x %zu (%.1f MB)", name.c_str(), totals.first, static_cast<double>(totals.second) / 1e6);
    const std::string format = storedFormatName(file), types = typeList(layerWeights(file));
    std::printf("\nstored as      %s%s\n", format.c_str(), format == types ? "" : (" (" + types + ")").c_str());
    printLayers(file);
    if (!all) return;
    for (const ModelTensor& tensor : file.tensors()) {
        std::printf("  %-32s %-6s %-18s %12llu bytes at %llu\n", tensor.name.c_str(),
                    kernels::typeTraits(tensor.type)->name, shapeOf(tensor).c_str(),
                    static_cast<unsigned long long>(tensor.bytes), static_cast<unsigned long long>(tensor.offset));
    }
}

Result<void> execute(const InspectArguments& arguments) {
    auto file = ModelFile::open(arguments.model);
    if (!file) return tl::unexpected(file.error());
    std::printf("file           %s, %s, %.1f MB\n", arguments.model.c_str(), (*file)->format().c_str(),
                static_cast<double>((*file)->fileSize()) / 1e6);
    if (const std::string speciality = specialityOf(modelHash(**file)); !speciality.empty())
        std::printf("made for       %s\n", speciality.c_str());
    for (const ModelKeyText& key : (*file)->describeKeys())
        std::printf("  %-44s %-16s %s\n", key.key.c_str(), key.type.c_str(), key.value.c_str());
    printTensors(**file, arguments.tensors);
    // A file that cannot run is still worth a look: the reason is a line of the report.
    if (auto config = readModelConfig(**file))
        printConfig(*config, (*file)->tensor("rope_freqs.weight") != nullptr);
    else
        std::printf("cannot run     %s\n", config.error().line().c_str());
    if (auto tokenizer = Tokenizer::fromFile(**file))
        printTokenizer(**tokenizer, arguments.markers);
    else
        std::printf("no tokenizer   %s\n", tokenizer.error().line().c_str());
    return {};
}

}  // namespace

void addInspectCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<InspectArguments>();
    CLI::App* command = app.add_subcommand("inspect", "What a model file holds");
    command->add_option("model", arguments->model, kModelHelp)->required();
    command->add_flag("--tensors", arguments->tensors, "List every tensor with its place in the file");
    command->add_flag("--markers", arguments->markers, "List the token ids of the marker sets");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
