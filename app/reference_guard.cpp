#include "app/reference_guard.h"

#include <utility>

#include "app/engine_values.h"
#include "engine/run/reference_check.h"
#include "engine/values/run_settings.h"

namespace quibble {

namespace {

// What the answer depends on: the numbers of the run, and what measures them.
RunRequest questionOf(const RunRequest& request) {
    return onlyFields(request, [](const RequestField& field) {
        return field.about == FieldAbout::State || (field.group() == "reference" && field.about != FieldAbout::View);
    });
}

}  // namespace

ReferenceGuard::ReferenceGuard(QObject* parent) : QObject(parent) {}

void ReferenceGuard::look(const RunRequest& request, std::shared_ptr<const Model> model) {
    Question question{questionOf(request), std::move(model)};
    if (asked_ && asked_->request == question.request && asked_->model == question.model) return;
    asked_ = question;
    if (question.request.reference.kind != ReferenceKind::File) {  // needs no file
        worker_.dropAll();
        return finish(lookAtReference(question.request, *question.model));
    }
    worker_.askOnly(
        [this, question = std::move(question)](const std::stop_token&) -> Worker::Answer {
            return [this, result = lookAtReference(question.request, *question.model)] { finish(result); };
        },
        [this](const Error& error) {
            if (error.code == ErrorCode::OutOfMemory)
                return finish(
                    fail(ErrorCode::OutOfMemory, "not enough memory to look at the reference", "Choose a smaller one"));
            finish(fail(ErrorCode::FileCorrupt, error.what, "Please report this file"));
        });
    setState(true, {}, {});
}

void ReferenceGuard::finish(const Result<std::string>& answer) {
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
