#include "views/inspector/token_inspector.h"

#include <algorithm>
#include <cmath>

#include <QButtonGroup>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QVBoxLayout>

#include "views/inspector/alternatives_list.h"
#include "views/inspector/more_rows.h"
#include "views/inspector/stages_model.h"
#include "views/inspector/stages_page.h"
#include "views/inspector/stages_table.h"
#include "views/run_document.h"
#include "views/speculation/draft_text.h"
#include "views/theme.h"
#include "views/widgets.h"

namespace quibble {

namespace {

constexpr int kFewAlternatives = 5;

std::vector<Alternative> rawRows(const StageTable& table) {
    std::vector<Alternative> rows;
    rows.reserve(table.ids.size());
    for (std::size_t i = 0; i < table.ids.size(); ++i) rows.push_back({table.ids[i], table.columns.front().logprob[i]});
    return rows;
}

// "3", or "3 → 1" where the rules gave the token another rank.
QString rankText(const TokenRecord& token) {
    const auto is = [&token](const Alternative& one) { return one.id == token.id; };
    const auto found = std::find_if(token.top_after.begin(), token.top_after.end(), is);
    const auto after = found - token.top_after.begin() + 1;
    if (found == token.top_after.end() || after == token.rank) return QString::number(token.rank);
    return TokenInspector::tr("%1 → %2").arg(token.rank).arg(after);
}

}  // namespace

TokenInspector::TokenInspector(RunDocument* document, QWidget* parent)
    : View(tr("Token"), parent), document_(document) {
    build();
    connect(document_, &RunDocument::reset, this, &TokenInspector::forgetAnswer);
    for (const auto signal : {&RunDocument::selectionChanged, &RunDocument::reset, &RunDocument::unitChanged,
                              &RunDocument::provenanceChanged}) {
        connect(document_, signal, this, &TokenInspector::refresh);
    }
    connect(document_, &RunDocument::referenceAdvanced, this, [this](int first, int last) {
        if (document_->current() >= first && document_->current() < last) refresh();
    });
    const auto confirm = [this](TokenId id) {
        choose(id);
        if (branch_button_->isEnabled()) branch_button_->click();
    };
    for (AlternativesList* list : {quantized_, penalized_, reference_}) {
        connect(list, &AlternativesList::chosen, this, &TokenInspector::choose);
        connect(list, &AlternativesList::confirmed, this, confirm);
    }
    connect(stages_->table(), &StagesTable::chosen, this, &TokenInspector::choose);
    connect(stages_->table(), &StagesTable::confirmed, this, confirm);
    connect(stages_->more(), &MoreRows::wanted, this, [this](int rows) {
        stages_wanted_ = rows;
        ask();
    });
    connect(more_, &MoreRows::wanted, this, [this](int rows) {
        alternatives_wanted_ = rows;
        showRows();
        ask();
    });
    setFocusProxy(quantized_);  // whoever brings the inspector forward goes on with the keyboard in its first list
    connect(branch_button_, &QPushButton::clicked, this, [this] {
        if (document_->current() < 0 || chosen_ == kNoToken) return;
        emit branchRequested(document_->trace().points()[static_cast<std::size_t>(document_->current())].token.pos,
                             chosen_);
    });
    refresh();
}

void TokenInspector::build() {
    auto* outer = new QVBoxLayout(this);
    outer->setContentsMargins(0, 0, 0, 0);
    scroll_ = new QScrollArea(this);
    scroll_->setWidgetResizable(true);
    scroll_->setFrameShape(QFrame::NoFrame);
    scroll_->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    outer->addWidget(scroll_);
    auto* body = new QWidget(scroll_);
    body->setObjectName(QStringLiteral("cardBody"));
    scroll_->setWidget(body);
    const Theme& theme = Theme::instance();
    auto* column = new QVBoxLayout(body);
    column->setContentsMargins(theme.em(0.55), theme.em(0.5), theme.em(0.55), theme.em(0.6));
    hint_ = makeCaption(tr("Click a token to see what else could have stood there."), body);
    buildAlternatives(body);
    stages_ = new StagesPage(document_, body);
    column->addWidget(hint_);
    column->addWidget(content_);
    column->addWidget(stages_, 1);
    column->addStretch(0);
    branch_button_ = new QPushButton(this);
    branch_button_->setIcon(theme.icon(QStringLiteral("branch")));
    auto* foot = new QHBoxLayout;
    foot->setContentsMargins(theme.em(0.55), 0, theme.em(0.55), theme.em(0.5));
    foot->addWidget(branch_button_);
    foot->addStretch(1);
    outer->addLayout(foot);
    buildPages();
}

void TokenInspector::buildAlternatives(QWidget* body) {
    const Theme& theme = Theme::instance();
    content_ = new QWidget(body);
    auto* rows = new QVBoxLayout(content_);
    rows->setContentsMargins(0, 0, 0, 0);
    rows->setSpacing(theme.em(0.18));
    numbers_ = makeCaption({}, content_);
    numbers_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    quantized_label_ = makeCaption({}, content_);
    penalized_label_ = makeCaption({}, content_);
    reference_label_ = makeCaption({}, content_);
    quantized_ = new AlternativesList(document_, tr("Alternatives of the quantized model"), content_);
    penalized_ = new AlternativesList(document_, tr("Alternatives after the penalty"), content_);
    reference_ = new AlternativesList(document_, tr("Alternatives of the reference"), content_);
    penalty_note_ = makeCaption({}, content_);
    rows->addWidget(numbers_);
    origin_ = makeCaption({}, content_);
    rows->addWidget(origin_);
    const std::pair<QLabel*, AlternativesList*> groups[] = {
        {quantized_label_, quantized_}, {penalized_label_, penalized_}, {reference_label_, reference_}};
    for (const auto& [label, list] : groups) {
        rows->addSpacing(theme.em(0.35));
        rows->addWidget(label);
        rows->addWidget(list);
        label->setBuddy(list);
    }
    rows->addSpacing(theme.em(0.3));
    more_ = new MoreRows(content_);
    rows->addWidget(more_);
    rows->addWidget(penalty_note_);
    experts_ = makeCaption({}, content_);
    experts_->setTextInteractionFlags(Qt::TextSelectableByMouse);
    rows->addWidget(experts_);
    all_layers_ = new QPushButton(tr("Show all layers"), content_);
    all_layers_->setFlat(true);
    all_layers_->setCheckable(true);
    rows->addWidget(all_layers_, 0, Qt::AlignLeft);
    rows->addStretch(1);
    connect(all_layers_, &QPushButton::toggled, this, &TokenInspector::refresh);
}

void TokenInspector::buildPages() {
    pages_ = new QWidget(this);
    auto* row = new QHBoxLayout(pages_);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(0);
    page_buttons_ = new QButtonGroup(this);
    const std::pair<QString, QString> pages[] = {
        {tr("Alternatives"), tr("What else could have stood there")},
        {tr("Stages"), tr("How the token was chosen: rules, sampler and noise, one after the other")}};
    for (const auto& [name, tip] : pages) {
        auto* button = new QPushButton(name, pages_);
        button->setCheckable(true);
        button->setToolTip(tip);
        button->setProperty("segment", true);
        useFont(button, FontRole::Small);
        page_buttons_->addButton(button, static_cast<int>(page_buttons_->buttons().size()));
        row->addWidget(button);
    }
    page_buttons_->button(0)->setChecked(true);
    const auto least = [this] {  // where the panel is narrow and the text large, the words are cut
        for (QAbstractButton* button : page_buttons_->buttons()) button->setMinimumWidth(Theme::instance().em(1.6));
    };
    least();
    connect(&Theme::instance(), &Theme::changed, this, least);
    connect(page_buttons_, &QButtonGroup::idClicked, this, [this](int id) { setPage(static_cast<Page>(id)); });
}

void TokenInspector::setPage(Page page) {
    page_buttons_->button(static_cast<int>(page))->setChecked(true);
    if (page == page_) return;
    page_ = page;
    setFocusProxy(page == Page::Stages ? static_cast<QWidget*>(stages_) : quantized_);
    scroll_->verticalScrollBar()->setValue(0);
    refresh();
    emit pageChanged();
}

void TokenInspector::refresh() {
    const int current = document_->current();
    hint_->setVisible(current < 0);
    content_->setVisible(current >= 0 && page_ == Page::Alternatives);
    stages_->setVisible(current >= 0 && page_ == Page::Stages);
    branch_button_->setVisible(current >= 0);
    if (current != shown_) {
        chosen_ = kNoToken;
        forgetAnswer();
    }
    shown_ = current;
    if (current < 0) {
        setTitle(tr("Token"));
        setFigures({});
        return;
    }
    const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(current)];
    const TokenRecord& token = point.token;
    setTitle(tr("Token %1 “%2”").arg(current).arg(document_->tokenLabel(token.id)));
    const QString p = formatSignificant(std::exp(static_cast<double>(token.logprob)));
    setFigures(token.injected ? tr("injected · p %1").arg(p) : tr("rank %1 · p %2").arg(rankText(token), p));
    showNumbers(point);
    showAlternatives(point);
    showOrigin(point);
    showExperts(point);
    updateBranchButton();
    contentChanged();
}

