// Slot experts: which experts the rows of one pass may use. Every method answers with a set of allowed experts for each
// layer and pass, by substitution (top-k among the allowed) or truncation (natural top-k, what is not allowed is left
// out). A method is one file; its stem is its id. Formulas: MoE-Spec, arXiv 2602.16052.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/forward/experts.h"
#include "engine/values/method_head.h"
#include "engine/values/result.h"
#include "engine/values/run_request.h"

namespace quibble {

class ExpertPolicy : public ExpertSelector {
public:
    ExpertPolicy(MethodChoice choice, std::span<const ParamSpec> specs) : choice_(std::move(choice)), specs_(specs) {}

    /// Of the passes that follow.
    void setVerifyPass(bool verify) { verify_ = verify; }
    void select(const RouterScores& scores, ExpertChoice& choice) override;
    /// Experts that the last layer's rows were allowed to use; empty: all.
    [[nodiscard]] std::span<const char> allowed() const { return allowed_; }
    /// Experts a layer that the next pass may use; 0: all.
    [[nodiscard]] virtual int budget() const { return 0; }
    /// Takes a changed parameter from now on. Errors: InvalidArgument (unknown, range, a budget that the model cannot
    /// have).
    [[nodiscard]] Result<void> setParam(std::string_view key, double value);
    /// Errors: InvalidArgument, as setParam.
    [[nodiscard]] virtual Result<void> check(const MethodChoice& choice, const ExpertConfig& config) const;
    void setConfig(const ExpertConfig& config) { config_ = config; }

protected:
    /// Marks the allowed experts of this layer and pass in `open` ([config.count], all 1 at first); false: no
    /// restriction.
    [[nodiscard]] virtual bool restrict(const RouterScores& scores, std::vector<char>& open) = 0;
    /// The natural choices of one row that stay when the method truncates row by row; by default those that are open.
    [[nodiscard]] virtual bool truncates() const { return false; }

    MethodChoice choice_;
    bool verify_ = false;
    ExpertConfig config_;

private:
    std::span<const ParamSpec> specs_;
    std::vector<char> allowed_;
};

/// The parameter by which a method acts in every pass, not only in those that verify a draft.
inline constexpr std::string_view kAllPassesKey = "all_passes";

struct ExpertMethod : MethodHead {
    std::unique_ptr<ExpertPolicy> (*make)(const MethodChoice& choice, std::uint64_t seed);
};

[[nodiscard]] std::span<const ExpertMethod* const> expertMethods();
/// Errors: InvalidArgument for an unknown id (lists the known) or parameters out of range.
[[nodiscard]] Result<const ExpertMethod*> findExpertMethod(const MethodChoice& choice);
/// The policy of a run on a model with experts. Errors: as findExpertMethod, and a budget that the model cannot keep.
[[nodiscard]] Result<std::unique_ptr<ExpertPolicy>> makeExpertPolicy(const MethodChoice& choice,
                                                                     const ExpertConfig& config, std::uint64_t seed);

/// Why the experts that a request chooses would be those of any other run; empty: they would not, or all are allowed.
/// Most methods act in passes that verify a draft, so without drafts there is nothing for them to do.
[[nodiscard]] std::string whyExpertsChangeNothing(const RunRequest& request);

namespace experts {
extern const ExpertMethod kObserve;
extern const ExpertMethod kMoeSpec;
extern const ExpertMethod kRandom;
extern const ExpertMethod kFrequent;
extern const ExpertMethod kThreshold;
}  // namespace experts

}  // namespace quibble
