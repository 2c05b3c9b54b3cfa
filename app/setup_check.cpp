#include "app/setup_check.h"

#include <utility>

#include "app/engine_values.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/draft/draft_method.h"
#include "engine/experts/expert_method.h"
#include "engine/run/run_loop.h"

namespace quibble {

namespace {

// Drafts and budgets are asked about; plain runs start as they always did.
bool needsAnswer(const RunRequest& request) {
    const auto experts = findExpertMethod(request.experts);
    return request.draft.method.id != MethodChoice{}.id || !request.logits.empty() || !request.control.empty() ||
           !experts || !(*experts)->lossless;
}

// The reference is opened only where the draft works for it.
void leaveOutReference(RunRequest& request) {
    const auto method = findDraftMethod(request.draft.method);
    if (!method || *method == nullptr || !(*method)->draftsForReference())
        request.reference = {.kind = ReferenceKind::None, .path = {}};
}

}  // namespace

SetupCheck::SetupCheck(std::shared_ptr<ModelCache> cache, QObject* parent)
    : QObject(parent), cache_(std::move(cache)) {}

void SetupCheck::check(RunRequest request) {
    leaveOutReference(request);
    request.branch = {};
    request.prefill = PrefillMode::Exact;  // its reasons are found without opening anything
    if (asked_ == request) return;
    asked_ = request;
    const bool needed = needsAnswer(request);
    if (!needed) {
        worker_.dropAll();
    } else {
        worker_.askOnly(
            [this, request = std::move(request)](const std::stop_token& stop) -> Worker::Answer {
                return [this, result = answer(request, stop)] { finish(result); };
            },
            [this](const Error& error) {
                if (error.code == ErrorCode::OutOfMemory)
                    return finish(
                        fail(ErrorCode::OutOfMemory, "not enough memory for these models", "Choose a smaller draft"));
                finish(fail(error.code, error.what, "Please report these settings"));
            });
    }
    setState(needed, needed ? reason_ : QString(), needed && insistable_);
}

Result<void> SetupCheck::answer(const RunRequest& request, const std::stop_token& stop) {
    LoadOptions options;
    options.stop = stop;
    auto models = openRunModels(*cache_, request, options);
    if (!models) return tl::unexpected(models.error());
    kept_ = *models;
    CpuDevice device(1);
    auto loop = RunLoop::create(request, std::move(*models), device, {});
    if (!loop) return tl::unexpected(loop.error());
    return {};
}

void SetupCheck::finish(const Result<void>& answer) {
    if (answer) return setState(false, {});
    setState(false, reasonText(answer.error()), answer.error().code == ErrorCode::DoesNotFit);
}

void SetupCheck::setState(bool busy, const QString& reason, bool insistable) {
    if (busy == busy_ && reason == reason_ && insistable == insistable_) return;
    busy_ = busy;
    insistable_ = insistable;
    reason_ = reason;
    emit changed();
}

}  // namespace quibble
