#include "app/session_rows.h"

#include <limits>
#include <set>
#include <string_view>

#include <QCoreApplication>
#include <QDateTime>
#include <QLocale>
#include <QStringList>

#include "views/measure.h"

namespace quibble {

namespace {

constexpr qsizetype kPromptLength = 600;  // of a tooltip

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
        case FinishReason::Rule: return SessionText::tr("ended by a rule");
        case FinishReason::Failed: return SessionText::tr("failed");
    }
    return {};
}

}  // namespace

QString runTooltip(const RunSummary& run) {
    QStringList lines;
    lines << fromUtf8(run.title);
    const QString prompt = fromUtf8(run.prompt);
    lines << (prompt.size() > kPromptLength ? prompt.left(kPromptLength) + QStringLiteral("…") : prompt);
    if (!run.model_name.empty())
        lines << QStringLiteral("%1 · %2").arg(fromUtf8(run.model_name), fromUtf8(run.weight_format));
    lines << SessionText::tr("seed %1 · penalty %2").arg(run.seed).arg(QLocale().toString(run.penalty, 'g', 4));
    if (run.mean_entropy) lines << SessionText::tr("mean entropy %1 nat").arg(formatSignificant(*run.mean_entropy));
    if (run.mean_kl) lines << SessionText::tr("mean KL %1 nat").arg(formatSignificant(*run.mean_kl));
    lines << QLocale().toString(QDateTime::fromMSecsSinceEpoch(run.created_ms), QLocale::ShortFormat);
    if (!run.notes.empty()) lines << fromUtf8(run.notes);
    return lines.join(QLatin1Char('\n'));
}

QString sessionTooltip(const SessionSummary& session) {
    const QString name = fromUtf8(session.name);
    return session.models.empty() ? name : name + QLatin1Char('\n') + fromUtf8(session.models);
}

SessionItem sessionRow(const SessionSummary& session) {
    SessionItem item;
    item.session = session.id;
    item.title = fromUtf8(session.name);
    item.subtitle = dayText(session.updated_ms) + QStringLiteral(", ") +
                    (session.runs == 1 ? SessionText::tr("1 run") : SessionText::tr("%L1 runs").arg(session.runs));
    item.order = -session.updated_ms;
    item.runs = session.runs;
    return item;
}

SessionItem runRow(const RunSummary& run, bool says_model) {
    SessionItem item;
    item.session = run.session;
    item.run = run.id;
    item.parent = run.parent;
    item.title = fromUtf8(run.title);
    item.running = run.status == RunStatus::Running;
    item.order = raw(run.id);
    QStringList parts, status;
    if (const QString grade = gradeOf(run); !grade.isEmpty()) parts << grade;
    if (run.markers > 0)
        parts << (run.markers == 1 ? SessionText::tr("1 marker") : SessionText::tr("%L1 markers").arg(run.markers));
    if (says_model && !run.model_name.empty()) parts << fromUtf8(run.model_name);
    if (item.running) {
        item.status = SessionText::tr("running");
        return item;
    }
    status << SessionText::tr("%L1 tok").arg(run.tokens);
    if (const QString end = endOf(run); !end.isEmpty()) status << end;
    item.subtitle = parts.join(QStringLiteral(" · "));
    item.status = status.join(QStringLiteral(" · "));
    return item;
}

SessionItem earlierRunsRow(SessionId session, std::int64_t count) {
    SessionItem item;
    item.session = session;
    item.run = earlierRow(session);
    item.title = count == 1 ? SessionText::tr("1 earlier run…") : SessionText::tr("%L1 earlier runs…").arg(count);
    item.tooltip = SessionText::tr("Show older runs of this session");
    item.order = std::numeric_limits<std::int64_t>::min();
    item.earlier = true;
    return item;
}

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
