#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "engine/train/evaluate.h"
#include "engine/train/export.h"
#include "engine/train/problem_files.h"
#include "engine/train/trainer.h"

namespace {

using namespace quibble::train;

int fail(const std::string& what) {
    std::fprintf(stderr, "quibble-train: %s\n", what.c_str());
    return 1;
}

int writeFile(const std::string& path, const std::string& content) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << content;
    file.flush();
    return file ? 0 : fail("cannot write " + path + ": is the folder there?");
}

int writeProblems(const std::string& folder) {
    std::vector<Problem> held_out;
    for (int i = 0; i < 500; ++i) held_out.push_back(heldOutProblem(i));
    const int status = writeFile(folder + "/nano-heldout.jsonl", problemLines("heldout-", held_out));
    return status != 0 ? status : writeFile(folder + "/nano-examples.jsonl", problemLines("example-", exampleProblems(20)));
}

struct EvalCommand {
    std::string checkpoint;
    int bits = 0;
    int64_t group = 64;
    int show = 0;
    EvalOptions options;
};

int runEval(const EvalCommand& command) {
    const ToyTokenizer tokenizer = makeNanoTokenizer();
    LlamaModel model(nanoShape(tokenizer), 1, false);
    if (const auto loaded = loadCheckpoint(command.checkpoint, model, nullptr); !loaded) return fail(loaded.error().line());
    if (command.bits > 0) quantizeRtn(model, command.bits, command.group);
    const EvalResult r = evaluate(model, tokenizer, command.options);
    for (int i = 0; i < command.show && i < command.options.count; ++i) {
        const Problem problem = heldOutProblem(i);
        std::printf("--- %s [%d]\n%s\n", problem.text.c_str(), problem.answer, r.texts[static_cast<std::size_t>(i)].c_str());
    }
    std::printf("bits %d group %lld penalty %.1f: right %d/%d = %.1f%% tokens %.1f markers %.2f unfinished %d\n", command.bits,
                static_cast<long long>(command.group), command.options.penalty, r.right_count, command.options.count, 100.0 * r.right,
                r.mean_tokens, r.mean_markers, r.unfinished);
    return 0;
}

int runExport(const std::string& checkpoint, const std::string& out) {
    const ToyTokenizer tokenizer = makeNanoTokenizer();
    LlamaModel model(nanoShape(tokenizer), 1, false);
    if (const auto loaded = loadCheckpoint(checkpoint, model, nullptr); !loaded) return fail(loaded.error().line());
    const auto error = exportGguf(out, model, tokenizer, "quibble-nano");
    return error ? fail(*error) : 0;
}

int runNano(const TrainOptions& options, const std::string& out) {
    const ToyTokenizer tokenizer = makeNanoTokenizer();
    const auto model = trainNano(tokenizer, options);
    if (!model) return fail(model.error().line());
    const auto error = exportGguf(out, *model, tokenizer, "quibble-nano");
    return error ? fail(*error) : 0;
}

void addNano(CLI::App& app, TrainOptions& o, std::string& out) {
    auto* nano = app.add_subcommand("nano", "Train quibble-nano and write its GGUF file");
    nano->add_option("--out", out, "GGUF file to write")->capture_default_str();
    nano->add_option("--steps", o.steps, "Optimizer steps of the whole schedule")->check(CLI::Range(1, 10000000))->capture_default_str();
    nano->add_option("--seed", o.seed, "Seed of weights and data")->capture_default_str();
    nano->add_option("--batch", o.batch_tokens, "Tokens a step")->check(CLI::Range(200, 1000000))->capture_default_str();
    nano->add_option("--muon-rate", o.muon_rate, "Peak rate of the hidden matrices")->capture_default_str();
    nano->add_option("--adam-rate", o.adam_rate, "Peak rate of embeddings and norms")->capture_default_str();
    nano->add_option("--log", o.log, "File the log is appended to");
    nano->add_option("--checkpoint", o.checkpoint, "File to save into every five minutes and at the end");
    nano->add_option("--resume", o.resume, "Checkpoint to go on from")->check(CLI::ExistingFile);
    nano->add_option("--stop-after", o.stop_after, "End after this many steps (0: at the end of the schedule)")->capture_default_str();
    nano->add_option("--log-every", o.log_every, "Steps between log lines")->check(CLI::Range(1, 1000000))->capture_default_str();
    nano->add_option("--eval-every", o.eval_every, "Steps between small evaluations (0: none)")->capture_default_str();
    nano->add_flag("!--f32", o.bf16, "Train in float32 instead of BF16 products");
}

void addEval(CLI::App& app, EvalCommand& e) {
    auto* eval = app.add_subcommand("eval", "Solve held-out problems with a checkpoint");
    eval->add_option("checkpoint", e.checkpoint, "Checkpoint of nano")->required()->check(CLI::ExistingFile);
    eval->add_option("--bits", e.bits, "Round the matrices to this many bits (0: do not)")->check(CLI::Range(0, 8))->capture_default_str();
    eval->add_option("--group", e.group, "Weights that share a scale")->check(CLI::IsMember({32, 64, 128, 256}))->capture_default_str();
    eval->add_option("--count", e.options.count, "Problems")->check(CLI::Range(1, 100000))->capture_default_str();
    eval->add_option("--temperature", e.options.temperature, "0 is greedy")->check(CLI::Range(0.0, 10.0))->capture_default_str();
    eval->add_option("--top-p", e.options.top_p, "Nucleus")->check(CLI::Range(0.0, 1.0))->capture_default_str();
    eval->add_option("--penalty", e.options.penalty, "Taken from the logits of the published markers")->capture_default_str();
    eval->add_option("--max-tokens", e.options.max_tokens, "Limit a chain")->check(CLI::Range(1, 1500))->capture_default_str();
    eval->add_option("--seed", e.options.seed, "Seed of the sampler")->capture_default_str();
    eval->add_option("--show", e.show, "Print this many chains")->capture_default_str();
}

int run(int argc, char** argv) {
    CLI::App app("Makes the small reasoning models that ship with Quibble");
    app.require_subcommand(1);
    int threads = 1;
    TrainOptions train;
    EvalCommand eval;
    std::string out = "quibble-nano.gguf";
    std::string checkpoint;
    std::string folder = "data/problems";
    app.add_option("--threads", threads, "Threads of the matrix products")->check(CLI::Range(1, 256))->capture_default_str();
    app.fallthrough();
    addNano(app, train, out);
    addEval(app, eval);
    auto* convert = app.add_subcommand("export", "Write a checkpoint as GGUF");
    convert->add_option("checkpoint", checkpoint, "Checkpoint of nano")->required()->check(CLI::ExistingFile);
    convert->add_option("--out", out, "GGUF file to write")->capture_default_str();
    auto* problems = app.add_subcommand("problems", "Write the problem sets");
    problems->add_option("--dir", folder, "Folder to write into")->check(CLI::ExistingDirectory)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    at::set_num_threads(threads);
    if (app.got_subcommand("nano")) return runNano(train, out);
    if (app.got_subcommand("eval")) return runEval(eval);
    if (app.got_subcommand("export")) return runExport(checkpoint, out);
    return writeProblems(folder);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const c10::Error& error) {  // libtorch reports a full disk or memory by exceptions
        return fail(error.what_without_backtrace());
    } catch (const std::exception& error) {
        return fail(error.what());
    }
}
