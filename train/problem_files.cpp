#include "train/problem_files.h"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace quibble::train {
namespace {

constexpr std::uint64_t kHeldOutSeed = 77;
constexpr std::uint64_t kExampleStream = kHeldOutStream + (1ULL << 20U);  // behind every held-out index

bool isStory(const Problem& problem) { return problem.text.find("How many") != std::string::npos; }

}  // namespace

Problem heldOutProblem(int index) {
    Rng rng(kHeldOutSeed, kHeldOutStream + static_cast<std::uint64_t>(index));
    return makeProblem(rng, {});
}

std::vector<Problem> exampleProblems(int count) {
    std::vector<Problem> examples;
    std::uint64_t stream = kExampleStream;
    for (int i = 0; i < count; ++i) {
        const auto steps = static_cast<std::size_t>(2 + i * 5 / count);
        for (;;) {
            Rng rng(kHeldOutSeed, stream++);
            Problem problem = makeProblem(rng, {});
            if (isStory(problem) != (i % 2 == 0) || problem.program.size() != steps) continue;
            examples.push_back(std::move(problem));
            break;
        }
    }
    return examples;
}

std::string problemLines(const std::string& id_prefix, const std::vector<Problem>& problems) {
    std::string lines;
    int number = 0;
    for (const Problem& problem : problems) {
        char id[32];
        std::snprintf(id, sizeof id, "%03d", ++number);
        nlohmann::ordered_json line;
        line["id"] = id_prefix + id;
        line["text"] = problem.text;
        line["answer"] = std::to_string(problem.answer);
        line["steps"] = problem.program.size();
        lines += line.dump() + "\n";
    }
    return lines;
}

}  // namespace quibble::train
