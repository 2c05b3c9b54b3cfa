#include "engine/model/model.h"

#include "engine/model/model_loader.h"

namespace quibble {

Result<std::shared_ptr<const Model>> Model::load(const std::filesystem::path& path, const LoadOptions& options) {
    auto file = ModelFile::open(path);
    if (!file) return tl::unexpected(file.error());
    // The configuration first: "architecture X is not supported" helps more than a complaint about its tokenizer.
    if (auto config = readModelConfig(**file); !config) return tl::unexpected(config.error());
    auto tokenizer = Tokenizer::fromFile(**file);
    if (!tokenizer) return tl::unexpected(tokenizer.error());
    return load(std::move(*file), std::move(*tokenizer), options);
}

Result<std::shared_ptr<const Model>> Model::load(std::shared_ptr<const ModelFile> file, std::shared_ptr<const Tokenizer> tokenizer,
                                                 const LoadOptions& options) {
    return ModelLoader(std::move(file), std::move(tokenizer), options).load();
}

}  // namespace quibble
