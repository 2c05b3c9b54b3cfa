#include "engine/draft/draft_method.h"

#include <string>

namespace quibble {

std::span<const DraftMethod* const> draftMethods() {
    static const DraftMethod* const kTable[] = {&draft::kChain, &draft::kTree, &draft::kStaticTree,
                                                &draft::kNgram, &draft::kSelf, &draft::kCascade};
    return kTable;
}

Result<const DraftMethod*> findDraftMethod(const MethodChoice& choice) {
    return findMethodOrNone(draftMethods(), choice, "draft method");
}

Result<void> checkDraftModel(const Model& draft, const Model& target) {
    const std::string& name = draft.config().name;
    if (draft.tokenizer()->hash() != target.tokenizer()->hash()) {
        return fail(ErrorCode::InvalidArgument,
                    "the draft model " + name + " has another tokenizer than " + target.config().name,
                    "Choose a draft of the same model family");
    }
    if (draft.config().vocab_size != target.config().vocab_size) {
        return fail(ErrorCode::InvalidArgument,
                    "the draft model " + name + " pads its vocabulary to " + std::to_string(draft.config().vocab_size) +
                        ", " + target.config().name + " to " + std::to_string(target.config().vocab_size),
                    "Choose a draft with the same vocabulary size");
    }
    if (draft.parameters() > target.parameters()) {
        return fail(ErrorCode::InvalidArgument,
                    "the draft model " + name + " is larger than " + target.config().name + ", so drafting cannot pay",
                    "Exchange the two, or choose a smaller draft");
    }
    return {};
}

}  // namespace quibble
