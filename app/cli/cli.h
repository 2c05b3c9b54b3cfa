// What all commands of quibble-cli share. A command registers its options and leaves a function behind; main() runs the
// one that was chosen and turns an Error into exit status 1 and one line on standard error.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <ostream>
#include <string>

#include <CLI/CLI.hpp>

#include "data/problems/problem_set.h"
#include "engine/values/result.h"
#include "engine/values/run_event.h"

namespace quibble::cli {

/// What every option that takes a model says.
inline constexpr const char* kModelHelp = "Model: a GGUF or safetensors file, or a folder with safetensors files";

using Action = std::function<Result<void>()>;

void addRunCommand(CLI::App& app, Action& chosen);
void addBranchCommand(CLI::App& app, Action& chosen);
void addInspectCommand(CLI::App& app, Action& chosen);
void addExportCommand(CLI::App& app, Action& chosen);
void addReplayCommand(CLI::App& app, Action& chosen);
void addStagesCommand(CLI::App& app, Action& chosen);
void addBenchCommand(CLI::App& app, Action& chosen);
void addEvalCommand(CLI::App& app, Action& chosen);
void addGradeCommand(CLI::App& app, Action& chosen);
void addLogitsCommand(CLI::App& app, Action& chosen);
void addSynthCommand(CLI::App& app, Action& chosen);
void addTokenizeCommand(CLI::App& app, Action& chosen);
void addDiagnoseCommand(CLI::App& app, Action& chosen);
void addSelfTestCommand(CLI::App& app, Action& chosen);

/// A command makes files where the user says and never folders. Errors: NotFound when the folder of `path` is not
/// there.
[[nodiscard]] Result<void> requireFolder(const std::string& path);

/// Whether Output::open will do, without touching what is there: asked before work that takes long. Errors: NotFound,
/// Io.
[[nodiscard]] Result<void> requireWritable(const std::string& path);

/// All of a file, of standard input for "-". Errors: NotFound, Io, InvalidArgument (more than 64 MiB).
[[nodiscard]] Result<std::string> readBytes(const std::string& path);
/// A prompt: those bytes without a byte order mark at the front and one line end at the back. Errors: also
/// InvalidArgument (not UTF-8).
[[nodiscard]] Result<std::string> readPrompt(const std::string& path);

/// Standard output for "-", else a file that is created. close() reports what writing could not do.
class Output {
public:
    [[nodiscard]] static Result<std::unique_ptr<Output>> open(const std::string& path);
    [[nodiscard]] std::ostream& stream();
    [[nodiscard]] bool isFile() const { return file_ != nullptr; }
    [[nodiscard]] Result<void> close();

private:
    explicit Output(std::string path) : path_(std::move(path)) {}
    std::string path_;
    std::unique_ptr<std::ofstream> file_;  // nullptr: standard output
};

/// What the user should know of the model file or the settings, a line each on standard error.
void printNotes(const RunProvenance& provenance);

/// Looks an id up in all shipped problem sets. Errors: NotFound.
[[nodiscard]] Result<Problem> findProblem(const std::string& id);

}  // namespace quibble::cli
