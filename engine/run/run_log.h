// What the log says about runs and about errors that people see: numbers and settings, no prompt and no generated text.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>

#include "engine/values/run_event.h"
#include "engine/values/run_request.h"

namespace quibble {

/// Writes an error as a line of the log. A chat template may put the prompt into its own messages; of such a message
/// only the place is kept.
void logProblem(std::string_view line);

/// Settings of a run that are not the usual, in short: "rtn:bits=3,group=64, temperature 0.6, top-p 0.95, seed 1, at
/// most 512 tokens".
[[nodiscard]] std::string settingsInShort(const RunRequest& request);

/// Follows the events of runs, one after the other, and writes a line when one begins and one when it ends. Where the
/// user asked for texts (logsTexts) those are written too.
class RunLog {
public:
    void begin(RunId run, const RunRequest& request);
    void apply(std::span<const RunEvent> events);

private:
    void sayStart(const RunProvenance& provenance) const;
    void sayEnd(const RunFinished& end);

    RunId run_ = kNoRun;
    RunRequest request_;
    bool texts_ = false;
    bool started_ = false;
    std::int64_t tokens_ = 0;
    // The next two are filled only where texts are asked for.
    std::map<TokenId, std::string> pieces_;
    std::string text_;
};

}  // namespace quibble
