#include "app/cli/live_run.h"

#include <chrono>
#include <iostream>
#include <mutex>
#include <thread>

#include "app/cli/interrupt.h"
#include "app/cli/terminal_progress.h"
#include "data/export/trace_export.h"
#include "data/models/model_catalogue.h"
#include "engine/base/memory_use.h"
#include "engine/run/reference_check.h"
#include "engine/run/run_weight_cost.h"
#include "engine/run/runner.h"

namespace quibble::cli {

namespace {

// What the run may take, before it takes it.
std::string cacheLine(const RunRequest& request, const RunProvenance& p) {
    std::string line = "KV cache " + p.kv_cache + ": at most " + bytesText(p.kv_bytes) + " for " +
                       std::to_string(p.context) + " positions";
    if (request.context > p.context)
        line +=
            " (of " + std::to_string(request.context) + " asked for: the model or its reference was made for no more)";
    if (const auto left = availableMemoryBytes()) line += ", " + bytesText(*left) + " of memory are free";
    return line;
}

// Follows the events on the engine thread and writes the line of a token once everything that belongs to it has
// arrived.
class TokenPrinter {
public:
    /// weights: what they take in memory; empty where a file cannot be read, which the run will say.
    TokenPrinter(RunTrace shown, std::string weights, std::ostream* lines, bool show_text)
        : trace_(std::move(shown)),
          weights_(std::move(weights)),
          lines_(lines),
          show_text_(show_text),
          progress_(show_text, weights_) {}

    void apply(const EventBatch& batch) {
        const std::lock_guard lock(mutex_);
        for (const RunEvent& event : batch.events) {
            trace_.apply(event);
            if (const auto* taken = std::get_if<TakenBack>(&event)) takeBack(*taken);
            const auto* provenance = std::get_if<RunProvenance>(&event);
            if (provenance == nullptr) continue;
            announce(*provenance);
            begun_ = true;
        }
        progress_.show(trace_);
        if (show_text_ && begun_) {
            for (; shown_ < trace_.points().size(); ++shown_)
                std::cout << trace_.text(trace_.points()[shown_].token.id);
            std::cout.flush();
        }
        if (lines_ == nullptr || (!begun_ && !trace_.finished())) return;
        for (; written_ < trace_.points().size() && tokenComplete(trace_.points()[written_], trace_); ++written_) {
            *lines_ << tokenJson(trace_.points()[written_], trace_) << '\n';
        }
        if (trace_.finished()) *lines_ << summaryJson(trace_) << '\n';
    }
    [[nodiscard]] const RunTrace& trace() const { return trace_; }

private:
    // What was printed cannot be taken back: a reader is told from where on it holds no more.
    void takeBack(const TakenBack& taken) {
        const auto size = static_cast<std::size_t>(std::max<Position>(0, taken.size - trace_.firstPosition()));
        if (show_text_ && shown_ > size) std::cout << "\n[taken back to token " << size << "]\n";
        shown_ = std::min(shown_, size);
        if (lines_ != nullptr && written_ > size) *lines_ << takenBackJson(taken) << '\n';
        written_ = std::min(written_, size);
    }
    // What the run takes in memory, and what its numbers will not show.
    void announce(const RunProvenance& provenance) {
        progress_.clear();
        std::cerr << cacheLine(trace_.request(), provenance) << '\n';
        if (!weights_.empty()) std::cerr << "Weights: " << weights_ << '\n';
        const std::string remark = referenceRemark(trace_.request(), provenance);
        if (!remark.empty()) std::cerr << "Note: " << remark << '\n';
        // A problem is what the shipped models were made for.
        const std::string speciality = trace_.request().problem_id.empty() ? specialityOf(provenance.model_hash) : "";
        if (!speciality.empty()) std::cerr << "Note: " << speciality << '\n';
        printNotes(provenance);
    }

    std::mutex mutex_;
    RunTrace trace_;
    std::string weights_;
    std::ostream* lines_;
    bool show_text_;
    TerminalProgress progress_;
    bool begun_ = false;  // the models are open: before that nothing is shown of the beginning of a branch
    std::size_t shown_ = 0, written_ = 0;
};

void runOnEngine(const LiveRun& live, TokenPrinter& printer) {
    Runner runner(std::make_shared<ModelCache>(), [&](EventBatchPtr batch) {
        printer.apply(*batch);
        if (live.writer != nullptr) live.writer->push(std::move(batch));
    });
    const Interrupt interrupt;
    RunStart start;
    start.run = live.run;
    start.request = live.request;
    start.stages = live.stages;
    runner.start(std::move(start));
    while (runner.state() != RunState::Finished) {
        if (interrupt.asked()) runner.stop();
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    runner.wait();
}

}  // namespace

Result<RunTrace> follow(LiveRun live) {
    std::unique_ptr<Output> output;
    if (!live.jsonl.empty()) {
        auto opened = Output::open(live.jsonl);
        if (!opened) return tl::unexpected(opened.error());
        output = std::move(*opened);
    }
    const bool shows_text = live.jsonl != "-";
    const auto cost = runWeightCost(live.request);
    TokenPrinter printer(std::move(live.shown), cost ? cost->text() : std::string(),
                         output ? &output->stream() : nullptr, shows_text);
    runOnEngine(live, printer);
    if (shows_text && !printer.trace().points().empty()) std::cout << std::endl;
    if (live.writer != nullptr) {
        if (auto closed = live.writer->close(); !closed) return tl::unexpected(closed.error());
    }
    if (output) {
        if (auto closed = output->close(); !closed) return tl::unexpected(closed.error());
    }
    const RunFinished& finished = *printer.trace().finished();
    if (finished.reason == FinishReason::Failed)
        return fail(finished.code.value_or(ErrorCode::InvalidArgument), finished.message);
    std::cerr << "Peak memory: " << bytesText(finished.peak_memory_bytes) << '\n';
    if (!output) std::cerr << summaryJson(printer.trace()) << '\n';
    return printer.trace();
}

}  // namespace quibble::cli
