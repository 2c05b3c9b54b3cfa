#include "views/speculation/draft_text.h"

#include <algorithm>
#include <cmath>

#include <QCoreApplication>
#include <QStringList>

#include "views/run_document.h"

namespace quibble {

namespace {

struct Text {
    Q_DECLARE_TR_FUNCTIONS(DraftText)
};

QString number(float value) {
    return std::isnan(value) ? QStringLiteral("–") : formatSignificant(static_cast<double>(value), 2);
}

}  // namespace

QString draftFateText(DraftFate fate) {
    switch (fate) {
        case DraftFate::Ignored: return Text::tr("not tested");
        case DraftFate::Rejected: return Text::tr("rejected");
        case DraftFate::Accepted: return Text::tr("accepted");
    }
    return {};
}

QString tokenOriginLabel(TokenOrigin origin) {
    switch (origin) {
        case TokenOrigin::Decoded: return Text::tr("decoded");
        case TokenOrigin::Accepted: return Text::tr("drafted and accepted");
        case TokenOrigin::Corrected: return Text::tr("correction of the target");
        case TokenOrigin::Bonus: return Text::tr("bonus of the target");
    }
    return {};
}

TokenId takenInstead(const DraftRound& round, int node) {
    const std::int32_t parent = round.nodes[static_cast<std::size_t>(node)].parent;
    for (const std::int32_t taken : round.path) {
        if (taken < 0 || taken >= static_cast<std::int32_t>(round.nodes.size())) continue;
        const DraftNode& other = round.nodes[static_cast<std::size_t>(taken)];
        if (other.parent == parent && taken != node) return other.id;
    }
    const std::int32_t end = round.path.empty() ? -1 : round.path.back();
    return parent == end ? round.added : kNoToken;
}

QString draftNodeVerdict(const RunDocument& document, const DraftRound& round, int index) {
    const DraftNode& node = round.nodes[static_cast<std::size_t>(index)];
    if (node.fate == DraftFate::Ignored) return Text::tr("not tested");
    if (node.fate == DraftFate::Accepted) {
        if (std::isnan(node.target_prob)) return Text::tr("accepted");
        return std::isnan(node.draft_prob)
                   ? Text::tr("target %1").arg(number(node.target_prob))
                   : QStringLiteral("%1 → %2").arg(number(node.draft_prob), number(node.target_prob));
    }
    if (!std::isnan(node.accept_prob) && !std::isnan(node.draw))
        return QStringLiteral("%1 ≤ %2").arg(number(node.accept_prob), number(node.draw));
    const TokenId instead = takenInstead(round, index);
    return instead == kNoToken ? Text::tr("rejected") : Text::tr("not “%1”").arg(document.tokenLabel(instead));
}

QString draftNodeSentence(const RunDocument& document, const DraftRound& round, int index) {
    const DraftNode& node = round.nodes[static_cast<std::size_t>(index)];
    QStringList parts{std::isnan(node.draft_prob) ? Text::tr("the draft gives no probability")
                                                  : Text::tr("draft %1").arg(number(node.draft_prob))};
    if (!std::isnan(node.target_prob)) parts << Text::tr("target %1").arg(number(node.target_prob));
    QString why;
    if (node.fate == DraftFate::Ignored) {
        why = Text::tr("not tested: something before it had decided");
    } else {
        if (!std::isnan(node.accept_prob)) {
            why = std::isnan(node.draw) ? Text::tr("accepted with probability %1: ").arg(number(node.accept_prob))
                                        : Text::tr("accepted with probability %1, drew %2: ")
                                              .arg(number(node.accept_prob), number(node.draw));
        }
        why += draftFateText(node.fate);
        if (node.fate == DraftFate::Rejected) {
            const TokenId instead = takenInstead(round, index);
            if (instead != kNoToken) why += Text::tr(", the target took “%1”").arg(document.tokenLabel(instead));
        }
    }
    return Text::tr("“%1”: %2; %3").arg(document.tokenLabel(node.id), parts.join(QStringLiteral(", ")), why);
}

QString addedTokenSentence(const RunDocument& document, const DraftRound& round) {
    return (round.corrected ? Text::tr("“%1”: the target's own token, where a drafted one was refused")
            : round.nodes.empty()
                ? Text::tr("“%1”: decoded, nothing was drafted here")
                : Text::tr("“%1”: the target's own token, behind a path that was accepted to its end"))
        .arg(document.tokenLabel(round.added));
}

QString draftRoundSummary(const DraftRound& round) {
    if (round.nodes.empty()) return Text::tr("a plain step, nothing was drafted");
    const auto tested = std::count_if(round.nodes.begin(), round.nodes.end(),
                                      [](const DraftNode& node) { return node.fate != DraftFate::Ignored; });
    const QString counts =
        Text::tr("%1 drafted, %2 tested, %3 accepted").arg(round.nodes.size()).arg(tested).arg(round.accepted());
    if (round.added == kNoToken) return counts;
    return counts + (round.corrected ? Text::tr(", then a correction") : Text::tr(", then a bonus token"));
}

}  // namespace quibble
