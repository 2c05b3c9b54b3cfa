#include "data/models/model_catalogue.h"

#include <fstream>
#include <iterator>
#include <system_error>

#include <nlohmann/json.hpp>

#include "data/shipped.h"

namespace quibble {

namespace {

constexpr std::uintmax_t kMostBytes = 1 << 20;

}  // namespace

Result<std::vector<KnownModelNote>> loadModelCatalogue(const std::filesystem::path& file) {
    std::error_code error;
    const std::uintmax_t bytes = std::filesystem::file_size(file, error);
    std::ifstream in(file, std::ios::binary);
    if (error || !in) return fail(ErrorCode::Io, file.string() + " cannot be read");
    const auto corrupt = [&file](const std::string& why) {
        return fail(ErrorCode::FileCorrupt, file.string() + " " + why, "Install the data of the program again");
    };
    if (bytes > kMostBytes) return corrupt("is too large for a catalogue of models");
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const auto json = nlohmann::json::parse(text, nullptr, false);
    if (!json.is_object() || !json.contains("models") || !json["models"].is_array())
        return corrupt("is not a catalogue of models");
    std::vector<KnownModelNote> notes;
    for (const auto& model : json["models"]) {
        KnownModelNote note;
        for (const auto& [key, target] :
             {std::pair{"file", &note.file}, {"hash", &note.hash}, {"speciality", &note.speciality}}) {
            if (!model.is_object() || !model.contains(key) || !model[key].is_string())
                return corrupt(std::string("has a model without \"") + key + "\"");
            *target = model[key].get<std::string>();
        }
        notes.push_back(std::move(note));
    }
    return notes;
}

std::string specialityOf(const std::string& hash) {
    static const Result<std::vector<KnownModelNote>> kShipped =
        loadModelCatalogue(shippedDataDirectory() / "models" / "catalogue.json");
    if (!kShipped) return {};
    for (const KnownModelNote& note : *kShipped) {
        if (note.hash == hash) return note.speciality;
    }
    return {};
}

}  // namespace quibble
