#include <cstdio>
#include <cstdlib>
#include <exception>
#include <map>
#include <string>

#include <ATen/Parallel.h>

#include "engine/train/evaluate.h"
#include "engine/train/export.h"
#include "engine/train/trainer.h"

namespace {

using namespace quibble::train;

using Flags = std::map<std::string, std::string>;

double number(const Flags& flags, const std::string& key, double fallback) {
  const auto found = flags.find(key);
  return found == flags.end() ? fallback : std::strtod(found->second.c_str(), nullptr);
}
std::string text(const Flags& flags, const std::string& key) {
  const auto found = flags.find(key);
  return found == flags.end() ? std::string() : found->second;
}

int runNano(const Flags& flags) {
  TrainOptions o;
  o.steps = static_cast<int64_t>(number(flags, "--steps", static_cast<double>(o.steps)));
  o.seed = static_cast<uint64_t>(number(flags, "--seed", static_cast<double>(o.seed)));
  o.batch_tokens = static_cast<int64_t>(number(flags, "--batch", static_cast<double>(o.batch_tokens)));
  o.stop_after = static_cast<int64_t>(number(flags, "--stop-after", 0));
  o.muon_rate = number(flags, "--muon-rate", o.muon_rate);
  o.adam_rate = number(flags, "--adam-rate", o.adam_rate);
  o.eval_every = static_cast<int64_t>(number(flags, "--eval-every", static_cast<double>(o.eval_every)));
  o.log_every = static_cast<int64_t>(number(flags, "--log-every", static_cast<double>(o.log_every)));
  o.bf16 = text(flags, "--precision") != "f32";
  o.log = text(flags, "--log");
  o.resume = text(flags, "--resume");
  o.checkpoint = text(flags, "--checkpoint");
  trainNano(makeNanoTokenizer(), o);
  return 0;
}

int runEval(const std::string& checkpoint, const Flags& flags) {
  const ToyTokenizer tokenizer = makeNanoTokenizer();
  LlamaModel model(nanoShape(tokenizer), 1, false);
  loadCheckpoint(checkpoint, model, nullptr);
  const int bits = static_cast<int>(number(flags, "--bits", 0));
  if (bits > 0) quantizeRtn(model, bits, static_cast<int64_t>(number(flags, "--group", 64)));
  EvalOptions e;
  e.count = static_cast<int>(number(flags, "--count", 500));
  e.temperature = number(flags, "--temperature", e.temperature);
  e.top_p = number(flags, "--top-p", e.top_p);
  e.penalty = number(flags, "--penalty", 0.0);
  e.seed = static_cast<uint64_t>(number(flags, "--seed", 1));
  const EvalResult r = evaluate(model, tokenizer, e);
  const int show = static_cast<int>(number(flags, "--show", 0));
  for (int i = 0; i < show && i < e.count; ++i) {
    std::printf("--- %s [%d]\n%s\n", heldOutProblem(i).text.c_str(), heldOutProblem(i).answer, r.texts[static_cast<std::size_t>(i)].c_str());
  }
  std::printf("bits %d penalty %.1f: right %d/%d = %.1f%% tokens %.1f markers %.2f unfinished %d\n", bits, e.penalty, r.right_count, e.count,
              100.0 * r.right, r.mean_tokens, r.mean_markers, r.unfinished);
  return 0;
}

int runExport(const std::string& checkpoint, const Flags& flags) {
  const ToyTokenizer tokenizer = makeNanoTokenizer();
  LlamaModel model(nanoShape(tokenizer), 1, false);
  loadCheckpoint(checkpoint, model, nullptr);
  const auto error = exportGguf(text(flags, "--out"), model, tokenizer, "quibble-nano");
  if (error) std::fprintf(stderr, "quibble-train: %s\n", error->c_str());
  return error ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string command = argc > 1 ? argv[1] : "";
  std::string positional;
  Flags flags;
  for (int i = 2; i < argc; ++i) {
    const std::string a = argv[i];
    if (a.rfind("--", 0) == 0 && i + 1 < argc) {
      flags[a] = argv[++i];
    } else {
      positional = a;
    }
  }
  at::set_num_threads(static_cast<int>(number(flags, "--threads", 1)));
  try {
    if (command == "nano") return runNano(flags);
    if (command == "export") return runExport(positional, flags);
    if (command == "eval") return runEval(positional, flags);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "quibble-train: %s\n", e.what());
    return 1;
  }
  std::fprintf(stderr, "quibble-train: unknown command\n");
  return 1;
}
