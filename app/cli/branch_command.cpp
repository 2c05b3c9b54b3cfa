// quibble-cli branch: another token in the place of one that a stored run chose, and on from there, as a run of its own
// in the same session.
#include <cstdio>
#include <filesystem>
#include <optional>

#include "app/cli/cli.h"
#include "app/cli/live_run.h"
#include "app/cli/numbers.h"
#include "app/database_log.h"
#include "data/store/store.h"
#include "engine/file/model_file.h"
#include "engine/run/branch.h"
#include "engine/text/tokenizer.h"

namespace quibble::cli {

namespace {

struct BranchArguments {
    std::string database, model, reference, text, jsonl;
    std::int64_t run = 0;
    Position at = 0;
    std::optional<TokenId> token;
    std::optional<int> max_tokens, threads;
    std::optional<double> penalty, temperature;
};

Result<std::unique_ptr<Store>> openStore(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
        return fail(ErrorCode::NotFound, path + " is not there", "Check the name");
    auto store = Store::open(path);
    if (store) logOpened(**store);
    return store;
}

// The id that was named, or the one token that the text is.
Result<TokenId> tokenOf(const BranchArguments& arguments, const std::string& model) {
    if (arguments.token.has_value() == !arguments.text.empty())
        return fail(ErrorCode::InvalidArgument, "give one of --token and --text");
    if (arguments.token) return *arguments.token;
    auto file = ModelFile::open(model);
    if (!file) return tl::unexpected(file.error());
    auto tokenizer = Tokenizer::fromFile(**file);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    const auto ids =
        (*tokenizer)->encode(arguments.text, {.parse_special = false, .add_bos = false, .vocabulary_bos_eos = false});
    if (ids.size() == 1) return ids.front();
    return fail(ErrorCode::InvalidArgument,
                "\"" + arguments.text + "\" is " + std::to_string(ids.size()) + " tokens of this model",
                "Write one token, or its id with --token");
}

Result<RunRequest> requestOf(const BranchArguments& arguments, const RunTrace& parent) {
    const std::string run = "run " + std::to_string(arguments.run);
    const auto& points = parent.points();
    if (points.empty()) return fail(ErrorCode::InvalidArgument, run + " holds no token to branch from");
    const Position first = points.front().token.pos, last = points.back().token.pos;
    if (arguments.at < first || arguments.at > last) {
        return fail(ErrorCode::InvalidArgument, run + " generated no token at position " + std::to_string(arguments.at),
                    "Its tokens stand at " + std::to_string(first) + " to " + std::to_string(last));
    }
    const std::string model = arguments.model.empty() ? parent.request().model_path : arguments.model;
    auto token = tokenOf(arguments, model);
    if (!token) return tl::unexpected(token.error());
    RunRequest request = branchRequest(parent, RunId{arguments.run}, arguments.at, *token);
    request.model_path = model;
    if (!arguments.reference.empty()) request.reference.path = arguments.reference;
    request.max_tokens = arguments.max_tokens.value_or(request.max_tokens);
    request.threads = arguments.threads.value_or(request.threads);
    request.penalty.strength = arguments.penalty.value_or(request.penalty.strength);
    request.sampler.temperature = arguments.temperature.value_or(request.sampler.temperature);
    return request;
}

Result<void> execute(const BranchArguments& arguments) {
    if (!arguments.jsonl.empty()) {
        if (auto writable = requireWritable(arguments.jsonl); !writable) return writable;
    }
    auto store = openStore(arguments.database);
    if (!store) return tl::unexpected(store.error());
    auto parent = (*store)->loadRun(RunId{arguments.run});
    if (!parent) return tl::unexpected(parent.error());
    auto summary = (*store)->runSummary(RunId{arguments.run});
    if (!summary) return tl::unexpected(summary.error());
    auto request = requestOf(arguments, *parent);
    if (!request) return tl::unexpected(request.error());
    auto writer = StoreWriter::open(**store);
    if (!writer) return tl::unexpected(writer.error());
    auto run = (*writer)->beginRun(summary->session, *request);
    if (!run) return tl::unexpected(run.error());
    std::fprintf(stderr, "run %lld: branch of %lld at %d\n", static_cast<long long>(raw(*run)),
                 static_cast<long long>(arguments.run), arguments.at);
    RunTrace shown(*request);
    shown.inherit(*parent, arguments.at);
    auto done = follow({.request = *request,
                        .shown = std::move(shown),
                        .jsonl = arguments.jsonl,
                        .writer = writer->get(),
                        .run = *run});
    if (!done) return tl::unexpected(done.error());
    if (done->provenance().model_hash != parent->provenance().model_hash) {
        std::fputs(
            "note: the model file has changed since the parent run was made: this branch continues with other weights "
            "than its beginning\n",
            stderr);
    }
    return {};
}

}  // namespace

void addBranchCommand(CLI::App& app, Action& chosen) {
    auto arguments = std::make_shared<BranchArguments>();
    CLI::App* command = app.add_subcommand("branch", "Put another token into a stored run and go on from there");
    command->add_option("database", arguments->database, "Session database; the branch is kept there too")->required();
    addNumber(*command, "--run", arguments->run, "Run to branch from (export --list shows them)", 1)->required();
    addNumber(*command, "--at", arguments->at, "Position of the token that is replaced (pos in the export)", 0)
        ->required();
    addNumber(*command, "--token", arguments->token, "Id of the token that takes its place", 0);
    command->add_option("--text", arguments->text, "Or its text, which must be one token");
    command->add_option("--model", arguments->model, "Where the model file lies now");
    command->add_option("--reference", arguments->reference, "Where the reference file lies now");
    addNumber(*command, "--max-tokens", arguments->max_tokens,
              "Limit of generated tokens, the beginning included; default: the parent's", 1);
    addNumber(*command, "--penalty", arguments->penalty, "Default: the parent's");
    addNumber(*command, "--temperature", arguments->temperature, "Default: the parent's");
    addNumber(*command, "--threads", arguments->threads, "0: all cores; default: the parent's", 0, 256);
    command->add_option("--jsonl", arguments->jsonl, "As in run; the beginning of the branch is written too");
    command->callback([&chosen, arguments] { chosen = [arguments] { return execute(*arguments); }; });
}

}  // namespace quibble::cli
