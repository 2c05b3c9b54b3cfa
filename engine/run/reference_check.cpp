#include "engine/run/reference_check.h"

#include <system_error>

#include "engine/experts/expert_method.h"
#include "engine/values/reference_text.h"

namespace quibble {

namespace {

bool isFileOf(const ModelFile& file, const std::filesystem::path& path, const Model& model) {
    std::error_code error;
    if (std::filesystem::equivalent(path, model.file()->path(), error) && !error) return true;
    return file.contentHash() == model.file()->contentHash() && modelHash(file) == model.hash();
}

// The reference keeps f32 rows, computes its prompt exactly and uses all its experts. Where the run does any of this in
// another way, the difference shows in KL even with the same weights.
bool onlyWeightsCanDiffer(const RunRequest& request, bool has_experts) {
    if (request.kv_type != KvType::F32 || request.prefill != PrefillMode::Exact) return false;
    const auto experts = findExpertMethod(request.experts);
    return !has_experts || (experts && (*experts)->lossless);
}

std::string remark(bool same_weights, const RunRequest& request, bool has_experts) {
    return same_weights && onlyWeightsCanDiffer(request, has_experts)
               ? "model and reference are the same weights, so KL is 0 at every token"
               : "";
}

}  // namespace

Result<void> checkReferenceReadsTheSame(const ModelConfig& reference, const Tokenizer& reference_tokenizer,
                                        const Model& model) {
    if (reference_tokenizer.hash() != model.tokenizer()->hash()) {
        return fail(ErrorCode::InvalidArgument,
                    "the reference " + reference.name + " has another tokenizer than " + model.config().name,
                    "Choose a reference of the same model family");
    }
    if (reference.vocab_size != model.config().vocab_size) {
        return fail(ErrorCode::InvalidArgument,
                    "the reference pads its vocabulary to " + std::to_string(reference.vocab_size) + ", the model to " +
                        std::to_string(model.config().vocab_size),
                    "Choose a reference with the same vocabulary size");
    }
    return {};
}

Result<std::string> lookAtReference(const RunRequest& request, const Model& model) {
    if (request.reference.kind == ReferenceKind::None) return std::string();
    bool same_file = true;
    if (request.reference.kind == ReferenceKind::File) {
        if (request.reference.path.empty())
            return fail(ErrorCode::InvalidArgument, "no reference file is chosen", "Choose one, or no reference");
        auto file = ModelFile::open(request.reference.path);
        if (!file) return tl::unexpected(file.error());
        auto config = readModelConfig(**file);
        if (!config) return tl::unexpected(config.error());
        same_file = isFileOf(**file, request.reference.path, model);
        if (!same_file) {
            auto tokenizer = Tokenizer::fromFile(**file);
            if (!tokenizer) return tl::unexpected(tokenizer.error());
            if (auto fits = checkReferenceReadsTheSame(*config, **tokenizer, model); !fits)
                return tl::unexpected(fits.error());
        }
    }
    return remark(same_file && request.weight_quant == MethodChoice{}, request, model.config().hasExperts());
}

std::string referenceRemark(const RunRequest& request, const RunProvenance& provenance) {
    return remark(referenceRelation(provenance) == ReferenceRelation::SameWeights, request, provenance.experts > 0);
}

}  // namespace quibble
