// Slot verify: by which rule the target accepts a drafted token. Asked once per node of the accepted path, with the
// drafted tokens that continue it. A method is one file; its stem is its id.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "engine/draft/draft_method.h"
#include "engine/sampler/sampler.h"
#include "engine/values/method_head.h"

namespace quibble {

struct VerifyTask {
    const DraftTree* tree = nullptr;
    std::span<const std::int32_t> children;  // nodes that continue the path, in the order they were drafted
    std::span<const float> logits;           // of the target here, after the penalty
    Sampler* sampler = nullptr;
    SamplerSettings settings;
    std::uint64_t seed = 0;
    Position pos = 0;
    const MethodChoice* choice = nullptr;
};

/// The test of one child.
struct ChildTest {
    float accept_prob = kNotMeasured;
    float draw = kNotMeasured;
};

struct VerifyOutcome {
    int accepted = -1;  // index into children; -1: none, `own` stands here
    TokenId own = kNoToken;
    std::vector<ChildTest> tests;  // of children[0], children[1] ... up to the one that decided
};

/// Lossless: the text is distributed as the target's own.
struct VerifyMethod : MethodHead {
    DraftPick pick = DraftPick::SharedNoise;  // how the draft must pick
    VerifyOutcome (*decide)(const VerifyTask& task);
};

[[nodiscard]] std::span<const VerifyMethod* const> verifyMethods();
/// Errors: InvalidArgument for an unknown id (lists the known) or parameters out of range.
[[nodiscard]] Result<const VerifyMethod*> findVerifyMethod(const MethodChoice& choice);

namespace verify {
extern const VerifyMethod kMatch;
extern const VerifyMethod kRejection;
extern const VerifyMethod kTypical;
}  // namespace verify

}  // namespace quibble
