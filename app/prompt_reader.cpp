#include "app/prompt_reader.h"

#include <new>
#include <utility>

#include <QMetaObject>

#include "app/engine_values.h"
#include "engine/base/clock.h"
#include "engine/device/cpu_device.h"
#include "engine/run/throughput_prefill.h"
#include "engine/values/check.h"

namespace quibble {

PromptReader::PromptReader(QObject* parent) : QObject(parent), thread_([this](const std::stop_token& quit) { loop(quit); }) {}

PromptReader::~PromptReader() {
    thread_.request_stop();
    changed_.notify_all();
    thread_.join();
}

void PromptReader::ask(RunRequest request, std::shared_ptr<const Model> model) {
    ++last_number_;
    {
        const std::lock_guard lock(mutex_);
        next_ = Question{std::move(request), std::move(model), last_number_};
    }
    changed_.notify_all();
}

void PromptReader::forget() {
    ++last_number_;
    const std::lock_guard lock(mutex_);
    next_.reset();
}

const PromptReading* PromptReader::readingOf(const RunRequest& request, const std::shared_ptr<const Model>& model) const {
    return reading_ && reading_->model == model && reading_->request == request ? &*reading_ : nullptr;
}

void PromptReader::loop(const std::stop_token& quit) {
    while (!quit.stop_requested()) {
        Question question;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, quit, [this] { return next_.has_value(); })) return;
            question = std::move(*next_);
            next_.reset();
        }
        const int number = question.number;
        try {
            finish(number, answer(question));
        } catch (const ContractError& broken) {
            finish(number, {.request = std::move(question.request), .model = std::move(question.model), .prompt = fail(ErrorCode::InvalidArgument, broken.what()),
                            .preview = {}, .cost = {}, .prompt_blocked = QString::fromUtf8(broken.what()), .prefill_blocked = {}});
        } catch (const std::bad_alloc&) {
            finish(number, {.request = std::move(question.request), .model = std::move(question.model), .prompt = fail(ErrorCode::OutOfMemory, "out of memory"),
                            .preview = {}, .cost = {}, .prompt_blocked = tr("There is not enough memory to read this prompt"), .prefill_blocked = {}});
        }
    }
}

PromptReading PromptReader::answer(Question question) {
    const Model& model = *question.model;
    const RunRequest& request = question.request;
    Result<PromptTokens> prompt = buildPrompt(request, *model.tokenizer(), localPromptClock());
    EventBatch preview = previewOf(request, model, prompt ? &*prompt : nullptr);
    CacheCostReader::Answer cost = costs_.of(request, model, prompt ? static_cast<std::int64_t>(prompt->ids.size()) : 0);
    const QString prompt_blocked = request.prompt.empty() ? QString() : prompt ? cost.too_long : reasonText(prompt.error());
    QString prefill_blocked;
    if (request.prefill == PrefillMode::Throughput) {
        const auto checked = checkThroughputPrefill(model, request.arithmetic, CpuDevice(1));
        if (!checked) prefill_blocked = reasonText(checked.error());
    }
    return {.request = std::move(question.request), .model = std::move(question.model), .prompt = std::move(prompt), .preview = std::move(preview),
            .cost = std::move(cost), .prompt_blocked = prompt_blocked, .prefill_blocked = prefill_blocked};
}

void PromptReader::finish(int number, PromptReading reading) {
    auto shared = std::make_shared<PromptReading>(std::move(reading));
    QMetaObject::invokeMethod(this, [this, number, shared] {
        if (number != last_number_) return;  // somebody asks something else meanwhile
        reading_ = std::move(*shared);
        emit read();
    }, Qt::QueuedConnection);
}

}  // namespace quibble
