// quibble-cli: whatever the window can do, without a window.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <new>
#include <string>
#include <string_view>

#include "app/cli/cli.h"
#include "engine/base/log.h"
#include "engine/base/state_folder.h"
#include "engine/run/run_log.h"
#include "engine/text/utf8.h"
#include "engine/values/check.h"
#include "engine/values/version.h"
#include "kernels/ops.h"

namespace {

// `logged`: what the log says; a command line that is not understood may quote a prompt.
int complain(std::string message, std::string_view logged) {
    quibble::logProblem(logged);
    std::replace_if(message.begin(), message.end(), quibble::isControlByte, ' ');  // names from files may hold anything
    std::fprintf(stderr, "quibble-cli: %s\n", message.c_str());
    return 1;
}

int complain(const std::string& message) { return complain(message, message); }

// Lines go to the file of the command line; standard output and standard error stay as they are.
quibble::Result<void> beginLog(const std::string& level, bool texts, const CLI::App& app) {
    auto log = quibble::logSetup(level, texts);
    if (!log) return tl::unexpected(log.error());
    log->folder = quibble::stateFolder();
    log->name = "quibble-cli";
    quibble::startLog(*log);
    std::string line = std::string("quibble-cli ") + quibble::kVersion;
    for (const CLI::App* command : app.get_subcommands()) line += " " + command->get_name();
    quibble::logInfo(line + " begins");
    return {};
}

}  // namespace

// NOLINTNEXTLINE(bugprone-exception-escape): before a command runs, only memory can be short, and nobody could be told
int main(int argc, char** argv) {
    using namespace quibble;
    CLI::App app("Quibble without a window: run, inspect, compare and measure quantized reasoning models",
                 "quibble-cli");
    app.set_version_flag("--version", std::string("quibble-cli ") + kVersion);
    app.require_subcommand(1);
    app.fallthrough();  // options of the program may stand behind the command
    app.add_flag_callback(
        "--ignore-memory", [] { ::setenv("QUIBBLE_IGNORE_MEMORY", "1", 1); },
        "Open models and start runs whether or not the free memory seems to suffice (or set QUIBBLE_IGNORE_MEMORY=1)");
    std::string log_level;
    bool log_texts = false;
    app.add_option("--log-level", log_level,
                   "What the log holds: debug, info, warning, error or off (or set QUIBBLE_LOG_LEVEL)");
    app.add_flag("--log-texts", log_texts,
                 "Write prompts and generated text to the log too (or set QUIBBLE_LOG_TEXTS=1)");
    cli::Action chosen;
    cli::addRunCommand(app, chosen);
    cli::addBranchCommand(app, chosen);
    cli::addInspectCommand(app, chosen);
    cli::addExportCommand(app, chosen);
    cli::addReplayCommand(app, chosen);
    cli::addStagesCommand(app, chosen);
    cli::addBenchCommand(app, chosen);
    cli::addEvalCommand(app, chosen);
    cli::addGradeCommand(app, chosen);
    cli::addLogitsCommand(app, chosen);
    cli::addSynthCommand(app, chosen);
    cli::addTokenizeCommand(app, chosen);
    cli::addDiagnoseCommand(app, chosen);
    cli::addSelfTestCommand(app, chosen);
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
        (void)beginLog({}, false, app);
        return complain(std::string(error.what()) + ". Try: quibble-cli --help", "the command line was not understood");
    }
    if (const auto log = beginLog(log_level, log_texts, app); !log) return complain(log.error().line());
    if (const auto isa = kernels::isaFromEnvironment(); isa.ops == nullptr) return complain(isa.error);
    try {
        if (auto done = chosen(); !done) {
            const char* more =
                done.error().code == ErrorCode::DoesNotFit
                    ? ". To go on all the same: --ignore-memory, or QUIBBLE_IGNORE_MEMORY=1 in the environment"
                    : "";
            return complain(done.error().line() + more);
        }
        if (!std::cout.flush() || std::fflush(stdout) != 0 || std::ferror(stdout) != 0)
            return complain("writing standard output failed. Is the disk full?");
    } catch (const ContractError& broken) {
        return complain(std::string("internal error: ") + broken.what());
    } catch (const std::bad_alloc&) {
        return complain("out of memory");
    } catch (const std::exception& unforeseen) {
        return complain(std::string("internal error: ") + unforeseen.what());
    }
    return 0;
}
