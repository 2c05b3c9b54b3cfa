#include "views/sessions/session_model.h"

#include <functional>
#include <map>
#include <set>

namespace quibble {

struct SessionModel::Node {
    std::size_t item = 0;
    Node* parent = nullptr;
    int row = 0;
    std::vector<std::unique_ptr<Node>> children;
};

SessionModel::SessionModel(QObject* parent) : QAbstractItemModel(parent), root_(std::make_unique<Node>()) {}
SessionModel::~SessionModel() = default;

void SessionModel::setItems(std::vector<SessionItem> items) {
    if (items == items_) return;
    beginResetModel();
    items_ = std::move(items);
    rebuild();
    endResetModel();
}

void SessionModel::setHidden(SessionId session, RunId run) {
    beginResetModel();
    hidden_session_ = session;
    hidden_run_ = run;
    rebuild();
    endResetModel();
}

void SessionModel::setCurrentRun(RunId run) {
    const QModelIndex before = indexOfRun(current_run_);
    current_run_ = run;
    const QModelIndex after = indexOfRun(run);
    for (const QModelIndex& index : {before, after}) {
        if (index.isValid()) emit dataChanged(index, index, {CurrentRole});
    }
}

void SessionModel::rebuild() {
    root_ = std::make_unique<Node>();
    std::map<RunId, std::size_t> run_items;
    std::map<SessionId, std::size_t> session_items;
    for (std::size_t i = 0; i < items_.size(); ++i) {
        if (items_[i].run == kNoRun) session_items.emplace(items_[i].session, i);
        else run_items.emplace(items_[i].run, i);
    }
    // A branch hangs under its parent, unless that is not there, belongs to another session, or its ancestors form a ring.
    const auto parentItem = [&](std::size_t i) -> std::size_t {
        const SessionItem& item = items_[i];
        if (item.run == kNoRun) return items_.size();
        const auto direct = run_items.find(item.parent);
        bool sound = direct != run_items.end() && items_[direct->second].session == item.session;
        std::set<RunId> seen{item.run};
        for (auto at = direct; sound && at != run_items.end(); at = run_items.find(items_[at->second].parent)) {
            sound = seen.insert(at->first).second;
        }
        if (sound) return direct->second;
        const auto session = session_items.find(item.session);
        return session == session_items.end() ? items_.size() : session->second;
    };
    std::vector<std::vector<std::size_t>> children(items_.size() + 1);
    for (std::size_t i = 0; i < items_.size(); ++i) children[parentItem(i)].push_back(i);
    const auto hidden = [this](const SessionItem& item) {
        return hidden_run_ != kNoRun ? item.run == hidden_run_ : hidden_session_ != kNoSession && item.session == hidden_session_;
    };
    std::vector<std::pair<Node*, std::size_t>> open{{root_.get(), items_.size()}};
    while (!open.empty()) {
        const auto [node, group] = open.back();
        open.pop_back();
        for (const std::size_t child : children[group]) {
            if (hidden(items_[child])) continue;
            auto made = std::make_unique<Node>();
            made->item = child;
            made->parent = node;
            made->row = static_cast<int>(node->children.size());
            open.emplace_back(made.get(), child);
            node->children.push_back(std::move(made));
        }
    }
}

SessionModel::Node* SessionModel::nodeOf(const QModelIndex& index) const {
    return index.isValid() ? static_cast<Node*>(index.internalPointer()) : root_.get();
}

QModelIndex SessionModel::indexOf(const Node* node) const {
    return node == nullptr || node == root_.get() ? QModelIndex() : createIndex(node->row, 0, node);
}

const SessionItem* SessionModel::item(const QModelIndex& index) const { return index.isValid() ? &items_[nodeOf(index)->item] : nullptr; }

static QModelIndex findIndex(const SessionModel& model, const QModelIndex& parent, const std::function<bool(const SessionItem&)>& matches) {
    for (int row = 0; row < model.rowCount(parent); ++row) {
        const QModelIndex index = model.index(row, 0, parent);
        if (matches(*model.item(index))) return index;
        if (const QModelIndex below = findIndex(model, index, matches); below.isValid()) return below;
    }
    return {};
}

QModelIndex SessionModel::indexOfRun(RunId run) const {
    return run == kNoRun ? QModelIndex() : findIndex(*this, {}, [run](const SessionItem& item) { return item.run == run; });
}

QModelIndex SessionModel::indexOfSession(SessionId session) const {
    return findIndex(*this, {}, [session](const SessionItem& item) { return item.run == kNoRun && item.session == session; });
}

int SessionModel::sessionCount() const {
    int count = 0;
    for (const auto& node : root_->children) count += items_[node->item].run == kNoRun ? 1 : 0;
    return count;
}

QModelIndex SessionModel::index(int row, int column, const QModelIndex& parent) const {
    const Node* node = nodeOf(parent);
    if (row < 0 || column != 0 || row >= static_cast<int>(node->children.size())) return {};
    return createIndex(row, 0, node->children[static_cast<std::size_t>(row)].get());
}

QModelIndex SessionModel::parent(const QModelIndex& index) const { return index.isValid() ? indexOf(nodeOf(index)->parent) : QModelIndex(); }
int SessionModel::rowCount(const QModelIndex& parent) const { return parent.column() > 0 ? 0 : static_cast<int>(nodeOf(parent)->children.size()); }
int SessionModel::columnCount(const QModelIndex&) const { return 1; }

QVariant SessionModel::data(const QModelIndex& index, int role) const {
    const SessionItem* row = item(index);
    if (row == nullptr) return {};
    switch (role) {
        case Qt::DisplayRole:
        case Qt::EditRole: return row->title;
        case Qt::ToolTipRole: return row->tooltip.isEmpty() ? row->title + QLatin1Char('\n') + row->subtitle : row->tooltip;
        case Qt::AccessibleTextRole: return row->title + QStringLiteral(", ") + row->subtitle;
        case SubtitleRole: return row->subtitle;
        case RunningRole: return row->running;
        case IsSessionRole: return row->run == kNoRun;
        case SearchRole: return row->title + QLatin1Char('\n') + row->subtitle + QLatin1Char('\n') + row->tooltip;
        case CurrentRole: return row->run != kNoRun && row->run == current_run_;
        default: return {};
    }
}

Qt::ItemFlags SessionModel::flags(const QModelIndex& index) const {
    return index.isValid() ? Qt::ItemIsEnabled | Qt::ItemIsSelectable | Qt::ItemIsEditable : Qt::NoItemFlags;
}

bool SessionModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    const QString title = value.toString().trimmed();
    if (role != Qt::EditRole || !index.isValid() || title.isEmpty()) return false;
    SessionItem& row = items_[nodeOf(index)->item];
    if (title == row.title) return true;
    row.title = title;
    emit dataChanged(index, index);
    emit renamed(row.session, row.run, title);
    return true;
}

}  // namespace quibble
