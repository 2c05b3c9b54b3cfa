// A folder with a small published checkpoint in it, to be damaged.
#pragma once

#include <QTemporaryDir>

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "engine/model/model.h"
#include "tests/support/checkpoint_writer.h"
#include "tests/support/random_model.h"

namespace quibble::testing {

inline RandomShape shaped(const char* architecture, int experts = 0,
                          kernels::TensorType type = kernels::TensorType::F32) {
    RandomShape shape;
    shape.architecture = architecture;
    shape.experts = experts;
    shape.experts_used = experts > 0 ? 2 : 0;
    shape.type = type;
    return shape;
}

struct PublishedFolder {
    QTemporaryDir directory;
    std::filesystem::path path = directory.path().toStdString();
    nlohmann::json config, tokenizer, tokenizer_config;
    std::vector<PublishedTensor> tensors;

    explicit PublishedFolder(const RandomShape& shape = shaped("qwen2")) {
        const auto loaded = load(makeRandomModel(shape), {});
        config = publishedConfig(*loaded->file);
        tokenizer = publishedTokenizer(*loaded->file);
        tokenizer_config = publishedTokenizerConfig(*loaded->file);
        tensors = publishedTensors(*loaded->file);
        writeCheckpoint(*loaded->file, path);
    }
    void rewrite() const {
        writeText(path / "config.json", config.dump());
        writeText(path / "tokenizer.json", tokenizer.dump());
        writeText(path / "tokenizer_config.json", tokenizer_config.dump());
        writeText(path / "model.safetensors", safetensorsBytes(tensors));
    }
    /// Empty when it opens.
    [[nodiscard]] std::string refusal(const char* name = "") const {
        const auto file = ModelFile::open(path / name);
        if (!file)
            return file.error().hint.empty() ? "an error without a hint: " + file.error().what : file.error().line();
        const auto model = Model::load(path / name, {});
        return model ? "" : model.error().line();
    }
};

}  // namespace quibble::testing
