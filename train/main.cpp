#include <ATen/Parallel.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <exception>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "train/evaluate.h"
#include "train/export.h"
#include "train/import.h"
#include "train/measure.h"
#include "train/problem_files.h"
#include "train/recipes.h"
#include "train/trainer.h"
#include "train/upcycle.h"

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
    return status != 0 ? status
                       : writeFile(folder + "/nano-examples.jsonl", problemLines("example-", exampleProblems(20)));
}

const std::map<std::string, Recipe> kRecipes{{"nano", Recipe::kNano}, {"moe", Recipe::kMoe}, {"draft", Recipe::kDraft}};

/// The weights of a checkpoint or of a GGUF file, by its ending.
quibble::Result<void> loadWeights(const std::string& path, Transformer& model) {
    if (path.ends_with(".gguf")) return importGguf(path, model);
    const auto step = loadCheckpoint(path, model, nullptr);
    if (!step) return tl::unexpected(step.error());
    return {};
}

struct EvalCommand {
    std::string file;
    Recipe recipe = Recipe::kNano;
    int bits = 0;
    int64_t group = 64;
    int show = 0;
    EvalOptions options;
};

int runEval(const EvalCommand& command) {
    const ToyTokenizer tokenizer = makeNanoTokenizer();
    Transformer model(shapeOf(command.recipe, tokenizer), 1, false);
    if (const auto loaded = loadWeights(command.file, model); !loaded) return fail(loaded.error().line());
    if (command.bits > 0) quantizeRtn(model, command.bits, command.group);
    const EvalResult r = evaluate(model, tokenizer, command.options);
    for (int i = 0; i < command.show && i < command.options.count; ++i) {
        const Problem problem = heldOutProblem(i);
        std::printf("--- %s [%d]\n%s\n", problem.text.c_str(), problem.answer,
                    r.chains[static_cast<std::size_t>(i)].text.c_str());
    }
    std::printf("bits %d group %lld penalty %.1f: right %d/%d = %.1f%% tokens %.1f markers %.2f unfinished %d\n",
                command.bits, static_cast<long long>(command.group), command.options.penalty, r.right_count,
                command.options.count, 100.0 * r.right, r.mean_tokens, r.mean_markers, r.unfinished);
    return 0;
}

struct MeasureCommand {
    std::string target, draft;
    Recipe target_recipe = Recipe::kNano;
    Recipe draft_recipe = Recipe::kDraft;
    EvalOptions options;
};

int runMeasure(const MeasureCommand& command) {
    const ToyTokenizer tokenizer = makeNanoTokenizer();
    Transformer target(shapeOf(command.target_recipe, tokenizer), 1, false);
    if (const auto loaded = loadWeights(command.target, target); !loaded) return fail(loaded.error().line());
    const std::vector<SampledChain> chains = evaluate(target, tokenizer, command.options).chains;
    for (const std::vector<double>& layer : expertShares(target, chains)) {
        std::printf("experts:");
        for (const double share : layer) std::printf(" %.1f%%", 100.0 * share);
        std::printf("\n");
    }
    if (command.draft.empty()) return 0;
    Transformer draft(shapeOf(command.draft_recipe, tokenizer), 1, false);
    if (const auto loaded = loadWeights(command.draft, draft); !loaded) return fail(loaded.error().line());
    const Agreement agreement = measureAgreement(target, draft, chains, command.options);
    std::printf("draft: same top token %.2f%%, acceptance %.2f%%, %lld tokens\n", 100.0 * agreement.top1,
                100.0 * agreement.acceptance, static_cast<long long>(agreement.tokens));
    return 0;
}

int runExport(Recipe recipe, const std::string& checkpoint, const std::string& out) {
    const ToyTokenizer tokenizer = makeNanoTokenizer();
    Transformer model(shapeOf(recipe, tokenizer), 1, false);
    if (const auto loaded = loadWeights(checkpoint, model); !loaded) return fail(loaded.error().line());
    const auto error = exportGguf(out, model, tokenizer, modelName(recipe));
    return error ? fail(*error) : 0;
}

