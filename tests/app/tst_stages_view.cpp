// The pages of the token inspector on a run of the shipped model: what the engine computes is what they show.
#include <QAbstractItemModelTester>
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTest>

#include <cmath>

#include "engine/cache/prefix_cache.h"
#include "engine/run/token_stages.h"
#include "tests/support/golden.h"
#include "tests/support/whole_run.h"
#include "views/inspector/alternatives_list.h"
#include "views/inspector/more_rows.h"
#include "views/inspector/stages_model.h"
#include "views/inspector/stages_page.h"
#include "views/inspector/stages_table.h"
#include "views/inspector/stages_text.h"
#include "views/inspector/token_inspector.h"
#include "views/measure.h"
#include "views/run_document.h"
#include "views/theme.h"

using namespace quibble;
using namespace quibble::testing;

namespace {

RunRequest request() {
    RunRequest r;
    r.model_path = shippedModel().string();
    r.prompt = "Tom has 57 coins. Then gets 68 more. Then loses 19. How many coins now?";
    r.reference.kind = ReferenceKind::None;
    r.max_tokens = 90;
    r.seed = 7;
    r.penalty.strength = 2;
    for (const char* text : {"cyclic:amplitude=4,period=20,words=spaced", "ban:words=\"yes, again\"", "loop_stop"})
        r.logits.push_back(parseMethodChoice(text).value());
    r.sampler = {.temperature = 1.1, .top_k = 40, .top_p = 0.95, .min_p = 0.01};
    return r;
}

}  // namespace

class TestStagesView : public QObject {
    Q_OBJECT

    std::unique_ptr<RunDocument> document_;
    std::unique_ptr<TokenInspector> inspector_;
    PrefixCache prefixes_{std::size_t{64} << 20};
    int asked_ = 0;

    [[nodiscard]] const TokenRecord& token(int index) const {
        return document_->trace().points()[static_cast<std::size_t>(index)].token;
    }
    std::shared_ptr<const StageTable> computed(Position pos, int rows) {
        CpuDevice device(2);
        auto found = findStages(askForStages(document_->trace(), pos, rows).value(), models(), device, prefixes_);
        if (!found) qFatal("%s", found.error().line().c_str());
        return std::make_shared<const StageTable>(std::move(found->table));
    }
    /// The first token that the rule changed the choice of; -1: none.
    [[nodiscard]] int turnedBy(int rule) const {
        for (const RuleAct& act : document_->trace().ruleActs()) {
            if (act.kind == RuleAct::Kind::Turned && act.rule == rule) return document_->indexAt(act.pos);
        }
        return -1;
    }
    [[nodiscard]] StagesModel* model() const { return inspector_->stages()->table()->stages(); }
    [[nodiscard]] QString cell(int row, int column) const { return model()->index(row, column).data().toString(); }
    [[nodiscard]] int columnOf(const QString& name) const {
        for (int column = 0; column < model()->columnCount(); ++column) {
            if (model()->headerData(column, Qt::Horizontal, Qt::DisplayRole).toString() == name) return column;
        }
        return -1;
    }

private slots:
    void initTestCase() { Theme::instance().install(*qApp); }

    void init() {
        document_ = std::make_unique<RunDocument>();
        document_->setTrace(wholeRun(request()).trace, RunId{1});
        inspector_ = std::make_unique<TokenInspector>(document_.get());
        inspector_->resize(420, 700);
        asked_ = 0;
        connect(inspector_.get(), &TokenInspector::stagesWanted, this, [this](Position pos, int rows, bool) {
            ++asked_;
            inspector_->setStages(computed(pos, rows));
        });
        inspector_->show();
    }

    void cleanup() {
        inspector_.reset();
        document_.reset();
    }

    void nothingIsAskedUntilTheStagesAreShown() {
        document_->selectToken(10);
        QCOMPARE(asked_, 0);
        inspector_->hide();
        inspector_->setPage(TokenInspector::Page::Stages);
        QCOMPARE(asked_, 0);
        inspector_->show();
        QCOMPARE(asked_, 1);
        document_->selectToken(11);
        QCOMPARE(asked_, 2);
        document_->setHovered(3);
        QCOMPARE(asked_, 2);
    }

