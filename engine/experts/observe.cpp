// The model's own choice of experts, recorded.
#include "engine/experts/expert_method.h"

namespace quibble::experts {

namespace {

class Observe final : public ExpertPolicy {
public:
    explicit Observe(MethodChoice choice) : ExpertPolicy(std::move(choice), {}) {}

protected:
    bool restrict(const RouterScores&, std::vector<char>&) override { return false; }
};

std::unique_ptr<ExpertPolicy> make(const MethodChoice& choice, std::uint64_t) {
    return std::make_unique<Observe>(choice);
}

}  // namespace

const ExpertMethod kObserve{{"observe",
                             "Observe only",
                             "the model's own router",
                             "Every token uses the experts that the model was trained to use.",
                             {},
                             true},
                            &make};

}  // namespace quibble::experts