struct TrainCommand {
    Recipe recipe = Recipe::kNano;
    TrainOptions options;
    std::string from;  ///< dense GGUF to start from; moe only
    std::string out;
};

int runTrain(const TrainCommand& command) {
    const ToyTokenizer tokenizer = makeNanoTokenizer();
    const TrainOptions& options = command.options;
    Transformer model(shapeOf(command.recipe, tokenizer), options.seed, options.bf16);
    if (!command.from.empty() && options.resume.empty()) {
        Transformer dense(shapeOf(Recipe::kNano, tokenizer), options.seed, false);
        if (const auto loaded = importGguf(command.from, dense); !loaded) return fail(loaded.error().line());
        upcycle(dense, makeBatch(tokenizer, options.seed, 0, options.batch_tokens, 1.0), options.seed, model);
    }
    if (const auto trained = train(model, tokenizer, options); !trained) return fail(trained.error().line());
    const auto error = exportGguf(command.out, model, tokenizer, modelName(command.recipe));
    return error ? fail(*error) : 0;
}

/// What the three recipes set differently.
TrainCommand makeTrainCommand(Recipe recipe) {
    TrainCommand command;
    command.recipe = recipe;
    command.out = modelName(recipe) + ".gguf";
    TrainOptions& o = command.options;
    if (recipe == Recipe::kMoe) {  // starts from trained weights: no easy problems first, and smaller steps
        o.steps = 1300;
        o.batch_tokens = 9000;
        o.muon_rate = 0.01;
        o.adam_rate = 1e-3;
        o.curriculum = false;
    }
    return command;
}

void addTrain(CLI::App& app, TrainCommand& command) {
    TrainOptions& o = command.options;
    auto* sub = app.add_subcommand(recipeName(command.recipe),
                                   "Train " + modelName(command.recipe) + " and write its GGUF file");
    sub->add_option("--out", command.out, "GGUF file to write")->capture_default_str();
    if (command.recipe == Recipe::kMoe) {
        sub->add_option("--from", command.from, "GGUF file of quibble-nano to start from")
            ->required()
            ->check(CLI::ExistingFile);
        sub->add_option("--balance", o.balance, "Weight of the load-balancing loss")->capture_default_str();
        sub->add_option("--z-loss", o.z_loss, "Weight of the router's z-loss")->capture_default_str();
    }
    sub->add_option("--steps", o.steps, "Optimizer steps of the whole schedule")
        ->check(CLI::Range(1, 10000000))
        ->capture_default_str();
    sub->add_option("--seed", o.seed, "Seed of weights and data")->capture_default_str();
    sub->add_option("--batch", o.batch_tokens, "Tokens a step")->check(CLI::Range(200, 1000000))->capture_default_str();
    sub->add_option("--muon-rate", o.muon_rate, "Peak rate of the hidden matrices")->capture_default_str();
    sub->add_option("--adam-rate", o.adam_rate, "Peak rate of embeddings, norms and routers")->capture_default_str();
    sub->add_option("--log", o.log, "File the log is appended to");
    sub->add_option("--checkpoint", o.checkpoint, "File to save into every five minutes and at the end");
    sub->add_option("--resume", o.resume, "Checkpoint to go on from")->check(CLI::ExistingFile);
    sub->add_option("--stop-after", o.stop_after, "End after this many steps (0: at the end of the schedule)")
        ->capture_default_str();
    sub->add_option("--log-every", o.log_every, "Steps between log lines")
        ->check(CLI::Range(1, 1000000))
        ->capture_default_str();
    sub->add_option("--eval-every", o.eval_every, "Steps between small evaluations (0: none)")->capture_default_str();
    sub->add_flag("!--f32", o.bf16, "Train in float32 instead of BF16 products");
}

void addRecipe(CLI::App& sub, Recipe& recipe, const char* option = "--model") {
    sub.add_option(option, recipe, "Which model the file holds: nano, moe or draft")
        ->transform(CLI::CheckedTransformer(kRecipes));
}