void TokenInspector::showNumbers(const TracePoint& point) {
    const Unit unit = document_->unit();
    const QString nat = measureUnit(Measure::Entropy, unit);
    QStringList parts{tr("position %1").arg(point.token.pos),
                      tr("entropy %1 %2").arg(measureText(point, Measure::Entropy, unit), nat)};
    if (document_->hasReference()) {
        parts << (point.hasReference() ? tr("KL %1 %2").arg(measureText(point, Measure::Kl, unit), nat)
                                       : tr("KL pending"));
    }
    parts << tr("varentropy %1 %2")
                 .arg(measureText(point, Measure::Varentropy, unit), measureUnit(Measure::Varentropy, unit))
          << tr("marker mass %1").arg(measureText(point, Measure::MarkerMass, unit));
    numbers_->setText(parts.join(QStringLiteral(" · ")));
}

void TokenInspector::showAlternatives(const TracePoint& point) {
    const TokenRecord& token = point.token;
    const RunProvenance& provenance = document_->trace().provenance();
    const int limit = std::max(alternatives_wanted_, kFewAlternatives);
    const bool more = answered() && static_cast<int>(token.top.size()) < limit;
    const QString format = QString::fromStdString(provenance.weight_format);
    const bool rules = !provenance.rules.empty();  // others than the penalty alone
    quantized_label_->setText(token.top_after.empty() ? tr("%1 (sampled from)").arg(format)
                              : rules                 ? tr("%1, before the rules").arg(format)
                                                      : tr("%1, before the penalty").arg(format));
    quantized_->setContent({more ? rawRows(*answer_) : token.top, token.id, token.logprob, limit});
    const bool penalized = !token.top_after.empty();
    penalized_label_->setVisible(penalized);
    penalized_->setVisible(penalized);
    penalized_label_->setText(
        rules
            ? tr("after the rules (sampled from)")
            : tr("after the penalty, λ = %1 (sampled from)").arg(formatNumber(static_cast<double>(token.penalty), 1)));
    penalized_->setContent({more && penalized ? answer_->after : token.top_after, token.id, kNotMeasured, limit});
    const bool reference = point.hasReference();
    reference_->setVisible(reference);
    reference_label_->setVisible(document_->hasReference());
    const QString name = QString::fromStdString(provenance.reference_format);
    reference_label_->setText(
        reference ? tr("%1 reference").arg(name)
        : !document_->live()
            ? tr("%1 reference: not scored, the run ended before that").arg(name)
            : tr("%1 reference: not scored yet, %n tokens behind", nullptr, document_->referenceLag()).arg(name));
    const bool more_reference = more && !answer_->reference.empty();
    reference_->setContent(
        {more_reference ? answer_->reference : point.reference.top, token.id, point.reference.logprob, limit});
    for (AlternativesList* list : {quantized_, penalized_, reference_}) list->showChosen(chosen_);
    const int rows = more ? answer_->rows() : static_cast<int>(token.top.size());
    more_->setCounts(std::min(limit, rows), vocabulary());
    if (more || limit <= static_cast<int>(token.top.size()))
        more_->setNote(more ? recomputedNote(*answer_) : QString());

    QString note;
    if (token.injected)
        note = tr("Injected: this token was put here, not sampled.");
    else if (token.intervened())
        note = (rules ? tr("Without rules the same noise gives “%1”.")
                      : tr("Without the penalty the same noise gives “%1”."))
                   .arg(document_->tokenLabel(token.without_penalty_id));
    else if (token.penalized)
        note = rules ? tr("The rules changed no choice here: without them the same noise gives the same token.")
                     : tr("The penalty changed no choice here: without it the same noise gives the same token.");
    penalty_note_->setText(note);
    penalty_note_->setVisible(!note.isEmpty());
}

