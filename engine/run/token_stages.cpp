#include "engine/run/token_stages.h"

#include <algorithm>
#include <utility>

#include "engine/base/clock.h"
#include "engine/experts/expert_method.h"
#include "engine/run/branch.h"
#include "engine/run/run_loop.h"
#include "engine/verify/verify_method.h"

namespace quibble {

namespace {

// Why a position of such a run cannot be computed by itself.
Result<void> checkComputable(const RunRequest& request, const RunProvenance& provenance) {
    auto draft = findDraftMethod(request.draft.method);
    if (!draft) return tl::unexpected(draft.error());
    if (*draft != nullptr && (*draft)->draftsForReference()) {
        return fail(
            ErrorCode::InvalidArgument,
            "the reference chose the tokens of this run, and the stages are those of the model that it checked");
    }
    if (*draft != nullptr) {
        auto verify = findVerifyMethod(request.draft.verify);
        if (!verify) return tl::unexpected(verify.error());
        if ((*verify)->pick != DraftPick::SharedNoise) {
            return fail(ErrorCode::InvalidArgument,
                        "the drafts of this run were checked by \"" + request.draft.verify.id +
                            "\", which draws with noise of its own: no stages of the sampler stand behind a token");
        }
    }
    auto experts = findExpertMethod(request.experts);
    if (!experts) return tl::unexpected(experts.error());
    if (provenance.experts > 0 && !(*experts)->lossless) {
        return fail(ErrorCode::InvalidArgument,
                    "this run left experts out, pass by pass: a position cannot be computed again by itself");
    }
    return {};
}

bool takesTextBack(const RunTrace& run, std::int32_t rule) {
    const auto& control = run.request().control;
    const auto first = std::ssize(run.provenance().rules) - std::ssize(control);
    if (rule < first || rule - first >= std::ssize(control)) return false;
    const auto method = findControlMethod(control[static_cast<std::size_t>(rule - first)]);
    return method && (*method)->rewrites;
}

// Each hint was put in front of what stands behind it now.
std::ptrdiff_t rewritesUpTo(const RunTrace& run, Position pos) {
    return std::count_if(run.ruleActs().begin(), run.ruleActs().end(), [&](const RuleAct& act) {
        return act.kind == RuleAct::Kind::Injected && act.pos <= pos && takesTextBack(run, act.rule);
    });
}

// The live controls that held for the token at `pos`, as a run that never takes text back would have been given them.
std::vector<ControlChange> controlsUpTo(const RunTrace& run, Position pos) {
    const auto rewrites = rewritesUpTo(run, pos);
    std::vector<ControlChange> controls = controlsAsRecorded(run);
    std::erase_if(controls, [&](const ControlChange& change) {
        const bool later = change.rewrites > rewrites || (change.rewrites == rewrites && change.pos > pos);
        return later || change.key.starts_with("draft:") || change.key == "max_tokens";
    });
    Position last = 0;
    for (ControlChange& change : controls) {
        change.rewrites = 0;
        change.pos = last = std::max(last, std::min(change.pos, pos));
    }
    return controls;
}

// One position, computed by itself.
struct Passes {
    ModelCache& models;
    CpuDevice& device;
    PrefixCache& prefixes;
    const std::stop_token& stop;

