// What is known of particular models beyond what their files say: data/models/catalogue.json. Models are told by their
// hash, so a copy under another name is known too.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/values/result.h"

namespace quibble {

struct KnownModelNote {
    std::string file;        // the name it ships under
    std::string hash;        // of the model
    std::string speciality;  // what it was made for, if nothing else: one or two sentences for somebody who asks it
                             // something else
};

/// Errors: Io, FileCorrupt.
[[nodiscard]] Result<std::vector<KnownModelNote>> loadModelCatalogue(const std::filesystem::path& file);

/// The speciality of the model with this hash, from the shipped catalogue; empty: it has none, or nothing is known.
[[nodiscard]] std::string specialityOf(const std::string& hash);

}  // namespace quibble
