// Runs for the store's tests: every field filled, every odd float somewhere, and a comparison that says what differs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/values/run_event.h"
#include "engine/values/run_request.h"
#include "engine/values/run_trace.h"

namespace quibble::test {

struct RunShape {
    std::uint64_t seed = 1;
    int tokens = 20;
    int prompt = 5;       // tokens of the prompt
    Position first = -1;  // position of the first event; -1: behind the prompt
    bool references = true;
    bool finished = true;
    bool drafts = false;  // most tokens come in draft rounds
    int experts = 0;      // a layer; 0: a dense model
    bool rules = false;   // rules of the slots logits and control act
    int rewrites = 0;     // so often the last half of the text is taken back and written anew
    std::string known_answer = "42";
    std::string tokenizer_hash = "tokenizer-a";
};

/// A request in which no field has its default value.
[[nodiscard]] RunRequest fullRequest(std::uint64_t seed = 1);
/// fullRequest with rules on logits and text.
[[nodiscard]] RunRequest ruledRequest(std::uint64_t seed = 1);
/// All events of a run, in the order in which an engine sends them: provenance, texts before the tokens that use them,
/// references in blocks behind the tokens, two control changes, the end. The tokens do not depend on whether there are
/// drafts or experts.
[[nodiscard]] std::vector<RunEvent> eventsOf(const RunShape& shape);
[[nodiscard]] RunTrace traceOf(const RunRequest& request, const std::vector<RunEvent>& events);
/// The events without the texts of tokens that `stored` does not name: what a text no longer holds needs none.
[[nodiscard]] std::vector<RunEvent> withTextsOf(std::vector<RunEvent> events, const RunTrace& stored);
/// Cut into batches of `size` events.
[[nodiscard]] std::vector<EventBatchPtr> batchesOf(RunId run, const std::vector<RunEvent>& events,
                                                   std::size_t size = 7);

/// Empty: the traces are equal in everything a store keeps, floats bit for bit (any NaN equals any NaN). Else the first
/// difference.
[[nodiscard]] std::string differenceBetween(const RunTrace& a, const RunTrace& b);

}  // namespace quibble::test
