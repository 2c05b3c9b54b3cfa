#include "app/setup_check.h"

#include <new>
#include <utility>

#include <QMetaObject>

#include "app/engine_values.h"
#include "engine/device/cpu_device.h"
#include "engine/draft/draft_method.h"
#include "engine/experts/expert_method.h"
#include "engine/run/generator.h"
#include "engine/values/check.h"

namespace quibble {

namespace {

// Drafts and budgets are asked about; plain runs start as they always did.
bool needsAnswer(const RunRequest& request) {
    const auto experts = findExpertMethod(request.experts);
    return request.draft.method.id != MethodChoice{}.id || !experts || !(*experts)->lossless;
}

// The reference is opened only where the draft works for it.
void leaveOutReference(RunRequest& request) {
    const auto method = findDraftMethod(request.draft.method);
    if (!method || *method == nullptr || !(*method)->drafts_for_reference) request.reference = {.kind = ReferenceKind::None, .path = {}};
}

}  // namespace

SetupCheck::SetupCheck(std::shared_ptr<ModelCache> cache, QObject* parent)
    : QObject(parent), cache_(std::move(cache)), thread_([this](const std::stop_token& quit) { loop(quit); }) {}

SetupCheck::~SetupCheck() {
    {
        const std::lock_guard lock(mutex_);
        current_stop_.request_stop();
        next_.reset();
    }
    thread_.request_stop();
    changed_.notify_all();
    thread_.join();
}

void SetupCheck::check(RunRequest request) {
    leaveOutReference(request);
    request.branch = {};
    request.prefill = PrefillMode::Exact;  // its reasons are found without opening anything
    if (asked_ == request) return;
    asked_ = request;
    const bool needed = needsAnswer(request);
    {
        const std::lock_guard lock(mutex_);
        current_stop_.request_stop();
        current_stop_ = std::stop_source();
        next_.reset();
        ++last_number_;
        if (needed) next_ = Question{std::move(request), current_stop_, last_number_};
    }
    changed_.notify_all();
    setState(needed, needed ? reason_ : QString(), needed && insistable_);
}

void SetupCheck::loop(const std::stop_token& quit) {
    while (!quit.stop_requested()) {
        Question question;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, quit, [this] { return next_.has_value(); })) return;
            question = std::move(*next_);
            next_.reset();
        }
        try {
            finish(question.number, answer(question));
        } catch (const ContractError& broken) {
            finish(question.number, fail(ErrorCode::InvalidArgument, std::string("internal error: ") + broken.what(), "Please report these settings"));
        } catch (const std::bad_alloc&) {
            finish(question.number, fail(ErrorCode::OutOfMemory, "not enough memory for these models", "Choose a smaller draft"));
        }
    }
}

Result<void> SetupCheck::answer(const Question& question) {
    LoadOptions options;
    options.stop = question.stop.get_token();
    auto models = openRunModels(*cache_, question.request, options);
    if (!models) return tl::unexpected(models.error());
    kept_ = *models;
    CpuDevice device(1);
    auto generator = Generator::create(question.request, std::move(*models), device, {});
    if (!generator) return tl::unexpected(generator.error());
    return {};
}

void SetupCheck::finish(int number, const Result<void>& answer) {
    QMetaObject::invokeMethod(this, [this, number, answer] {
        if (number != last_number_ || (!answer && answer.error().code == ErrorCode::Cancelled)) return;  // somebody asks something else meanwhile
        if (answer) return setState(false, {});
        setState(false, reasonText(answer.error()), answer.error().code == ErrorCode::DoesNotFit);
    }, Qt::QueuedConnection);
}

void SetupCheck::setState(bool busy, const QString& reason, bool insistable) {
    if (busy == busy_ && reason == reason_ && insistable == insistable_) return;
    busy_ = busy;
    insistable_ = insistable;
    reason_ = reason;
    emit changed();
}

}  // namespace quibble
