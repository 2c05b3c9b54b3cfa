// What the program can say about itself and the machine it runs on, as facts and as one text to copy into a report.
// Nothing of the user's runs is in it; folders and the names of files are.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/check/self_test.h"

namespace quibble {

class Model;

struct DiagnosticFact {
    std::string name, value;
};
struct DiagnosticSection {
    std::string title;
    std::vector<DiagnosticFact> facts;
};

/// What only the front end knows.
struct FrontEnd {
    std::string program;                    // "quibble", "quibble-cli"
    std::vector<DiagnosticFact> libraries;  // beside those of the engine: Qt, SQLite
    std::vector<DiagnosticFact> paths;
    std::vector<DiagnosticFact> model = {};  // of the model that is open: tuningFacts()
};

/// Program, build, processor, memory, paths and environment of this process, as they are now.
[[nodiscard]] std::vector<DiagnosticSection> diagnose(const FrontEnd& front_end);

/// Where the system tells about the processor; for tests.
[[nodiscard]] DiagnosticSection processorSection(const std::filesystem::path& proc = "/proc");

/// How the kernels of a model were tuned to this machine: where that comes from, then a line for each choice.
[[nodiscard]] std::vector<DiagnosticFact> tuningFacts(const Model& model);

/// One line for each table and operation: "avx512  matmul  108 cases  ok, largest error 41 % of what is allowed".
[[nodiscard]] std::vector<DiagnosticFact> selfTestFacts(const std::vector<kernels::OpCheck>& checks);
/// "All 56 checks passed.", or how many did not.
[[nodiscard]] std::string selfTestVerdict(const std::vector<kernels::OpCheck>& checks);
[[nodiscard]] bool selfTestPassed(const std::vector<kernels::OpCheck>& checks);

/// Title, then one indented line a fact.
[[nodiscard]] std::string diagnosticText(const std::vector<DiagnosticSection>& sections);

}  // namespace quibble