    [[nodiscard]] Result<TokenStagesFound> find(const RunRequest& request, const std::vector<ControlChange>& controls,
                                                const std::string& hash, int rows) const {
        LoadOptions options;
        options.stop = stop;
        auto opened = openRunModels(models, request, options);
        if (!opened) return tl::unexpected(opened.error());
        const std::shared_ptr<const Model> model = opened->quantized;
        if (auto same = checkSameModel("model", hash, model->hash()); !same)
            return fail(same.error().code, same.error().what, "Choose the file that made the run");
        const std::int64_t began = nowNs();
        StageTableMaker maker(std::min(rows, model->config().vocab_size));
        auto loop = RunLoop::create(request, std::move(*opened), device, controls, &prefixes);
        if (!loop) return tl::unexpected(loop.error());
        (*loop)->showStages(&maker);
        std::vector<RunEvent> events;
        if (auto done = (*loop)->runToEnd(events, 1, stop); !done) return tl::unexpected(done.error());
        const auto is_stages = [](const RunEvent& event) { return std::holds_alternative<TokenStages>(event); };
        const auto stages = std::find_if(events.begin(), events.end(), is_stages);
        QUIBBLE_CHECK(stages != events.end(), "a loop that shows stages gives those of each token");
        if (std::get<TokenStages>(*stages).pos != request.branch.pos) {
            return fail(ErrorCode::InvalidArgument,
                        "the run recorded no prompt, and another one is made of its text today");
        }
        TokenStagesFound result{std::get<TokenStages>(std::move(*stages)), maker.take()};
        for (const TokenId id : result.table.ids) result.table.texts.emplace_back(model->tokenizer()->tokenBytes(id));
        result.table.spent_ns = nowNs() - began;
        return result;
    }
};

}  // namespace

bool chosenByParent(const RunTrace& run, Position pos) {
    const BranchPoint& branch = run.request().branch;
    return !branch.prefix.empty() && pos < branch.pos;
}

Result<StagesQuestion> askForStages(const RunTrace& run, Position pos, int rows) {
    const auto& points = run.points();
    const auto found =
        std::find_if(points.begin(), points.end(), [pos](const TracePoint& point) { return point.token.pos == pos; });
    if (found == points.end()) return fail(ErrorCode::NotFound, "no token was generated at this position");
    if (found->token.injected) return fail(ErrorCode::InvalidArgument, "injected: this token was not sampled");
    if (chosenByParent(run, pos)) {
        return fail(ErrorCode::InvalidArgument, "this token was chosen in the run that the branch left",
                    "Ask there, in run " + std::to_string(raw(run.request().branch.parent)));
    }
    if (auto computable = checkComputable(run.request(), run.provenance()); !computable)
        return tl::unexpected(computable.error());
    StagesQuestion question;
    const RunRequest& own = run.request();
    question.request = branchRequest(run, own.branch.parent, pos, found->token.id);
    question.request.draft = {};
    question.request.reference = {.kind = ReferenceKind::None, .path = {}};
    // No more memory than the text takes, behind the longer prompt where there are two.
    const auto prompt = std::ssize(run.provenance().prompt_tokens),
               second = std::ssize(run.provenance().second_prompt_tokens);
    question.request.context = pos + 1 + static_cast<Position>(std::max<std::ptrdiff_t>(0, second - prompt));
    question.controls = controlsUpTo(run, pos);
    question.model_hash = run.provenance().model_hash;
    question.rewritten = rewritesUpTo(run, pos) > 0;
    question.rows = std::max(1, rows);
    return question;
}

void askForReference(StagesQuestion& question, const RunTrace& run) {
    const ReferenceSettings& reference = run.request().reference;
    if (reference.kind == ReferenceKind::None || run.provenance().reference_hash.empty()) return;
    RunRequest request = question.request;
    if (reference.kind == ReferenceKind::File) request.model_path = reference.path;
    request.weight_quant = {};
    request.prefill = PrefillMode::Exact;  // as every reference is computed
    request.kv_type = KvType::F32;
    request.penalty.strength = 0;
    request.logits.clear();
    request.control.clear();
    request.branch.acted.clear();
    request.branch.acted_at.clear();
    request.branch.looks.clear();
    question.reference = std::move(request);
    question.reference_hash = run.provenance().reference_hash;
}

Result<TokenStagesFound> findStages(const StagesQuestion& question, ModelCache& models, CpuDevice& device,
                                    PrefixCache& prefixes, const std::stop_token& stop) {
    Passes passes{models, device, prefixes, stop};
    auto found = passes.find(question.request, question.controls, question.model_hash, question.rows);
    if (found) found->table.moved = question.rewritten && found->table.takes != found->table.chosen;
    if (!found || !question.reference) return found;
    auto reference = passes.find(*question.reference, {}, question.reference_hash, question.rows);
    if (!reference && reference.error().code == ErrorCode::Cancelled) return reference;
    if (!reference) return found;
    const StageTable& table = reference->table;
    const auto rows = static_cast<std::size_t>(std::min<std::int64_t>(question.rows, table.vocabulary));
    for (std::size_t row = 0; row < rows; ++row)
        found->table.reference.push_back({table.ids[row], table.columns.front().logprob[row]});
    found->table.spent_ns += table.spent_ns;
    return found;
}

}  // namespace quibble
