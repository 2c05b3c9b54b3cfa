// Slot draft: what may come next, as a tree of proposed tokens that the target checks in one pass. A method is one
// file; its stem is its id. A drafter never changes the outcome of a lossless verify rule, only how fast it is reached.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>

#include "engine/device/cpu/cpu_device.h"
#include "engine/draft/draft_rules.h"
#include "engine/forward/sequence.h"
#include "engine/model/model.h"
#include "engine/sampler/sampler.h"
#include "engine/values/method_head.h"
#include "engine/values/run_request.h"
#include "engine/values/token_record.h"

namespace quibble {

/// Proposed tokens. parents[i] is an earlier node or -1 (the text).
struct DraftTree {
    std::vector<TokenId> tokens;
    std::vector<std::int32_t> parents;
    std::vector<float> probs;  // as DraftNode::draft_prob
    /// The distribution that node i was drawn from; empty: the node was chosen, not drawn (then it counts as certain).
    std::vector<TokenDistribution> drawn_from;

    [[nodiscard]] std::size_t size() const { return tokens.size(); }
    std::int32_t add(TokenId id, std::int32_t parent, float prob, TokenDistribution from = {}) {
        tokens.push_back(id);
        parents.push_back(parent);
        probs.push_back(prob);
        drawn_from.push_back(std::move(from));
        return static_cast<std::int32_t>(tokens.size()) - 1;
    }
};

struct DraftTask {
    std::span<const TokenId> text;  // prompt and everything appended; the draft continues it
    int max_nodes = 0;              // room in the target's pass and context
    int max_depth = 0;              // tokens that the run may still append, minus the target's own
    DraftRules rules;               // of the run, the same that the target follows
};

class Drafter {
public:
    virtual ~Drafter() = default;
    /// A tree of at most max_nodes nodes and max_depth levels; may be empty. Deterministic in the task and the text.
    /// Errors: Cancelled (call again to go on), and what a Sequence says.
    [[nodiscard]] virtual Result<DraftTree> propose(const DraftTask& task, const std::stop_token& stop) = 0;
    /// The model that drafts; nullptr: none.
    [[nodiscard]] virtual const Model* model() const { return nullptr; }
    /// Raw logits of the drafting model at the position behind node `node` of the last tree (-1: behind the text),
    /// [vocab_size]. Only for methods that draft for the reference.
    [[nodiscard]] virtual std::span<const float> rawLogits(std::int32_t /*node*/) const { return {}; }
    /// Takes a changed parameter from now on. Errors: InvalidArgument (unknown, range).
    [[nodiscard]] virtual Result<void> setParam(std::string_view key, double value) = 0;
};

/// What the method is made from.
struct DraftSetup {
    MethodChoice choice;
    std::vector<std::shared_ptr<const Model>> models;  // as many as the method asks for, largest first
    CpuDevice* device = nullptr;                       // outlives the drafter
    Position context = 0;
    SequenceSettings settings;
    PrefixReuse reuse;  // of its sequences
};

/// A drafter is lossless: what is kept of its drafts is for the verify rule to say.
struct DraftMethod : MethodHead {
    /// The largest tree that one round can have.
    int (*nodes)(const MethodChoice& choice);
    Result<std::unique_ptr<Drafter>> (*make)(const DraftSetup& setup);

    /// The run's own quantized model drafts, and its reference decides.
    [[nodiscard]] bool draftsForReference() const { return needs.has(Need::Reference); }
};

/// All methods; "none" is not in the table because it makes nothing.
[[nodiscard]] std::span<const DraftMethod* const> draftMethods();
/// Errors: InvalidArgument for an unknown id (lists the known) or parameters out of range. "none" gives nullptr.
[[nodiscard]] Result<const DraftMethod*> findDraftMethod(const MethodChoice& choice);

/// Why `draft` cannot draft for `target`, before anything runs. Errors: InvalidArgument (another tokenizer, another
/// vocabulary size, larger than the target).
[[nodiscard]] Result<void> checkDraftModel(const Model& draft, const Model& target);

namespace draft {
extern const DraftMethod kChain;
extern const DraftMethod kTree;
extern const DraftMethod kStaticTree;
extern const DraftMethod kNgram;
extern const DraftMethod kSelf;
extern const DraftMethod kCascade;
}  // namespace draft

}  // namespace quibble
