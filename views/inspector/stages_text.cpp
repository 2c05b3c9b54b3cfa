#include "views/inspector/stages_text.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <QCoreApplication>
#include <QLocale>
#include <QStringList>

#include "views/measure.h"
#include "views/token_stream/token_pieces.h"

namespace quibble {

namespace {

QString tr(const char* text) { return QCoreApplication::translate("StagesText", text); }

struct Names {
    const char* id;
    const char* brief;  // heads a column
    const char* full;   // stands in a sentence
};
constexpr Names kRules[] = {
    {"marker_penalty", QT_TRANSLATE_NOOP("StagesText", "penalty"), QT_TRANSLATE_NOOP("StagesText", "marker penalty")},
    {"cyclic", QT_TRANSLATE_NOOP("StagesText", "cyclic"), QT_TRANSLATE_NOOP("StagesText", "CyclicReflex")},
    {"ban", QT_TRANSLATE_NOOP("StagesText", "ban"), QT_TRANSLATE_NOOP("StagesText", "ban of words")},
    {"loop_stop", QT_TRANSLATE_NOOP("StagesText", "loop stop"), QT_TRANSLATE_NOOP("StagesText", "loop stop")},
    {"contrast", QT_TRANSLATE_NOOP("StagesText", "contrast"), QT_TRANSLATE_NOOP("StagesText", "contrast of prompts")},
    {"budget", QT_TRANSLATE_NOOP("StagesText", "budget"), QT_TRANSLATE_NOOP("StagesText", "thinking budget")},
    {"wait_injection", QT_TRANSLATE_NOOP("StagesText", "wait"), QT_TRANSLATE_NOOP("StagesText", "refused end")},
};
constexpr Names kStages[] = {
    {"raw", QT_TRANSLATE_NOOP("StagesText", "raw"), ""},     {"temperature", QT_TRANSLATE_NOOP("StagesText", "T"), ""},
    {"top_k", QT_TRANSLATE_NOOP("StagesText", "top-k"), ""}, {"top_p", QT_TRANSLATE_NOOP("StagesText", "top-p"), ""},
    {"min_p", QT_TRANSLATE_NOOP("StagesText", "min-p"), ""},
};

template <std::size_t n>
const Names* find(const Names (&names)[n], const std::string& id) {
    const auto found = std::find_if(std::begin(names), std::end(names), [&](const Names& one) { return id == one.id; });
    return found == std::end(names) ? nullptr : &*found;
}

QString plain(const std::string& id) { return QString::fromStdString(id).replace(QLatin1Char('_'), QLatin1Char(' ')); }

QString listed(const QStringList& names) {
    if (names.size() < 2) return names.join(QString());
    return tr("%1 and %2").arg(names.mid(0, names.size() - 1).join(QStringLiteral(", ")), names.back());
}

QString capital(QString text) {
    if (!text.isEmpty()) text[0] = text[0].toUpper();
    return text;
}

QString added(double amount) {
    const QString number = formatNumber(std::abs(amount), 2);
    return (amount < 0 ? QChar(0x2212) : QLatin1Char('+')) + number;
}

QString named(const StageColumn& column) {
    const QString amount = stageAmount(column);
    return amount.isEmpty() ? ruleName(column.name) : tr("%1 (%2)").arg(ruleName(column.name), amount);
}

// The rules that turned the choice, one after the other.
QString turnsOf(const StageTable& table) {
    QStringList turns;
    TokenId before = table.columns.front().takes;
    for (const StageColumn& column : table.columns) {
        if (column.rule < 0) continue;
        if (column.takes != before) {
            turns << tr("%1 turned the choice from %2 to %3.")
                         .arg(capital(named(column)), rowLabel(table, before), rowLabel(table, column.takes));
        }
        before = column.takes;
    }
    return turns.join(QLatin1Char(' '));
}

QString drawnSentence(const StageTable& table) {
    const QString token = rowLabel(table, table.chosen);
    if (!table.drawn) return tr("Nothing was drawn: %1 is the largest, without noise.").arg(token);
    const qlonglong left = table.columns.back().kept;
    if (left == 1) return tr("The filters left %1 alone.").arg(token);
    return tr("Of the %L1 tokens that were left, the noise took %2.").arg(left).arg(token);
}

}  // namespace

QString stageName(const StageColumn& column) {
    if (const Names* names = find(kStages, column.name)) return tr(names->brief);
    const Names* names = find(kRules, column.name);
    return names != nullptr ? tr(names->brief) : plain(column.name);
}

QString ruleName(const std::string& id) {
    const Names* names = find(kRules, id);
    return names != nullptr ? tr(names->full) : plain(id);
}

QString stageAmount(const StageColumn& column) {
    if (column.rule >= 0) {
        const QString least = added(column.least), most = added(column.most);
        QStringList parts;
        if (column.changed > 0) parts << (least == most ? least : tr("%1 … %2").arg(least, most));
        if (column.banned > 0) parts << tr("%L1 banned").arg(static_cast<qlonglong>(column.banned));
        return parts.join(QStringLiteral(", "));
    }
    return column.name == "raw" ? QString() : QLocale().toString(column.setting, 'g', 6);
}

QString rowLabel(const StageTable& table, TokenId id) {
    const auto found = std::find(table.ids.begin(), table.ids.end(), id);
    const auto row = static_cast<std::size_t>(found - table.ids.begin());
    const bool named = row < table.texts.size() && !table.texts[row].empty();
    return tr("“%1”").arg(named ? tokenLabelOf(table.texts[row]) : tr("⟨%1⟩").arg(id));
}

QString stagesSentence(const StageTable& table) {
    if (table.columns.empty()) return {};
    if (table.moved) {
        return tr("A rule put a text in front of %1 after it was sampled: the noise that chose it was that of its "
                  "former "
                  "place.")
            .arg(rowLabel(table, table.chosen));
    }
    if (table.takes != table.chosen) {
        return tr("Computed here, the noise takes %1, and the run recorded %2: it was made by another version or "
                  "another "
                  "kind of processor.")
            .arg(rowLabel(table, table.takes), rowLabel(table, table.chosen));
    }
    QStringList acting;
    for (const StageColumn& column : table.columns) {
        if (column.rule >= 0) acting << named(column);
    }
    if (acting.isEmpty()) return tr("No rule changed a logit here.") + QLatin1Char(' ') + drawnSentence(table);
    const TokenId without = table.columns.front().takes;
    const QString turns = turnsOf(table);
    const QString same = table.drawn ? tr("the same noise takes %1") : tr("the largest is %1");
    if (turns.isEmpty()) {
        return capital(listed(acting)) + QLatin1Char(' ') +
               tr("changed no choice: without rules %1 too.").arg(same.arg(rowLabel(table, without)));
    }
    return turns + QLatin1Char(' ') + tr("Without rules %1.").arg(same.arg(rowLabel(table, without)));
}

QString foldedSentence(const StageTable& table) {
    QStringList names;
    for (const int rule : table.unchanged) {
        if (static_cast<std::size_t>(rule) < table.rule_ids.size())
            names << ruleName(table.rule_ids[static_cast<std::size_t>(rule)]);
    }
    if (names.isEmpty()) return {};
    return capital(listed(names)) + (names.size() == 1 ? tr(" changed nothing here: its column is folded.")
                                                       : tr(" changed nothing here: their columns are folded."));
}

}  // namespace quibble