    void theTableIsWhatTheEngineSays() {
        inspector_->setPage(TokenInspector::Page::Stages);
        QAbstractItemModelTester tester(model(), QAbstractItemModelTester::FailureReportingMode::QtTest);
        int struck = 0, touched = 0;
        for (int i = 0; i < document_->size(); ++i) {
            document_->selectToken(i);
            const StageTable& table = *model()->table();
            QCOMPARE(table.pos, token(i).pos);
            QCOMPARE(model()->columnCount(), static_cast<int>(table.columns.size()) + 2);
            QCOMPARE(model()->rowCount(), table.rows() + 1);
            const int last = model()->columnCount() - 1, chosen = model()->rowOf(token(i).id);
            QVERIFY(chosen >= 0);
            QVERIFY(model()->index(chosen, 0).data(StagesModel::ChosenRole).toBool());
            QVERIFY(!cell(chosen, last).isEmpty());
            // The recorded probability of the raw column.
            QCOMPARE(model()->index(chosen, 1).data(Qt::EditRole).toDouble(),
                     std::exp(static_cast<double>(token(i).logprob)));
            for (int column = 1; column < last; ++column) {
                double sum = 0;
                for (int row = 0; row < model()->rowCount(); ++row) {
                    const QModelIndex at = model()->index(row, column);
                    const bool out =
                        at.data(StagesModel::DroppedRole).toBool() || at.data(StagesModel::GoneRole).toBool();
                    QCOMPARE(at.data(StagesModel::ProbabilityRole).isValid(), !out);
                    sum += at.data(StagesModel::ProbabilityRole).toDouble();
                    struck += at.data(StagesModel::DroppedRole).toBool() ? 1 : 0;
                    touched += at.data(StagesModel::TouchedRole).toBool() ? 1 : 0;
                    QVERIFY(!at.data(Qt::AccessibleTextRole).toString().isEmpty());
                }
                QVERIFY(std::abs(sum - 1) < 1e-5);
            }
            QVERIFY(model()->index(model()->rowCount() - 1, 0).data().toString().contains(QStringLiteral("others")));
        }
        QVERIFY(struck > 0 && touched > 0);
    }

    void theSentenceSaysWhichRuleTurnedTheChoice() {
        inspector_->setPage(TokenInspector::Page::Stages);
        const int wave = turnedBy(1), penalty = turnedBy(0), ban = turnedBy(2);
        QVERIFY(wave >= 0 || penalty >= 0 || ban >= 0);
        int seen = 0;
        const QString minus_two = QChar(0x2212) + formatNumber(2, 2);
        const std::pair<int, QString> turns[] = {
            {penalty, QStringLiteral("Marker penalty (%1) turned the choice from").arg(minus_two)},
            {wave, QStringLiteral("CyclicReflex (")},
            {ban, QStringLiteral("an of words")}};
        for (const auto& [index, name] : turns) {
            if (index < 0) continue;
            document_->selectToken(index);
            const QString sentence = inspector_->stages()->sentence();
            QVERIFY2(sentence.contains(name), qPrintable(sentence));
            QVERIFY2(sentence.contains(QStringLiteral("Without rules the same noise takes ") +
                                       rowLabel(*model()->table(), token(index).without_penalty_id)),
                     qPrintable(sentence));
            ++seen;
        }
        QVERIFY(seen > 0);
        // Where nothing turned, that is said, and rules that changed nothing are named.
        for (int i = 0; i < document_->size(); ++i) {
            document_->selectToken(i);
            const QString sentence = inspector_->stages()->sentence();
            if (token(i).id == token(i).without_penalty_id)
                QVERIFY2(sentence.contains(QStringLiteral("changed no choice")) ||
                             sentence.contains(QStringLiteral("turned")),
                         qPrintable(sentence));
            // The rank that the rules gave the token stands beside that of the raw logits.
            const std::vector<Alternative>& after = model()->table()->after;
            const auto is = [&](const Alternative& one) { return one.id == token(i).id; };
            const auto rank = std::find_if(after.begin(), after.end(), is) - after.begin() + 1;
            if (rank <= 10 && rank <= std::ssize(after) && rank != token(i).rank)
                QVERIFY2(inspector_->figures().contains(QString::fromUtf8("rank %1 → %2").arg(token(i).rank).arg(rank)),
                         qPrintable(inspector_->figures()));
            if (columnOf(QStringLiteral("loop stop")) < 0)
                QVERIFY(inspector_->stages()->folded().contains(QStringLiteral("oop stop")));
        }
        const int penalized = columnOf(QStringLiteral("penalty"));
        QVERIFY(penalized > 0);
        QCOMPARE(model()->headerData(penalized, Qt::Horizontal, StagesModel::AmountRole).toString(), minus_two);
    }

