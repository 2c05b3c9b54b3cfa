#include "app/session_rows.h"

#include <set>
#include <string_view>

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <QStringList>

#include "views/measure.h"

namespace quibble {

namespace {

struct SessionText {
    Q_DECLARE_TR_FUNCTIONS(SessionRows)
};

QString fromUtf8(const std::string& text) { return QString::fromStdString(text); }

QString gradeOf(const RunSummary& run) {
    if (run.answer.empty()) return run.correct == false ? SessionText::tr("no answer ✗") : QString();
    const QString answer = fromUtf8(run.answer);
    const bool undecided = !run.correct && !run.known_answer.empty() && run.status == RunStatus::Finished;
    if (undecided) return SessionText::tr("%1, not gradable").arg(answer);
    if (!run.correct) return answer;
    return *run.correct ? SessionText::tr("%1 ✓").arg(answer) : SessionText::tr("%1 ✗").arg(answer);
}

QString endOf(const RunSummary& run) {
    if (run.status == RunStatus::Interrupted) return SessionText::tr("interrupted");
    if (!run.finish_reason) return {};
    switch (*run.finish_reason) {
        case FinishReason::EndOfText: return {};
        case FinishReason::TokenLimit: return SessionText::tr("limit reached");
        case FinishReason::ContextFull: return SessionText::tr("context full");
        case FinishReason::Stopped: return SessionText::tr("stopped");
        case FinishReason::Failed: return SessionText::tr("failed");
    }
    return {};
}

QString tooltipOf(const RunSummary& run) {
    QStringList lines;
    lines << fromUtf8(run.prompt);
    if (!run.model_name.empty()) lines << QStringLiteral("%1 · %2").arg(fromUtf8(run.model_name), fromUtf8(run.weight_format));
    lines << SessionText::tr("seed %1 · penalty %2").arg(run.seed).arg(QLocale().toString(run.penalty, 'g', 4));
    if (run.mean_entropy) lines << SessionText::tr("mean entropy %1 nat").arg(formatSignificant(*run.mean_entropy));
    if (run.mean_kl) lines << SessionText::tr("mean KL %1 nat").arg(formatSignificant(*run.mean_kl));
    lines << QLocale().toString(QDateTime::fromMSecsSinceEpoch(run.created_ms), QLocale::ShortFormat);
    if (!run.notes.empty()) lines << fromUtf8(run.notes);
    return lines.join(QLatin1Char('\n'));
}

SessionItem sessionRow(const SessionSummary& session) {
    SessionItem item;
    item.session = session.id;
    item.title = fromUtf8(session.name);
    item.subtitle = dayText(session.updated_ms) + QStringLiteral(", ") + (session.runs == 1 ? SessionText::tr("1 run") : SessionText::tr("%L1 runs").arg(session.runs));
    item.tooltip = session.models.empty() ? item.title : item.title + QLatin1Char('\n') + fromUtf8(session.models);
    return item;
}

SessionItem runRow(const RunSummary& run, bool says_model) {
    SessionItem item;
    item.session = run.session;
    item.run = run.id;
    item.parent = run.parent;
    item.title = fromUtf8(run.title);
    item.running = run.status == RunStatus::Running;
    QStringList parts;
    if (says_model && !run.model_name.empty()) parts << fromUtf8(run.model_name);
    if (const QString grade = gradeOf(run); !grade.isEmpty()) parts << grade;
    parts << SessionText::tr("%L1 tok").arg(run.tokens);
    if (run.markers > 0) parts << (run.markers == 1 ? SessionText::tr("1 marker") : SessionText::tr("%L1 markers").arg(run.markers));
    if (const QString end = endOf(run); !end.isEmpty()) parts << end;
    item.subtitle = item.running ? SessionText::tr("running") : parts.join(QStringLiteral(" · "));
    item.tooltip = tooltipOf(run);
    return item;
}

}  // namespace

QString dayText(std::int64_t unix_ms) {
    const QDate day = QDateTime::fromMSecsSinceEpoch(unix_ms).date();
    const QDate today = QDate::currentDate();
    if (day == today) return SessionText::tr("today");
    if (day == today.addDays(-1)) return SessionText::tr("yesterday");
    return QLocale().toString(day, day.year() == today.year() ? QStringLiteral("d MMM") : QStringLiteral("d MMM yyyy"));
}

std::vector<SessionItem> sessionRows(const SessionSummary& session, const std::vector<RunSummary>& runs) {
    std::set<std::string_view> models;
    for (const RunSummary& run : runs) {
        if (!run.model_name.empty()) models.insert(run.model_name);
    }
    std::vector<SessionItem> rows{sessionRow(session)};
    for (const RunSummary& run : runs) rows.push_back(runRow(run, models.size() > 1));
    return rows;
}

}  // namespace quibble