void TokenInspector::showOrigin(const TracePoint& point) {
    const RunTrace& trace = document_->trace();
    const DraftRound* round = trace.roundAt(point.token.pos);
    origin_->setVisible(round != nullptr);
    if (round == nullptr) return;
    QString text =
        tr("%1 · round: %2").arg(tokenOriginLabel(trace.originAt(point.token.pos)), draftRoundSummary(*round));
    const auto place = static_cast<std::size_t>(point.token.pos - round->pos);
    if (place < round->path.size() && round->path[place] >= 0 &&
        static_cast<std::size_t>(round->path[place]) < round->nodes.size()) {
        text += QLatin1Char('\n') + draftNodeSentence(*document_, *round, round->path[place]);
    }
    origin_->setText(text);
}

void TokenInspector::showExperts(const TracePoint& point) {
    constexpr int kFewLayers = 8;
    const TokenExperts* own = document_->trace().expertsAt(point.token.pos);
    const auto cells =
        own == nullptr ? 0 : static_cast<std::size_t>(own->layers) * static_cast<std::size_t>(own->per_token);
    const bool there = own != nullptr && own->ids.size() >= cells && own->weights.size() >= cells;
    experts_->setVisible(there);
    all_layers_->setVisible(there && own->layers > kFewLayers);
    if (!there) return;
    QStringList lines{tr("Experts, with their weights:")};
    const int shown = all_layers_->isChecked() ? own->layers : std::min(own->layers, kFewLayers);
    for (int layer = 0; layer < shown; ++layer) {
        QStringList items;
        for (int slot = 0; slot < own->per_token; ++slot) {
            const auto at = static_cast<std::size_t>(layer) * static_cast<std::size_t>(own->per_token) +
                            static_cast<std::size_t>(slot);
            items << (own->ids[at] == kNoExpert
                          ? tr("dropped")
                          : tr("%1 (%2)")
                                .arg(own->ids[at])
                                .arg(formatSignificant(static_cast<double>(own->weights[at]), 2)));
        }
        QString line = tr("layer %1: %2").arg(layer).arg(items.join(QStringLiteral(", ")));
        const auto at = static_cast<std::size_t>(layer);
        if (at < own->dropped_mass.size() && own->dropped_mass[at] > 0)
            line += tr(" · %1 dropped").arg(formatPercent(static_cast<double>(own->dropped_mass[at])));
        lines << line;
    }
    if (shown < own->layers) lines << tr("and %n more layers", nullptr, own->layers - shown);
    experts_->setText(lines.join(QLatin1Char('\n')));
}