    void moreRowsComeOnDemand() {
        inspector_->setPage(TokenInspector::Page::Stages);
        document_->selectToken(20);
        MoreRows* more = inspector_->stages()->more();
        QVERIFY(more->note().startsWith(QStringLiteral("exact, recomputed")));
        const int few = model()->table()->rows();
        QVERIFY(few >= 12 && few <= 17);
        more->moreButton()->click();
        QVERIFY(model()->table()->rows() >= few + 12);
        more->allButton()->click();
        const int vocabulary = document_->trace().provenance().vocab_size;
        QCOMPARE(model()->table()->rows(), vocabulary);
        QCOMPARE(asked_, 3);
        QVERIFY(!more->moreButton()->isVisible() && !more->allButton()->isVisible());
        // In pages, and all of them when somebody goes to the end.
        QVERIFY(model()->rowCount() < vocabulary);
        QVERIFY(inspector_->stages()->table()->height() < 700);
        while (model()->canFetchMore({})) model()->fetchMore({});
        QCOMPARE(model()->rowCount(), vocabulary);  // no other tokens are left
        // The next token begins with few again.
        document_->selectToken(21);
        QVERIFY(model()->table()->rows() <= 17);
    }

    void theListOfAlternativesGrowsToo() {
        document_->selectToken(20);
        AlternativesModel* list = inspector_->quantizedList()->alternatives();
        QVERIFY(list->rowCount() <= 6);
        inspector_->moreAlternatives()->moreButton()->click();
        QCOMPARE(asked_, 1);
        QVERIFY(list->rowCount() >= 17);
        // Exactly the recorded ones at the front.
        const std::vector<Alternative>& top = token(20).top;
        for (std::size_t i = 0; i < top.size(); ++i) {
            const QModelIndex at = list->index(static_cast<int>(i), 0);
            QCOMPARE(at.data(AlternativesModel::IdRole).toInt(), top[i].id);
            QCOMPARE(at.data(AlternativesModel::ProbabilityRole).toDouble(),
                     std::exp(static_cast<double>(top[i].logprob)));
        }
        QVERIFY(inspector_->penalizedList()->alternatives()->rowCount() >= 17);
        inspector_->moreAlternatives()->allButton()->click();
        QCOMPARE(list->rowCount(), document_->trace().provenance().vocab_size);
        QVERIFY(inspector_->quantizedList()->height() < 1000);
        QVERIFY(inspector_->moreAlternatives()->note().startsWith(QStringLiteral("exact")));
        document_->selectToken(21);
        QVERIFY(list->rowCount() <= 6);
    }

    void theKeyboardChoosesABranch() {
        inspector_->setPage(TokenInspector::Page::Stages);
        QVERIFY(QTest::qWaitForWindowActive(inspector_.get()));
        document_->selectToken(20);
        inspector_->setFocus();
        StagesTable* table = inspector_->stages()->table();
        QVERIFY(table->hasFocus());
        QCOMPARE(table->currentIndex().row(), model()->rowOf(token(20).id));
        QCOMPARE(inspector_->chosen(), kNoToken);
        QTest::keyClick(table, table->currentIndex().row() == 0 ? Qt::Key_Down : Qt::Key_Up);
        QVERIFY(inspector_->chosen() != kNoToken && inspector_->chosen() != token(20).id);
        QVERIFY(inspector_->branchButton()->isEnabled());
        QSignalSpy branch(inspector_.get(), &TokenInspector::branchRequested);
        QTest::keyClick(table, Qt::Key_Return);
        QCOMPARE(branch.count(), 1);
        QCOMPARE(branch[0][0].toInt(), token(20).pos);
        // The last row is no token.
        table->setCurrentIndex(model()->index(model()->rowCount() - 1, 0));
        QCOMPARE(inspector_->chosen(), kNoToken);
        QVERIFY(!inspector_->branchButton()->isEnabled());
    }

    void itIsCopiedAsTextAndAsCsv() {
        inspector_->setPage(TokenInspector::Page::Stages);
        QVERIFY(QTest::qWaitForWindowActive(inspector_.get()));
        document_->selectToken(20);
        StagesTable* table = inspector_->stages()->table();
        table->setFocus();
        QTest::keyClick(table, Qt::Key_C, Qt::ControlModifier);
        const QStringList csv = QApplication::clipboard()->text().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        QCOMPARE(csv.size(), model()->rowCount() + 1);
        QVERIFY2(csv[0].startsWith(QStringLiteral("token,raw,")) && csv[0].endsWith(QStringLiteral(",chosen")),
                 qPrintable(csv[0]));
        table->copyText();
        const QStringList text = QApplication::clipboard()->text().split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        QCOMPARE(text.size(), csv.size());
        QCOMPARE(text[1].count(QLatin1Char('\t')), model()->columnCount() - 1);
        table->setCurrentIndex(model()->index(1, 0));
        QTest::keyClick(table, Qt::Key_Down, Qt::ShiftModifier);
        table->copyCsv();
        QCOMPARE(QApplication::clipboard()->text().count(QLatin1Char('\n')), 3);
    }

