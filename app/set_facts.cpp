#include "app/set_facts.h"

#include <QCoreApplication>
#include <QLocale>
#include <QStringList>

#include "app/evaluation/set_report.h"
#include "app/run_facts.h"
#include "views/measure.h"

namespace quibble {

namespace {

using Facts = std::vector<std::pair<QString, QString>>;

struct Text {
    Q_DECLARE_TR_FUNCTIONS(SetFacts)
};

QString text(const std::string& value) { return QString::fromStdString(value); }
QString count(std::int64_t value) { return QLocale().toString(static_cast<qlonglong>(value)); }

// The sign stays with its number when a line is wrapped.
QString sharePercent(double share) { return formatNumber(100 * share, 1) + QChar(QChar::Nbsp) + QLatin1Char('%'); }

QString headlineOf(const EvaluationFigures& figures) {
    if (!figures.accuracy) return Text::tr("No problem was run");
    return Text::tr("%1 of %2 right: %3")
        .arg(count(figures.correct), count(figures.ran), sharePercent(*figures.accuracy));
}

QString intervalText(const EvaluationFigures& figures) {
    return Text::tr("95 % interval %1 to %2")
        .arg(sharePercent(figures.accuracy_95.low), sharePercent(figures.accuracy_95.high));
}

QString briefOf(const EvaluationFigures& figures) {
    if (!figures.accuracy) return {};
    QStringList parts{intervalText(figures),
                      Text::tr("%1 tokens on average").arg(formatNumber(*figures.mean_tokens, 0))};
    if (figures.mean_kl) parts << Text::tr("mean KL %1 nat").arg(formatSignificant(*figures.mean_kl));
    return Text::tr("%1.").arg(parts.join(QStringLiteral(", ")));
}

QString stateOf(const SetOutcome& outcome, const EvaluationFigures& figures) {
    QStringList sentences;
    if (outcome.interrupted && figures.done < figures.wanted) {
        sentences << Text::tr(
                         "Stopped: the figures are of %1 of %2 problems. What is done is kept; running the set "
                         "with the same settings goes on with the rest.")
                         .arg(count(static_cast<std::int64_t>(figures.done)),
                              count(static_cast<std::int64_t>(figures.wanted)));
    }
    if (outcome.taken > 0) {
        sentences << Text::tr("%n results are of runs that the session held already.", nullptr,
                              static_cast<int>(outcome.taken));
    }
    return sentences.join(QLatin1Char(' '));
}

QString rulesText(const RunRequest& setting) {
    QStringList rules;
    for (const auto* slot : {&setting.logits, &setting.control}) {
        for (const MethodChoice& rule : *slot) rules << text(rule.text());
    }
    return rules.join(QStringLiteral(" · "));
}

void addSetting(const RunRequest& setting, const RunModels& models, const EvaluationFigures& figures, Facts& facts) {
    facts.emplace_back(Text::tr("Model"),
                       Text::tr("%1 · %2 · %3 bits/weight")
                           .arg(text(models.quantized->config().name), text(models.quantized->weightFormat()),
                                formatNumber(models.quantized->bitsPerWeight(), 2)));
    if (!figures.reference.empty()) facts.emplace_back(Text::tr("Reference"), text(figures.reference));
    facts.emplace_back(Text::tr("Sampling"), Text::tr("%1 and up").arg(samplerText(setting)));
    if (setting.penalty.strength != 0) {
        facts.emplace_back(Text::tr("Penalty"), Text::tr("λ %1, list %2")
                                                    .arg(QLocale().toString(setting.penalty.strength, 'g', 4),
                                                         text(setting.penalty.set_name)));
    }
    if (const QString rules = rulesText(setting); !rules.isEmpty()) facts.emplace_back(Text::tr("Rules"), rules);
    if (setting.draft.method.id != MethodChoice{}.id)
        facts.emplace_back(Text::tr("Drafts"), text(setting.draft.method.text()));
}

void addAnswers(const EvaluationFigures& figures, Facts& facts) {
    if (!figures.accuracy) return;
    facts.emplace_back(Text::tr("Accuracy"),
                       QStringLiteral("%1, %2").arg(sharePercent(*figures.accuracy), intervalText(figures)));
    const std::int64_t wrong = figures.graded - figures.correct;
    facts.emplace_back(Text::tr("Wrong"), figures.overthinking == 0
                                              ? count(wrong)
                                              : Text::tr("%1, of which %2 had the right answer in the thought")
                                                    .arg(count(wrong), count(figures.overthinking)));
    facts.emplace_back(Text::tr("Not gradable"), count(figures.not_gradable));
    facts.emplace_back(Text::tr("Ended by a limit"), count(figures.cut_off));
    QString tokens = formatNumber(*figures.mean_tokens, 1);
    if (const auto& spread = figures.mean_tokens_95) {
        tokens = Text::tr("%1, 95 % interval %2 to %3")
                     .arg(tokens, formatNumber(spread->low, 1), formatNumber(spread->high, 1));
    }
    facts.emplace_back(Text::tr("Mean tokens"), tokens);
    facts.emplace_back(Text::tr("Mean markers"), formatSignificant(*figures.mean_markers));
    if (figures.mean_kl)
        facts.emplace_back(Text::tr("Mean KL"), Text::tr("%1 nat").arg(formatSignificant(*figures.mean_kl)));
}

}  // namespace

SetSummary summaryOf(const QString& name, const RunRequest& setting, const RunModels& models,
                     const SetOutcome& outcome) {
    const EvaluationFigures figures = outcome.evaluation.figures();
    SetSummary summary{.name = name,
                       .headline = headlineOf(figures),
                       .brief = briefOf(figures),
                       .state = stateOf(outcome, figures),
                       .facts = {},
                       .failed = {},
                       .report = text(reportText(setReport(setting, models, outcome)))};
    addAnswers(figures, summary.facts);
    if (!figures.failed.empty()) summary.facts.emplace_back(Text::tr("Not run"), count(std::ssize(figures.failed)));
    addSetting(setting, models, figures, summary.facts);
    if (outcome.progress.tokens > 0) {
        summary.facts.emplace_back(
            Text::tr("Speed"), Text::tr("%1, %2 problems at once")
                                   .arg(formatSpeed(outcome.progress.tokensPerSecond()), count(outcome.parallel.runs)));
    }
    for (const EvaluationFigures::Failure& failure : figures.failed)
        summary.failed.emplace_back(text(failure.problem), text(failure.reason));
    return summary;
}

QString setProgressText(const SetProgress& progress, std::size_t taken) {
    const auto problems = [](std::size_t number) { return count(static_cast<std::int64_t>(number)); };
    const QString line = Text::tr("%1 of %2, %3")
                             .arg(problems(progress.done + taken), problems(progress.wanted + taken),
                                  formatSpeed(progress.tokensPerSecond()));
    return progress.seconds_left ? Text::tr("%1, about %2").arg(line, formatTimeLeft(*progress.seconds_left)) : line;
}

}  // namespace quibble
