// A note in the state folder that a window is open. It is removed when the window closes in good order; a note that is
// found at the start and belongs to no living process tells that the window before was killed, crashed, or lost its
// power.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace quibble {

class OpenNote {
public:
    /// Looks for notes that were left behind, removes them, and leaves one of this process. `folder` empty or not
    /// writable: no note.
    explicit OpenNote(const std::filesystem::path& folder);
    /// Closed in good order.
    ~OpenNote();
    OpenNote(const OpenNote&) = delete;
    OpenNote& operator=(const OpenNote&) = delete;

    /// What was found: one sentence for each window that did not close, with the time of its beginning and the last one
    /// it was seen at.
    [[nodiscard]] const std::vector<std::string>& left() const { return left_; }
    /// The window is alive: to be called now and then, for the time in such a sentence.
    void touch() const;

private:
    void collect(const std::filesystem::path& folder);

    std::vector<std::string> left_;
    std::filesystem::path file_;
    int descriptor_ = -1;  // holds a lock, which ends with the process however that ends
};

}  // namespace quibble
