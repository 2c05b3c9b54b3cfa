#include "app/prompt_reader.h"

#include <utility>

#include "app/engine_values.h"
#include "engine/base/clock.h"
#include "engine/device/cpu/cpu_device.h"
#include "engine/run/throughput_prefill.h"

namespace quibble {

PromptReader::PromptReader(QObject* parent) : QObject(parent) {}

void PromptReader::ask(RunRequest request, const std::shared_ptr<const Model>& model) {
    const auto asked =
        std::make_shared<const RunRequest>(std::move(request));  // a reading that failed has its request too
    worker_.askOnly(
        [this, asked, model](const std::stop_token&) -> Worker::Answer {
            auto reading = std::make_shared<PromptReading>(answer(*asked, model));
            return [this, reading] { keep(std::move(*reading)); };
        },
        [this, asked, model](const Error& error) {
            const QString blocked = error.code == ErrorCode::OutOfMemory
                                        ? tr("There is not enough memory to read this prompt")
                                        : QString::fromStdString(error.what);
            keep({.request = *asked,
                  .model = model,
                  .prompt = tl::unexpected(error),
                  .preview = {},
                  .cost = {},
                  .prompt_blocked = blocked,
                  .prefill_blocked = {}});
        });
}

void PromptReader::forget() { worker_.dropAll(); }

const PromptReading* PromptReader::readingOf(const RunRequest& request,
                                             const std::shared_ptr<const Model>& model) const {
    return reading_ && reading_->model == model && reading_->request == request ? &*reading_ : nullptr;
}

PromptReading PromptReader::answer(const RunRequest& request, const std::shared_ptr<const Model>& asked) {
    const Model& model = *asked;
    Result<PromptTokens> prompt = buildPrompt(request, *model.tokenizer(), localPromptClock());
    EventBatch preview = previewOf(request, model, prompt ? &*prompt : nullptr);
    CacheCostReader::Answer cost =
        costs_.of(request, model, prompt ? static_cast<std::int64_t>(prompt->ids.size()) : 0);
    const QString prompt_blocked = request.prompt.empty() ? QString()
                                   : prompt               ? cost.too_long
                                                          : reasonText(prompt.error());
    QString prefill_blocked;
    if (request.prefill == PrefillMode::Throughput) {
        const auto checked = checkThroughputPrefill(model, request.arithmetic, CpuDevice(1));
        if (!checked) prefill_blocked = reasonText(checked.error());
    }
    return {.request = request,
            .model = asked,
            .prompt = std::move(prompt),
            .preview = std::move(preview),
            .cost = std::move(cost),
            .prompt_blocked = prompt_blocked,
            .prefill_blocked = prefill_blocked};
}

void PromptReader::keep(PromptReading reading) {
    reading_ = std::move(reading);
    emit read();
}

}  // namespace quibble