    void aRefusalIsASentence() {
        inspector_->setPage(TokenInspector::Page::Stages);
        document_->selectToken(20);
        inspector_->refuseStages(token(20).pos, QStringLiteral("The model of this run is not here: x.gguf"));
        QVERIFY(!inspector_->stages()->table()->isVisible());
        QCOMPARE(inspector_->stages()->refusal(), QStringLiteral("The model of this run is not here: x.gguf"));
        // Of another token: nothing happens.
        document_->selectToken(21);
        QVERIFY(inspector_->stages()->table()->isVisible());
        inspector_->refuseStages(token(20).pos, QStringLiteral("late"));
        inspector_->setStages(computed(token(20).pos, 12));
        QCOMPARE(model()->table()->pos, token(21).pos);
        QCOMPARE(inspector_->stages()->refusal(), QString());
    }

    // The number, a thin bar below it in the colour of the theme, and a fill behind the row of the text's token.
    void lightAndDarkArePainted() {
        inspector_->setPage(TokenInspector::Page::Stages);
        inspector_->resize(900, 700);
        document_->selectToken(20);
        for (const ThemeMode mode : {ThemeMode::Light, ThemeMode::Dark}) {
            Theme::instance().setMode(mode);
            QApplication::processEvents();
            StagesTable* table = inspector_->stages()->table();
            const QImage image = table->viewport()->grab().toImage();
            const ThemeColors& colors = Theme::instance().colors();
            const double ratio = image.devicePixelRatio();
            const auto holds = [&](const QModelIndex& at, const QColor& colour) {
                const QRect area = table->visualRect(at);
                for (int y = area.top(); y <= area.bottom(); ++y) {
                    for (int x = area.left(); x <= area.right(); ++x) {
                        if (image.rect().contains((QPointF(x, y) * ratio).toPoint()) &&
                            image.pixelColor((QPointF(x, y) * ratio).toPoint()) == colour)
                            return true;
                    }
                }
                return false;
            };
            const bool marker = model()->index(0, 0).data(StagesModel::MarkerRole).toBool();
            QVERIFY(holds(model()->index(0, 1), marker ? colors.entropy : colors.bar));
            QVERIFY(holds(model()->index(1, 1), colors.bar_track));
            QVERIFY(holds(model()->index(model()->rowOf(token(20).id), model()->columnCount() - 1), colors.accent));
        }
        Theme::instance().setMode(ThemeMode::System);
    }

    // All columns can be reached, and nothing asks for more room than there is.
    void aNarrowDockScrollsSideways() {
        inspector_->setPage(TokenInspector::Page::Stages);
        document_->selectToken(20);
        inspector_->resize(250, 500);
        QApplication::processEvents();
        StagesTable* table = inspector_->stages()->table();
        QVERIFY(table->width() <= 250);
        QVERIFY(table->horizontalScrollBar()->maximum() > 0);
        QVERIFY(table->columnWidth(0) > Theme::instance().em(4));
        // The tokens stay in sight.
        const auto tokens = [table] {
            return table->viewport()->grab(QRect(0, 0, table->columnWidth(0) - 2, 100)).toImage();
        };
        const QImage before = tokens();
        table->horizontalScrollBar()->setValue(table->horizontalScrollBar()->maximum());
        QVERIFY(tokens() == before);
        QVERIFY(table->visualRect(model()->index(0, model()->columnCount() - 1)).right() <= table->viewport()->width());
        inspector_->resize(900, 500);
        QApplication::processEvents();
        QCOMPARE(table->horizontalScrollBar()->maximum(), 0);
    }

    void greedyHasNoNoise() {
        RunRequest r = request();
        r.sampler.temperature = 0;
        r.logits.clear();
        r.penalty.strength = 0;
        document_->setTrace(wholeRun(r).trace, RunId{2});
        inspector_->setPage(TokenInspector::Page::Stages);
        document_->selectToken(5);
        QVERIFY(inspector_->stages()->sentence().contains(QStringLiteral("without noise")));
        QVERIFY(inspector_->stages()->sentence().startsWith(QStringLiteral("No rule changed a logit here.")));
        QCOMPARE(inspector_->stages()->folded(), QString());
        QCOMPARE(cell(model()->rowOf(token(5).id), model()->columnCount() - 1), QString());
    }
};

QTEST_MAIN(TestStagesView)
#include "tst_stages_view.moc"
