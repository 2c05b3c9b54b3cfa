// What the check of the kernels found, in words.
#include <algorithm>
#include <cstdio>

#include "engine/diagnostics/diagnostics.h"

namespace quibble {

namespace {

std::string resultText(const kernels::OpCheck& check) {
    const std::string cases = std::to_string(check.cases) + (check.cases == 1 ? " case, " : " cases, ");
    if (!check.fault.empty()) return cases + "WRONG: " + check.fault;
    if (check.worst == 0) return cases + "the same as the reference";
    char text[64];
    std::snprintf(text, sizeof text, "largest error %.2g %% of what is allowed", check.worst * 100);
    return cases + text;
}

std::size_t wrong(const std::vector<kernels::OpCheck>& checks) {
    return static_cast<std::size_t>(std::count_if(checks.begin(), checks.end(),
                                                  [](const kernels::OpCheck& check) { return !check.fault.empty(); }));
}

}  // namespace

bool selfTestPassed(const std::vector<kernels::OpCheck>& checks) { return !checks.empty() && wrong(checks) == 0; }

std::vector<DiagnosticFact> selfTestFacts(const std::vector<kernels::OpCheck>& checks) {
    std::vector<DiagnosticFact> facts;
    facts.reserve(checks.size());
    for (const kernels::OpCheck& check : checks)
        facts.push_back({std::string(check.isa) + " " + check.op, resultText(check)});
    return facts;
}

std::string selfTestVerdict(const std::vector<kernels::OpCheck>& checks) {
    if (checks.empty()) return "Nothing was checked";
    const std::size_t faults = wrong(checks);
    if (faults == 0)
        return "All " + std::to_string(checks.size()) + " checks passed: this machine computes as the reference does";
    return std::to_string(faults) + " of " + std::to_string(checks.size()) +
           " checks failed: numbers made here cannot be trusted. Please report this text with the model of the "
           "processor";
}

}  // namespace quibble
