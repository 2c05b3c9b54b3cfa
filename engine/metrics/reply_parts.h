// What of a reply is thought, what is answer, and which tokens only hold the marks between them. A recorded token says
// whether the model was thinking after it, which is all that is known when it is made; a mark that is cut across tokens
// is known when it is complete. These functions look back.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/values/run_trace.h"

namespace quibble {

enum class ReplyPart { Answer, Thought, Mark };

/// The part of every token, kept up while a run goes on.
class ReplyParts {
public:
    /// Takes the points that are new. Returns the first token whose part was not known or has changed: the old size, or
    /// a little before it where a mark was completed.
    std::size_t update(const RunTrace& trace);
    void clear() { parts_.clear(); }
    [[nodiscard]] std::size_t size() const { return parts_.size(); }
    [[nodiscard]] ReplyPart of(std::size_t token) const { return parts_[token]; }

private:
    std::vector<ReplyPart> parts_;
};

/// The generated text behind the last thought and its mark, or all of it when there was none. Empty when the last
/// thought was never closed.
[[nodiscard]] std::string textAfterThinking(const RunTrace& trace);
/// The text of the thoughts, without their marks.
[[nodiscard]] std::string thinkingText(const RunTrace& trace);

}  // namespace quibble
