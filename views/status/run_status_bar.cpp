#include "views/status/run_status_bar.h"

#include <algorithm>

#include <QEvent>
#include <QLabel>
#include <QLocale>
#include <QToolButton>

#include "engine/metrics/run_progress.h"
#include "views/measure.h"
#include "views/run_document.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr double kStateWidth = 12, kWorkWidth = 22;  // em
constexpr int kMomentMs = 150;

QString parametersText(std::int64_t count) {
    const QLocale locale;
    const auto value = static_cast<double>(count);
    if (count >= 1000000000) return locale.toString(value / 1e9, 'f', 1) + QStringLiteral(" B");
    if (count >= 1000000) return locale.toString(value / 1e6, 'f', 1) + QStringLiteral(" M");
    return locale.toString(static_cast<qlonglong>(count));
}

QString isaText(const std::string& isa) {
    if (isa == "avx512") return QStringLiteral("AVX-512");
    if (isa == "amx") return QStringLiteral("AMX");
    if (isa == "avx2") return QStringLiteral("AVX2");
    return QString::fromStdString(isa);
}

}  // namespace

RunStatusBar::RunStatusBar(RunDocument* document, QWidget* parent) : QStatusBar(parent), document_(document) {
    setSizeGripEnabled(false);
    const auto add = [this](const QString& name, bool right = false, Qt::TextElideMode mode = Qt::ElideRight) {
        // Shortened where there is no room: a line about the run must not decide how narrow the window can be.
        auto* label = new ElidingLabel(this, mode);
        label->setAccessibleDescription(name);
        useFont(label, FontRole::Small);
        useTextColour(label, TextRole::Muted);
        label->setContentsMargins(Theme::instance().em(0.35), Theme::instance().em(0.12), Theme::instance().em(0.5),
                                  Theme::instance().em(0.12));
        if (right)
            addPermanentWidget(label);
        else
            addWidget(label);
        return label;
    };
    state_ = add(tr("State"));
    progress_ = add(tr("Progress"));
    model_ = add(tr("Model"), false, Qt::ElideMiddle);
    device_ = add(tr("Processor"));
    speed_ = add(tr("Speed"));
    context_ = add(tr("Context"));
    error_ = add(tr("Error"), true);
    useTextColour(error_, TextRole::Bad);
    error_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    work_ = add(tr("Files"), true, Qt::ElideMiddle);
    cancel_work_ = makeFlatButton(QStringLiteral("close"), tr("Cancel"), this);
    addPermanentWidget(cancel_work_);
    work_->hide();
    cancel_work_->hide();
    work_timer_.setSingleShot(true);
    work_timer_.setInterval(kMomentMs);
    connect(&work_timer_, &QTimer::timeout, this, [this] {
        work_->show();
        cancel_work_->show();
    });
    connect(cancel_work_, &QToolButton::clicked, this, &RunStatusBar::workCancelRequested);
    saved_ = add(tr("Saved"), true);
    state_->installEventFilter(this);
    state_->setCursor(Qt::PointingHandCursor);
    state_->setTip(tr("Click to see what made the numbers of this run"));
    connect(this, &QStatusBar::messageChanged, this, &RunStatusBar::refresh);
    connect(document_, &RunDocument::stateChanged, this, &RunStatusBar::refresh);
    for (const auto signal : {&RunDocument::reset, &RunDocument::provenanceChanged, &RunDocument::finished}) {
        connect(document_, signal, this, &RunStatusBar::refresh);
    }
    connect(document_, &RunDocument::applied, this, &RunStatusBar::refresh);
    connect(document_, &RunDocument::progressChanged, this, &RunStatusBar::refresh);
    refresh();
}

QString RunStatusBar::stateText() const {
    const RunTrace& trace = document_->trace();
    const Progress progress = trace.progress();
    const QString percent =
        progress.total > 0 ? QStringLiteral(" %1 %").arg(100 * progress.done / progress.total) : QString();
    switch (trace.state()) {
        case RunState::Idle: return tr("ready");
        case RunState::Loading: return tr("loading") + percent;
        case RunState::Prefilling: return tr("reading the prompt") + percent;
        case RunState::Running: return tr("running");
        case RunState::Paused: return tr("paused");
        case RunState::Finished: break;
    }
    // Nobody recorded its end: the process that made it was closed or killed.
    if (!trace.finished()) return tr("interrupted");
    switch (trace.finished()->reason) {
        case FinishReason::EndOfText: return tr("finished");
        case FinishReason::TokenLimit: return tr("finished: token limit");
        case FinishReason::ContextFull: return tr("finished: context full");
        case FinishReason::Stopped: return tr("stopped");
        case FinishReason::Rule: return tr("finished: ended by a rule");
        case FinishReason::Failed: return tr("failed: %1").arg(QString::fromStdString(trace.finished()->message));
    }
    return tr("finished");
}

QString RunStatusBar::progressText() const {
    const RunTrace& trace = document_->trace();
    if (trace.state() != RunState::Running && trace.state() != RunState::Paused) return {};
    const RunProgress progress = runProgress(trace);
    const QString count = tr("%L1 of %L2").arg(progress.tokens).arg(progress.limit);
    if (!progress.seconds_left || trace.state() == RunState::Paused) return count;
    return tr("%1, %2").arg(count, formatTimeLeft(*progress.seconds_left));
}

