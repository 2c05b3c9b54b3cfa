#include "app/model_inspector.h"

#include <new>

#include <QMetaObject>

#include "engine/values/check.h"

namespace quibble {

ModelInspector::ModelInspector(std::shared_ptr<ModelCache> cache, QObject* parent)
    : QObject(parent), cache_(std::move(cache)), thread_([this](const std::stop_token& quit) { loop(quit); }) {}

ModelInspector::~ModelInspector() {
    cancel();
    thread_.request_stop();
    changed_.notify_all();
    thread_.join();
}

void ModelInspector::open(const WantedModel& wanted) {
    {
        const std::lock_guard lock(mutex_);
        current_stop_.request_stop();
        current_stop_ = std::stop_source();
        next_ = Request{wanted, current_stop_, ++last_number_};
    }
    busy_ = true;
    changed_.notify_all();
}

void ModelInspector::cancel() {
    const std::lock_guard lock(mutex_);
    current_stop_.request_stop();
    next_.reset();
    ++last_number_;
    busy_ = false;
}

void ModelInspector::loop(const std::stop_token& quit) {
    while (!quit.stop_requested()) {
        Request request;
        {
            std::unique_lock lock(mutex_);
            if (!changed_.wait(lock, quit, [this] { return next_.has_value(); })) return;
            request = std::move(*next_);
            next_.reset();
        }
        // A broken contract while loading ends this load and not the program.
        try {
            finish(request, load(request));
        } catch (const ContractError& broken) {
            finish(request, fail(ErrorCode::FileCorrupt, std::string("internal error: ") + broken.what(),
                                 "Please report this file"));
        } catch (const std::bad_alloc&) {
            finish(request, fail(ErrorCode::OutOfMemory, "out of memory while opening " + request.wanted.path.string(),
                                 "Choose a smaller model"));
        }
    }
}

Result<std::shared_ptr<const Model>> ModelInspector::load(const Request& request) {
    LoadOptions options;
    options.weight_quant = request.wanted.weight_quant;
    if (request.wanted.insisted) options.free_memory = [] { return std::nullopt; };
    options.stop = request.stop.get_token();
    options.progress = [this, number = request.number](std::int64_t done, std::int64_t total) {
        QMetaObject::invokeMethod(
            this,
            [this, number, done, total] {
                if (number == last_number_) emit progress(done, total);
            },
            Qt::QueuedConnection);
    };
    return cache_->get(request.wanted.path, options);
}

void ModelInspector::finish(const Request& request, Result<std::shared_ptr<const Model>> model) {
    QMetaObject::invokeMethod(
        this,
        [this, number = request.number, wanted = request.wanted, model = std::move(model)] {
            if (number != last_number_) return;  // somebody asked for another one meanwhile
            busy_ = false;
            if (model)
                emit opened({wanted.path, wanted.weight_quant, *model});
            else
                emit failed(wanted, model.error());
        },
        Qt::QueuedConnection);
}

}  // namespace quibble
