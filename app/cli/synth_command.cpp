// quibble-cli synth: a random-weight file of a real shape, to measure speed with.
#include "app/cli/cli.h"
#include "app/cli/numbers.h"
#include "engine/file/synth_model.h"

namespace quibble::cli {

namespace {

struct SynthArguments {
    std::string shape, type = "Q4_0", out;
    std::uint64_t seed = 1;
    int layers = 0;
};

std::string knownShapes() {
    std::string list;
    for (const SynthShape& shape : synthShapes()) list += (list.empty() ? "" : ", ") + std::string(shape.id);
    return list;
}

}  // namespace

void addSynthCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<SynthArguments>();
    CLI::App* command = app.add_subcommand("synth", "Write a random-weight model of a real shape");
    command->add_option("--shape", arguments->shape, "One of: " + knownShapes())->required();
    command->add_option("--type", arguments->type, "One of: " + synthTypeNames())->capture_default_str();
    addNumber(*command, "--layers", arguments->layers, "Fewer layers than the shape has; 0: all", 0);
    addNumber(*command, "--seed", arguments->seed, "Of the weights");
    command->add_option("--out", arguments->out, "GGUF file")->required();
    command->callback([&chosen, arguments] {
        chosen = [arguments] {
            return writeSynthModel({arguments->shape, arguments->type, arguments->seed, arguments->layers},
                                   arguments->out);
        };
    });
}

}  // namespace quibble::cli