void TokenInspector::choose(TokenId id) {
    if (document_->current() < 0) return;
    chosen_ = id;
    for (AlternativesList* list : {quantized_, penalized_, reference_}) list->showChosen(id);
    stages_->table()->showChosen(id);
    updateBranchButton();
}

void TokenInspector::forgetAnswer() {
    answer_.reset();
    alternatives_wanted_ = 0;
    asked_ = {};
    stages_wanted_ = MoreRows::kStep;
    more_->setNote({});
}

bool TokenInspector::answered() const {
    return answer_ != nullptr && document_->current() >= 0 &&
           answer_->pos == document_->positionOf(document_->current());
}

int TokenInspector::vocabulary() const {
    return answered() ? static_cast<int>(answer_->vocabulary) : document_->trace().provenance().vocab_size;
}

// Of the shown page; 0: what was recorded is enough.
int TokenInspector::rowsWanted() const {
    if (document_->current() < 0) return 0;
    if (page_ == Page::Stages) return stages_wanted_;
    const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(document_->current())];
    return alternatives_wanted_ > static_cast<int>(point.token.top.size()) ? alternatives_wanted_ : 0;
}

void TokenInspector::refreshContent() { ask(); }

void TokenInspector::ask() {
    const int rows = rowsWanted();
    if (rows <= 0) return;
    const TracePoint& point = document_->trace().points()[static_cast<std::size_t>(document_->current())];
    const bool reference = page_ == Page::Alternatives && point.hasReference();
    const bool known = answered() && answer_->rows() >= std::min(rows, vocabulary());
    const std::pair question(rows, reference);
    if (known && (!reference || !answer_->reference.empty())) return showRows();
    if (asked_ == question) return;
    asked_ = question;
    if (page_ == Page::Stages && !answered())
        stages_->setComputing();
    else
        (page_ == Page::Stages ? stages_->more() : more_)->setNote(tr("computing…"));
    emit stagesWanted(point.token.pos, rows, reference);
}

