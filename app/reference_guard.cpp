#include "app/reference_guard.h"

#include <new>
#include <utility>

#include <QMetaObject>

#include "app/engine_values.h"
#include "engine/run/reference_check.h"
#include "engine/values/check.h"

namespace quibble {

namespace {

// What the answer depends on.
RunRequest questionOf(const RunRequest& request) {
    RunRequest question;
    question.weight_quant = request.weight_quant;
    question.reference = request.reference;
    question.reference.block = ReferenceSettings{}.block;
    question.kv_type = request.kv_type;
    question.prefill = request.prefill;
    question.experts = request.experts;
    return question;
}

}  // namespace

ReferenceGuard::ReferenceGuard(QObject* parent)
    : QObject(parent), thread_([this](const std::stop_token& quit) { loop(quit); }) {}

ReferenceGuard::~ReferenceGuard() {
    thread_.request_stop();
    wake_.notify_all();
    thread_.join();
}

void ReferenceGuard::look(const RunRequest& request, std::shared_ptr<const Model> model) {
    Question question{questionOf(request), std::move(model), 0};
    if (asked_ && asked_->request == question.request && asked_->model == question.model) return;
    question.number = ++last_number_;
    asked_ = question;
    if (question.request.reference.kind != ReferenceKind::File) {  // needs no file
        {
            const std::lock_guard lock(mutex_);
            next_.reset();
        }
        return finish(question.number, lookAtReference(question.request, *question.model));
    }
    {
        const std::lock_guard lock(mutex_);
        next_ = std::move(question);
    }
    wake_.notify_all();
    setState(true, {}, {});
}

void ReferenceGuard::loop(const std::stop_token& quit) {
    while (!quit.stop_requested()) {
        Question question;
        {
            std::unique_lock lock(mutex_);
            if (!wake_.wait(lock, quit, [this] { return next_.has_value(); })) return;
            question = std::move(*next_);
            next_.reset();
        }
        Result<std::string> answer;
        try {
            answer = lookAtReference(question.request, *question.model);
        } catch (const ContractError& broken) {
            answer = fail(ErrorCode::FileCorrupt, std::string("internal error: ") + broken.what(),
                          "Please report this file");
        } catch (const std::bad_alloc&) {
            answer = fail(ErrorCode::OutOfMemory, "not enough memory to look at the reference", "Choose a smaller one");
        }
        QMetaObject::invokeMethod(
            this, [this, number = question.number, answer = std::move(answer)] { finish(number, answer); },
            Qt::QueuedConnection);
    }
}

void ReferenceGuard::finish(int number, const Result<std::string>& answer) {
    if (number != last_number_) return;
    if (!answer) return setState(false, reasonText(answer.error()), {});
    setState(false, {}, answer->empty() ? QString() : sentence(*answer));
}

void ReferenceGuard::setState(bool busy, const QString& refusal, const QString& note) {
    if (busy == busy_ && refusal == refusal_ && note == note_) return;
    busy_ = busy;
    refusal_ = refusal;
    note_ = note;
    emit changed();
}

}  // namespace quibble
