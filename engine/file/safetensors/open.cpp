// Finds the files of a checkpoint on the disk.
#include <algorithm>
#include <optional>
#include <set>
#include <system_error>

#include "engine/file/model_title.h"
#include "engine/file/safetensors/checkpoint.h"
#include "engine/file/safetensors/json.h"

namespace quibble {
namespace {

namespace fs = std::filesystem;

constexpr const char* kIndexName = "model.safetensors.index.json";
constexpr const char* kIndexEnding = ".safetensors.index.json";
constexpr std::size_t kMaxShards = 9999;
constexpr const char* kFilesHint =
    "Download the model's folder again, with all its files, under the names they were published with";

// What an index says: which file holds each tensor.
struct Index {
    std::string path;
    std::map<std::string, std::string> file_of;  // as Checkpoint::file_of
    std::set<std::string> files;
};

// A name that stays inside of the folder.
bool isPlainFileName(const std::string& name) {
    return name.ends_with(".safetensors") && name.find_first_of(std::string_view("/\\\0", 3)) == std::string::npos &&
           !name.starts_with('.');
}

Result<Index> readIndex(const fs::path& path) {
    auto mapped = MappedFile::open(path);
    if (!mapped) return tl::unexpected<Error>(mapped.error());
    const auto bytes = mapped->bytes();
    auto json = parseJsonObject({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path.string());
    if (!json) return tl::unexpected<Error>(json.error());
    const nlohmann::json* map = jsonObject(*json, "weight_map");
    if (map == nullptr || map->empty())
        return fail(ErrorCode::FileCorrupt, path.string() + ": there is no weight_map", kFilesHint);
    Index index;
    index.path = path.string();
    for (const auto& [tensor, file] : map->items()) {
        const std::string* name = file.get_ptr<const std::string*>();
        if (name == nullptr || !isPlainFileName(*name)) {
            return fail(ErrorCode::FileCorrupt,
                        index.path + ": tensor " + shownName(tensor) + " lies in " +
                            shownName(name == nullptr ? file.dump() : *name) +
                            ", which is no .safetensors file of the same folder",
                        "Do not use a folder whose index points out of it");
        }
        index.file_of.emplace(tensor, *name);
        index.files.insert(*name);
    }
    if (index.files.size() > kMaxShards)
        return fail(ErrorCode::Unsupported,
                    index.path + ": " + std::to_string(index.files.size()) + " files; the limit is " +
                        std::to_string(kMaxShards),
                    kFilesHint);
    return index;
}

Result<fs::path> weightsIn(const fs::path& folder) {
    std::error_code ignored;
    for (const char* name : {kIndexName, "model.safetensors"}) {
        if (fs::exists(folder / name, ignored)) return folder / name;
    }
    std::vector<fs::path> found;
    bool gguf = false, pickle = false;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (entry.path().extension() == ".safetensors") found.push_back(entry.path());
        gguf = gguf || entry.path().extension() == ".gguf";
        pickle = pickle || entry.path().extension() == ".bin" || entry.path().extension() == ".pt" ||
                 entry.path().extension() == ".pth";
    }
    if (found.size() == 1) return found.front();
    const std::string problem = found.empty() ? "there is no safetensors file"
                                              : "there are several safetensors files and no " + std::string(kIndexName);
    const std::string hint = gguf ? "Open the .gguf file in the folder"
                             : pickle && found.empty()
                                 ? "Weights as .bin or .pt are not read, because such files can run programs: get the "
                                   "model as safetensors or GGUF"
                                 : "Choose a folder with model.safetensors or " + std::string(kIndexName);
    return fail(ErrorCode::NotFound, folder.string() + ": " + problem, hint);
}

// Beside the weights; unset when it is not there.
struct SideFiles {
    std::vector<MappedFile> mappings;
    CheckpointTexts texts;
};

Result<SideFiles> openSideFiles(const fs::path& folder) {
    SideFiles files;
    struct Slot {
        const char* name;
        std::string_view* text;
        const char* needed_for;  // nullptr: may be absent
    };
    CheckpointTexts& texts = files.texts;
    for (const Slot& slot : {Slot{"config.json", &texts.config, "says what the model is"},
                             Slot{"tokenizer.json", &texts.tokenizer, "holds the vocabulary"},
                             Slot{"tokenizer_config.json", &texts.tokenizer_config, nullptr},
                             Slot{"generation_config.json", &texts.generation_config, nullptr},
                             Slot{"chat_template.jinja", &texts.chat_template, nullptr}}) {
        auto mapped = MappedFile::open(folder / slot.name);
        if (!mapped && mapped.error().code == ErrorCode::NotFound) {
            if (slot.needed_for == nullptr) continue;
            return fail(ErrorCode::NotFound, (folder / slot.name).string() + " is missing, which " + slot.needed_for,
                        "It is published beside the weights: put it into the same folder");
        }
        if (!mapped) return tl::unexpected<Error>(mapped.error());
        *slot.text = {reinterpret_cast<const char*>(mapped->bytes().data()), mapped->size()};
        files.mappings.push_back(std::move(*mapped));
    }
    return files;
}

// Where the weights are, with their index if they have one: a shard stands for the whole.
struct Weights {
    fs::path folder;
    std::set<std::string> files;
    std::map<std::string, std::string> file_of;
};

Result<Weights> findWeights(const fs::path& path) {
    std::error_code ignored;
    fs::path file = path;
    if (fs::is_directory(path, ignored)) {
        auto found = weightsIn(path);
        if (!found) return tl::unexpected<Error>(found.error());
        file = *found;
    }
    const bool is_index = file.filename().string().ends_with(kIndexEnding);
    if (file.extension() == ".json" && !is_index) {
        return fail(ErrorCode::InvalidArgument, path.string() + " is no index of safetensors files",
                    "Open the folder, the .safetensors file or " + std::string(kIndexName));
    }
    const fs::path folder = file.parent_path();
    const std::string name = file.filename().string();
    if (const fs::path beside = is_index ? file : folder / kIndexName; is_index || fs::exists(beside, ignored)) {
        auto index = readIndex(beside);
        if (!index) return tl::unexpected<Error>(index.error());
        if (is_index || index->files.count(name) != 0)
            return Weights{folder, std::move(index->files), std::move(index->file_of)};
    }
    return Weights{folder, {name}, {}};
}

}  // namespace

bool isCheckpointPath(const fs::path& path) {
    std::error_code ignored;
    return path.extension() == ".safetensors" || path.extension() == ".json" || fs::is_directory(path, ignored);
}

Result<ModelFileParts> openCheckpoint(const fs::path& path) {
    auto weights = findWeights(path);
    if (!weights) return tl::unexpected<Error>(weights.error());
    auto side = openSideFiles(weights->folder);
    if (!side) return tl::unexpected<Error>(side.error());

    Checkpoint checkpoint;
    checkpoint.name = path.string();
    checkpoint.folder = weights->folder.empty() ? std::string() : (weights->folder / "").string();
    checkpoint.title = modelTitle(path);
    checkpoint.texts = side->texts;
    checkpoint.file_of = std::move(weights->file_of);
    std::vector<MappedFile> mappings;
    for (const std::string& name : weights->files) {
        const fs::path shard = weights->folder / name;
        auto mapped = MappedFile::open(shard);
        if (!mapped)
            return fail(mapped.error().code, mapped.error().what,
                        weights->files.size() > 1 ? kFilesHint : mapped.error().hint);
        checkpoint.shards.push_back({shard.string(), name, mapped->bytes()});
        mappings.push_back(std::move(*mapped));
    }
    auto parts = translateCheckpoint(checkpoint);
    if (parts) parts->mappings = std::move(mappings);
    return parts;
}

}  // namespace quibble
