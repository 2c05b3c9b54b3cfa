// The most probable tokens of one distribution as bars. A list view, so that keys, focus and screen readers work as
// everywhere.
#pragma once

#include <vector>

#include <QAbstractListModel>
#include <QListView>

#include "engine/values/token_record.h"

namespace quibble {

class RunDocument;

class AlternativesModel : public QAbstractListModel {
    Q_OBJECT
public:
    enum Role { IdRole = Qt::UserRole, ProbabilityRole, MarkerRole, StandsRole };
    explicit AlternativesModel(RunDocument* document, QObject* parent);

    struct Content {
        std::vector<Alternative> rows;        // largest first
        TokenId stands = kNoToken;            // the token that was appended
        float stands_logprob = kNotMeasured;  // for a last row when it is not among them
        int limit = 5;                        // rows at most, besides that one
        bool operator==(const Content&) const = default;
    };
    void setContent(Content content);
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] int rowOf(TokenId id) const;  // -1: not shown
    [[nodiscard]] TokenId stands() const { return stands_; }

private:
    [[nodiscard]] bool isMarker(TokenId id) const;

    RunDocument* document_;
    std::vector<Alternative> rows_;
    TokenId stands_ = kNoToken;
};

class AlternativesList : public QListView {
    Q_OBJECT
public:
    AlternativesList(RunDocument* document, const QString& name, QWidget* parent);
    [[nodiscard]] AlternativesModel* alternatives() const { return model_; }
    void setContent(AlternativesModel::Content content);
    /// Highlights the row of a token without telling anybody.
    void showChosen(TokenId id);
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

signals:
    void chosen(quibble::TokenId id);     // click, or the cursor keys
    void confirmed(quibble::TokenId id);  // Enter or double click

protected:
    void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;
    void focusInEvent(QFocusEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;
    void wheelEvent(QWheelEvent* event) override;

private:
    AlternativesModel* model_;
    bool silent_ = false;
};

}  // namespace quibble
