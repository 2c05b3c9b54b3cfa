// Where the test data lies: in the repository, or beside it for what may not be copied into it.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include <QTest>

#include "engine/file/model_file.h"
#include "engine/text/tokenizer.h"

namespace quibble::test {

inline std::filesystem::path repository() { return QUIBBLE_SOURCE_DIR; }

/// Path of vocab-NAME.gguf; empty when neither place has it.
inline std::filesystem::path vocabularyPath(const std::string& name) {
    const std::string file = "vocab-" + name + ".gguf";
    for (const auto& folder : {repository() / "tests/golden/vocab", repository() / "../shared/goldens/vocab"}) {
        if (std::filesystem::exists(folder / file)) return folder / file;
    }
    return {};
}

/// The tokenizer of vocab-NAME.gguf; null with a message when it does not load.
inline std::shared_ptr<const Tokenizer> loadTokenizer(const std::string& name) {
    const auto file = ModelFile::open(vocabularyPath(name));
    if (!file) {
        qWarning("%s", file.error().line().c_str());
        return nullptr;
    }
    const auto tokenizer = Tokenizer::fromFile(**file);
    if (!tokenizer) {
        qWarning("%s", tokenizer.error().line().c_str());
        return nullptr;
    }
    return *tokenizer;
}

}  // namespace quibble::test
