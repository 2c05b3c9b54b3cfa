// The rows of the session browser as a tree: session, run, branch, branch of the branch.
#pragma once

#include <memory>
#include <vector>

#include <QAbstractItemModel>

#include "views/sessions/session_items.h"

namespace quibble {

class SessionModel : public QAbstractItemModel {
    Q_OBJECT
public:
    enum Role { SubtitleRole = Qt::UserRole, RunningRole, IsSessionRole, SearchRole, CurrentRole };
    explicit SessionModel(QObject* parent = nullptr);
    ~SessionModel() override;

    /// Rows whose parent is unknown, or that would form a ring, hang under their session; rows of an unknown session stand alone.
    void setItems(std::vector<SessionItem> items);
    /// Hides a row and everything under it, until setHidden({}, {}).
    void setHidden(SessionId session, RunId run);
    void setCurrentRun(RunId run);
    [[nodiscard]] const SessionItem* item(const QModelIndex& index) const;
    [[nodiscard]] QModelIndex indexOfRun(RunId run) const;
    [[nodiscard]] QModelIndex indexOfSession(SessionId session) const;
    [[nodiscard]] int sessionCount() const;

    [[nodiscard]] QModelIndex index(int row, int column, const QModelIndex& parent = {}) const override;
    [[nodiscard]] QModelIndex parent(const QModelIndex& index) const override;
    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] Qt::ItemFlags flags(const QModelIndex& index) const override;
    bool setData(const QModelIndex& index, const QVariant& value, int role) override;

signals:
    void renamed(quibble::SessionId session, quibble::RunId run, const QString& title);

private:
    struct Node;
    void rebuild();
    [[nodiscard]] Node* nodeOf(const QModelIndex& index) const;
    [[nodiscard]] QModelIndex indexOf(const Node* node) const;

    std::vector<SessionItem> items_;
    std::unique_ptr<Node> root_;
    SessionId hidden_session_ = kNoSession;
    RunId hidden_run_ = kNoRun;
    RunId current_run_ = kNoRun;
};

}  // namespace quibble