void RunStatusBar::refresh() {
    const RunTrace& trace = document_->trace();
    const RunProvenance& p = trace.provenance();
    const QLocale locale;
    const bool active = trace.state() == RunState::Running || trace.state() == RunState::Prefilling ||
                        trace.state() == RunState::Loading;
    state_->setFullText((active ? QStringLiteral("● ") : QStringLiteral("○ ")) + stateText());
    if (p.model_name.empty()) {
        model_->setFullText(status_.model);
    } else {
        QString text = QString::fromStdString(p.model_name);
        if (p.parameters > 0) text += QLatin1Char(' ') + parametersText(p.parameters);
        if (!p.weight_format.empty()) text += QStringLiteral(" · ") + QString::fromStdString(p.weight_format);
        if (p.bits_per_weight > 0) text += tr(" · %1 bits/weight").arg(locale.toString(p.bits_per_weight, 'f', 2));
        model_->setFullText(text);
    }
    if (!status_.device.isEmpty())
        device_->setFullText(status_.device);
    else if (!p.isa.empty())
        device_->setFullText(tr("CPU %1, %n threads", nullptr, p.threads).arg(isaText(p.isa)));
    else
        device_->setFullText({});
    device_->setTip(QString::fromStdString(p.arithmetic));
    if (status_.tokens_per_second > 0) {
        const QString speed = formatSpeed(status_.tokens_per_second);
        speed_->setFullText(status_.paced            ? tr("held back to %1").arg(speed)
                            : status_.with_reference ? tr("%1 with reference").arg(speed)
                                                     : speed);
        speed_->setTip(status_.paced ? tr("The pace of the tool bar decides how fast tokens appear; the speed of the "
                                          "engine stands here when the run has ended")
                                     : tr("Tokens a second of the engine's own time"));
    } else {
        speed_->setFullText({});
    }
    const int size = status_.context_size > 0 ? status_.context_size : p.context;
    const int used = static_cast<int>(p.prompt_tokens.size()) + document_->size();
    context_->setFullText(size > 0 ? tr("context %1 / %2").arg(used).arg(size) : QString());
    QString cache;
    if (p.kv_bytes > 0)
        cache = tr("KV cache %1, at most %2")
                    .arg(QString::fromStdString(p.kv_cache),
                         locale.formattedDataSize(p.kv_bytes, 1, QLocale::DataSizeSIFormat));
    if (p.reused_positions > 0) {
        cache += QLatin1Char('\n') +
                 tr("%n positions taken over from an earlier run, %1 shared with it", nullptr, p.reused_positions)
                     .arg(locale.formattedDataSize(p.reused_bytes, 1, QLocale::DataSizeSIFormat));
    }
    context_->setTip(cache);
    if (status_.saved_seconds_ago) {
        const double ago = *status_.saved_seconds_ago;
        saved_->setFullText(ago < 60 ? tr("saved %1 s ago").arg(locale.toString(ago, 'f', ago < 10 ? 1 : 0))
                                     : tr("saved"));
    } else {
        saved_->setFullText({});
    }
    saved_->setVisible(!saved_->fullText().isEmpty());
    // The state is the last to be shortened, but a failure may say a lot.
    progress_->setFullText(progressText());
    progress_->setMinimumWidth(progress_->sizeHint().width());
    state_->setMinimumWidth(std::min(state_->sizeHint().width(), Theme::instance().em(kStateWidth)));
    if (!currentMessage().isEmpty()) return;  // it stands where the labels stand, which are hidden until it goes
    state_->setVisible(true);
    for (ElidingLabel* label : {progress_, model_, device_, speed_, context_})
        label->setVisible(!label->fullText().isEmpty());
}

void RunStatusBar::setStatus(const StatusFigures& status) {
    status_ = status;
    refresh();
}

void RunStatusBar::showError(const Error& error) {
    error_->setFullText(QString::fromStdString(error.line()));
    error_->setTip(QString::fromStdString(error.line()));
    error_->setVisible(true);
}

void RunStatusBar::clearError() {
    error_->setFullText({});
    error_->setVisible(false);
}

void RunStatusBar::setWork(const WorkLine& work) {
    work_->setFullText(work.doing.isEmpty()     ? QString()
                       : work.figures.isEmpty() ? tr("%1…").arg(work.doing)
                                                : tr("%1: %2").arg(work.doing, work.figures));
    // Figures stand in the order of their weight, and keep some room; of a file the name is known by its end.
    work_->setElideMode(work.figures.isEmpty() ? Qt::ElideMiddle : Qt::ElideRight);
    work_->setMinimumWidth(
        work.figures.isEmpty() ? 0 : std::min(work_->sizeHint().width(), Theme::instance().em(kWorkWidth)));
    work_->setTip(work.tip);
    cancel_work_->setToolTip(work.ending);
    if (work.doing.isEmpty()) {
        work_timer_.stop();
        work_->hide();
        cancel_work_->hide();
    } else if (work_->isHidden() && !work_timer_.isActive()) {
        work_timer_.start();
    }
}

bool RunStatusBar::eventFilter(QObject* watched, QEvent* event) {
    if (watched == state_ && event->type() == QEvent::MouseButtonRelease) emit detailsRequested();
    return QStatusBar::eventFilter(watched, event);
}

}  // namespace quibble
