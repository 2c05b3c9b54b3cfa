// The marker lists a user can choose: the built-in ones, and files of the user in one folder, one list a file.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/text/marker_set.h"
#include "engine/values/result.h"

namespace quibble {

class MarkerLists {
public:
    explicit MarkerLists(std::filesystem::path folder);

    /// Reads the folder again. Files that cannot be read are left out and reported; a missing folder is an empty one.
    [[nodiscard]] std::vector<Error> reload();
    /// Built-in lists first, then the user's by name.
    [[nodiscard]] const std::vector<MarkerSet>& all() const { return sets_; }
    [[nodiscard]] const MarkerSet* find(const std::string& name) const;  // nullptr: none of that name
    /// Names of the lists that can be changed.
    [[nodiscard]] std::vector<std::string> editable() const;
    [[nodiscard]] bool isEditable(const std::string& name) const;
    /// A name that is not taken: "published-50 copy", "published-50 copy 2".
    [[nodiscard]] std::string freeName(const std::string& base) const;

    /// Writes a list under its name; `replaces` is the name it had before (empty: it is new). Errors: InvalidArgument
    /// (no name, name taken or built in, no words), Io.
    [[nodiscard]] Result<void> save(const MarkerSet& set, const std::string& replaces);
    [[nodiscard]] Result<void> remove(const std::string& name);

private:
    struct Own {
        std::string name;
        std::filesystem::path file;
    };
    [[nodiscard]] std::filesystem::path freeFile(const std::string& name) const;
    std::filesystem::path folder_;
    std::vector<MarkerSet> sets_;
    std::vector<Own> own_;
};

}  // namespace quibble
