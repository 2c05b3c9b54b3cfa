// quibble-cli export: what a session database holds, a run as CSV or JSON Lines, a session as one file.
#include <cstdio>
#include <ostream>

#include "app/cli/cli.h"
#include "app/cli/numbers.h"
#include "app/database_log.h"
#include "data/export/trace_export.h"
#include "data/store/store.h"

namespace quibble::cli {

namespace {

struct ExportArguments {
    std::string database, format = "jsonl", out = "-";
    std::int64_t run = 0, session = 0;
    bool list = false;
};

Result<void> list(const Store& store) {
    auto sessions = store.listSessions();
    if (!sessions) return tl::unexpected(sessions.error());
    for (const SessionSummary& session : *sessions) {
        std::printf("session %lld  %s\n", static_cast<long long>(raw(session.id)), session.name.c_str());
        auto runs = store.listRuns(session.id);
        if (!runs) return tl::unexpected(runs.error());
        for (const RunSummary& run : *runs) {
            std::printf("  run %lld%s  %s  %s  %s  %lld tokens  %s\n", static_cast<long long>(raw(run.id)),
                        run.parent == kNoRun ? ""
                                             : (" (branch of " + std::to_string(raw(run.parent)) + " at " +
                                                std::to_string(run.branch_pos) + ")")
                                                   .c_str(),
                        run.title.c_str(), run.weight_format.c_str(), runStatusText(run.status),
                        static_cast<long long>(run.tokens), run.answer.c_str());
        }
    }
    return {};
}

Result<void> execute(const ExportArguments& arguments) {
    auto store = Store::open(arguments.database, OpenMode::ReadOnly);
    if (!store) return tl::unexpected(store.error());
    logOpened(**store);
    if (arguments.list) return list(**store);
    if ((arguments.run == 0) == (arguments.session == 0)) {
        return fail(ErrorCode::InvalidArgument, "give one of --list, --run ID and --session ID");
    }
    if (arguments.session != 0) {
        if (arguments.out == "-")
            return fail(ErrorCode::InvalidArgument, "a session is exported to a file", "Give --out FILE");
        return (*store)->exportSession(SessionId{arguments.session}, arguments.out);
    }
    auto trace = (*store)->loadRun(RunId{arguments.run});
    if (!trace) return tl::unexpected(trace.error());
    auto output = Output::open(arguments.out);
    if (!output) return tl::unexpected(output.error());
    if (arguments.format == "csv")
        exportCsv((*output)->stream(), *trace);
    else
        exportJsonLines((*output)->stream(), *trace);
    return (*output)->close();
}

}  // namespace

void addExportCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<ExportArguments>();
    CLI::App* command = app.add_subcommand("export", "Runs and sessions of a database as files");
    command->add_option("database", arguments->database, "Session database or exported session")->required();
    command->add_flag("--list", arguments->list, "List sessions and runs");
    addNumber(*command, "--run", arguments->run, "Run to export", 1);
    addNumber(*command, "--session", arguments->session, "Session to export as one file", 1);
    command->add_option("--format", arguments->format, "Of a run: jsonl or csv")
        ->check(CLI::IsMember({"jsonl", "csv"}))
        ->capture_default_str();
    command->add_option("--out", arguments->out, "File, or - for standard output")->capture_default_str();
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