void addEval(CLI::App& app, EvalCommand& e) {
    auto* eval = app.add_subcommand("eval", "Solve held-out problems");
    eval->add_option("file", e.file, "Checkpoint or GGUF file")->required()->check(CLI::ExistingFile);
    addRecipe(*eval, e.recipe);
    eval->add_option("--bits", e.bits, "Round the matrices to this many bits (0: do not)")
        ->check(CLI::Range(0, 8))
        ->capture_default_str();
    eval->add_option("--group", e.group, "Weights that share a scale")
        ->check(CLI::IsMember({32, 64, 128, 256}))
        ->capture_default_str();
    eval->add_option("--count", e.options.count, "Problems")->check(CLI::Range(1, 100000))->capture_default_str();
    eval->add_option("--temperature", e.options.temperature, "0 is greedy")
        ->check(CLI::Range(0.0, 10.0))
        ->capture_default_str();
    eval->add_option("--top-p", e.options.top_p, "Nucleus")->check(CLI::Range(0.0, 1.0))->capture_default_str();
    eval->add_option("--penalty", e.options.penalty, "Taken from the logits of the published markers")
        ->capture_default_str();
    eval->add_option("--max-tokens", e.options.max_tokens, "Limit a chain")
        ->check(CLI::Range(1, 1500))
        ->capture_default_str();
    eval->add_option("--seed", e.options.seed, "Seed of the sampler")->capture_default_str();
    eval->add_option("--show", e.show, "Print this many chains")->capture_default_str();
}

void addMeasure(CLI::App& app, MeasureCommand& m) {
    auto* measure =
        app.add_subcommand("measure", "Shares of the experts, and how well a draft guesses, on chains of the target");
    measure->add_option("target", m.target, "Checkpoint or GGUF file that writes the chains")
        ->required()
        ->check(CLI::ExistingFile);
    addRecipe(*measure, m.target_recipe);
    measure->add_option("--draft", m.draft, "Checkpoint or GGUF file that guesses")->check(CLI::ExistingFile);
    addRecipe(*measure, m.draft_recipe, "--draft-model");
    measure->add_option("--count", m.options.count, "Held-out problems")
        ->check(CLI::Range(1, 100000))
        ->capture_default_str();
    measure->add_option("--temperature", m.options.temperature, "Of both models")
        ->check(CLI::Range(0.01, 10.0))
        ->capture_default_str();
    measure->add_option("--top-p", m.options.top_p, "Of both models")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
    measure->add_option("--seed", m.options.seed, "Seed of the sampler")->capture_default_str();
}

int run(int argc, char** argv) {
    CLI::App app("Makes the small reasoning models that ship with Quibble");
    app.require_subcommand(1);
    int threads = 1;
    std::array<TrainCommand, 3> commands{makeTrainCommand(Recipe::kNano), makeTrainCommand(Recipe::kMoe),
                                         makeTrainCommand(Recipe::kDraft)};
    EvalCommand eval;
    Recipe recipe = Recipe::kNano;
    std::string out = "quibble-nano.gguf";
    std::string checkpoint;
    std::string folder = "data/problems";
    app.add_option("--threads", threads, "Threads of the matrix products")
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    app.fallthrough();
    for (TrainCommand& command : commands) addTrain(app, command);
    addEval(app, eval);
    MeasureCommand measure;
    addMeasure(app, measure);
    auto* convert = app.add_subcommand("export", "Write a checkpoint as GGUF");
    convert->add_option("checkpoint", checkpoint, "Checkpoint")->required()->check(CLI::ExistingFile);
    convert->add_option("--out", out, "GGUF file to write")->capture_default_str();
    addRecipe(*convert, recipe);
    auto* problems = app.add_subcommand("problems", "Write the problem sets");
    problems->add_option("--dir", folder, "Folder to write into")->check(CLI::ExistingDirectory)->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    at::set_num_threads(threads);
    for (const TrainCommand& command : commands) {
        if (app.got_subcommand(recipeName(command.recipe))) return runTrain(command);
    }
    if (app.got_subcommand("eval")) return runEval(eval);
    if (app.got_subcommand("measure")) return runMeasure(measure);
    if (app.got_subcommand("export")) return runExport(recipe, checkpoint, out);
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