void TokenInspector::setStages(std::shared_ptr<const StageTable> table) {
    if (document_->current() < 0 || table == nullptr || table->columns.empty() ||
        table->pos != document_->positionOf(document_->current()))
        return;
    answer_ = std::move(table);
    showRows();
}

void TokenInspector::refuseStages(Position pos, const QString& why) {
    if (document_->current() < 0 || pos != document_->positionOf(document_->current())) return;
    answer_.reset();
    stages_->setRefusal(why);
    more_->setNote(why);
}

// What is known of the token by now, on both pages.
void TokenInspector::showRows() {
    if (document_->current() < 0) return;
    showAlternatives(document_->trace().points()[static_cast<std::size_t>(document_->current())]);
    if (!answered()) return;
    if (stages_->table()->stages()->table() != answer_.get()) {
        const bool focused = stages_->table()->hasFocus();
        stages_->setTable(answer_);
        if (focused) stages_->table()->setFocus();
    }
    stages_->table()->showChosen(chosen_);
}

void TokenInspector::setBranchBlocked(const QString& reason) {
    blocked_ = reason;
    updateBranchButton();
}

void TokenInspector::updateBranchButton() {
    const int current = document_->current();
    const TokenId standing =
        current < 0 ? kNoToken : document_->trace().points()[static_cast<std::size_t>(current)].token.id;
    QString why;
    if (chosen_ == kNoToken)
        why = tr("Choose an alternative first");
    else if (chosen_ == standing)
        why = tr("This token stands here already: choose another one");
    else if (!blocked_.isEmpty())
        why = blocked_;
    branch_button_->setText(chosen_ == kNoToken ? tr("Branch from …")
                                                : tr("Branch from “%1”").arg(document_->tokenLabel(chosen_)));
    branch_button_->setEnabled(why.isEmpty());
    branch_button_->setToolTip(why.isEmpty() ? tr("Replace this token and go on from here; the old path stays") : why);
}

}  // namespace quibble
