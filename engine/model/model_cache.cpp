#include "engine/model/model_cache.h"

#include <system_error>

#include "engine/base/clock.h"
#include "engine/base/log.h"
#include "engine/base/memory_use.h"

namespace quibble {

namespace {

void logLoad(const std::filesystem::path& path, const Result<std::shared_ptr<const Model>>& loaded, std::int64_t ns) {
    const std::string ms = std::to_string(ns / 1'000'000) + " ms";
    if (!loaded) {
        if (loaded.error().code == ErrorCode::Cancelled)
            return logInfo("model not loaded: " + path.string() + ", given up after " + ms);
        return logWarning("model not loaded: " + loaded.error().line());
    }
    const Model& model = **loaded;
    logInfo("model loaded: " + model.config().name + " " + model.hash() + ", " + model.weightFormat() + ", file of " +
            bytesText(static_cast<std::int64_t>(model.file()->fileSize())) + ", " +
            bytesText(static_cast<std::int64_t>(model.ownedBytes())) + " in memory beside it, " + ms + ", " +
            path.string());
}

}  // namespace

Result<std::shared_ptr<const Model>> ModelCache::get(const std::filesystem::path& path, const LoadOptions& options) {
    // A model is loaded under the lock, because two loads at once would only compete for the disk and for memory.
    const std::lock_guard lock(mutex_);
    std::error_code ignored;
    std::filesystem::path absolute = std::filesystem::weakly_canonical(path, ignored);
    if (absolute.empty()) absolute = path;
    const auto modified = std::filesystem::last_write_time(absolute, ignored);

    std::shared_ptr<const ModelFile> same_file;
    std::shared_ptr<const Tokenizer> same_tokenizer;
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if (entry->path != absolute || entry->modified != modified) continue;
        const bool serves = entry->packed == options.packed || (entry->packed && entry->model->storedReadable());
        if (entry->weight_quant == options.weight_quant && serves) {
            entries_.splice(entries_.begin(), entries_, entry);
            return entry->model;
        }
        same_file = entry->model->file();
        same_tokenizer = entry->model->tokenizer();
    }
    const auto load = [&] {
        return same_file != nullptr ? Model::load(same_file, same_tokenizer, options) : Model::load(path, options);
    };
    const std::int64_t began = nowNs();
    auto model = load();
    // Where memory is short, the models that are kept although nobody uses them are dropped.
    if (!model && model.error().code == ErrorCode::DoesNotFit &&
        entries_.remove_if([](const Entry& entry) { return entry.model.use_count() == 1; }) > 0)
        model = load();
    logLoad(path, model, nowNs() - began);
    if (!model) return model;
    entries_.push_front({absolute, modified, options.weight_quant, options.packed, *model});
    while (entries_.size() > keep_) entries_.pop_back();
    return model;
}

}  // namespace quibble
