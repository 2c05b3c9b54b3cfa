// quibble-cli diagnose: all that the program can say about itself and this machine. quibble-cli selftest: the check of
// its kernels.
#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "app/cli/cli.h"
#include "app/cli/numbers.h"
#include "data/shipped.h"
#include "engine/base/log.h"
#include "engine/base/state_folder.h"
#include "engine/diagnostics/diagnostics.h"
#include "kernels/ops.h"

namespace quibble::cli {

namespace {

struct DiagnoseArguments {
    std::uint64_t seed = 1;
    bool without_self_test = false;
};

// One line that counts on, where somebody watches.
void showProgress(int done, int total) {
    if (::isatty(STDERR_FILENO) == 0) return;
    std::fprintf(stderr, "\rchecking the kernels: %d of %d%s", done, total, done == total ? "\n" : "");
}

std::vector<kernels::OpCheck> checkKernels(std::uint64_t seed) {
    auto checks = kernels::selfTest(kernels::allOps(), {.seed = seed, .progress = showProgress, .stop = {}});
    const std::string line = "self-test with seed " + std::to_string(seed) + ": " + selfTestVerdict(checks);
    if (selfTestPassed(checks))
        logInfo(line);
    else
        logError(line);
    return checks;
}

DiagnosticSection selfTestSection(const std::vector<kernels::OpCheck>& checks, std::uint64_t seed) {
    DiagnosticSection section{"Self-test of the kernels, seed " + std::to_string(seed), selfTestFacts(checks)};
    section.facts.push_back({"Result", selfTestVerdict(checks)});
    return section;
}

Result<void> verdict(const std::vector<kernels::OpCheck>& checks) {
    if (selfTestPassed(checks)) return {};
    return fail(ErrorCode::Unsupported, selfTestVerdict(checks));
}

Result<void> diagnoseAll(const DiagnoseArguments& arguments) {
    FrontEnd front_end{"quibble-cli", {}, {}};
    const std::filesystem::path data = shippedDataDirectory();
    front_end.paths.push_back({"Shipped data", data.empty() ? "not found: set QUIBBLE_DATA_DIR" : data.string()});
    front_end.paths.push_back({"State", stateFolder().string()});
    std::vector<DiagnosticSection> sections = diagnose(front_end);
    if (arguments.without_self_test) {
        std::cout << diagnosticText(sections);
        return {};
    }
    const auto checks = checkKernels(arguments.seed);
    sections.push_back(selfTestSection(checks, arguments.seed));
    std::cout << diagnosticText(sections);
    return verdict(checks);
}

Result<void> selfTestOnly(const DiagnoseArguments& arguments) {
    const auto checks = checkKernels(arguments.seed);
    std::cout << diagnosticText({selfTestSection(checks, arguments.seed)});
    return verdict(checks);
}

}  // namespace

void addDiagnoseCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<DiagnoseArguments>();
    CLI::App* command = app.add_subcommand(
        "diagnose", "Versions, build, processor, memory, paths and a check of the kernels, for a report");
    command->add_flag("--no-selftest", arguments->without_self_test, "Leave the check of the kernels out");
    addNumber(*command, "--seed", arguments->seed, "Of the inputs of the check");
    command->callback([&chosen, arguments] { chosen = [arguments] { return diagnoseAll(*arguments); }; });
}

void addSelfTestCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<DiagnoseArguments>();
    CLI::App* command = app.add_subcommand(
        "selftest", "Check the kernels of every instruction set of this machine against the scalar reference");
    addNumber(*command, "--seed", arguments->seed, "Of the inputs");
    command->callback([&chosen, arguments] { chosen = [arguments] { return selfTestOnly(*arguments); }; });
}

}  // namespace quibble::cli
