#include "tests/faults/disk_image.h"

#include <algorithm>
#include <utility>

#include "store/check.h"

namespace ackwire {
namespace {

// The next name of the path, which loses it; empty at the end.
std::string_view TakeName(std::string_view& path) {
  for (;;) {
    path.remove_prefix(std::min(path.find_first_not_of('/'), path.size()));
    const std::string_view name = path.substr(0, path.find('/'));
    path.remove_prefix(name.size());
    if (name != ".") return name;
  }
}

struct Place {
  NodePtr directory;  // null: there is none
  std::string name;
};

Place PlaceOf(const NodePtr& root, std::string_view path) {
  Place place{nullptr, ""};
  NodePtr at = root;
  for (std::string_view name = TakeName(path); !name.empty(); name = TakeName(path)) {
    if (at == nullptr || !at->directory) return {};
    place = {at, std::string(name)};
    const auto found = at->names.find(name);
    at = found == at->names.end() ? nullptr : found->second;
  }
  return place;
}

// A copy of a node and of all below it, synced. Names of one file stay names of one file.
NodePtr CopyOf(const NodePtr& node, std::map<const Node*, NodePtr>& copies) {
  NodePtr& copy = copies[node.get()];
  if (copy != nullptr) return copy;
  copy = std::make_shared<Node>();
  copy->directory = node->directory;
  copy->modified_at = node->modified_at;
  copy->live = copy->durable = node->live;
  copy->smallest = node->live.size();
  copy->links = node->links;
  const NodePtr made = copy;
  for (const auto& [name, below] : node->names) made->names[name] = CopyOf(below, copies);
  made->durable_names = made->names;
  return made;
}

}  // namespace

DiskImage::DiskImage() : root_(std::make_shared<Node>()) { root_->directory = true; }

void DiskImage::CopyFrom(const DiskImage& other) {
  std::map<const Node*, NodePtr> copies;
  root_ = CopyOf(other.root_, copies);
  unsynced_.clear();
  ticks_ = other.ticks_;
}

Counters DiskImage::NoCounts() {
  return {{"power cuts", 0},          {"creations lost", 0},   {"renames lost", 0},
          {"deletions lost", 0},      {"links lost", 0},       {"unsynced bytes lost", 0},
          {"unsynced bytes kept", 0}, {"torn in a write", 0},  {"written out of order", 0},
          {"zeros in a page", 0},     {"garbage in a page", 0}};
}

NodePtr DiskImage::Find(std::string_view path) const {
  const Place place = PlaceOf(root_, path);
  if (place.name.empty()) return path.find_first_not_of("/.") == path.npos ? root_ : nullptr;
  const auto found = place.directory->names.find(place.name);
  return found == place.directory->names.end() ? nullptr : found->second;
}

NodePtr DiskImage::Parent(std::string_view path) const { return PlaceOf(root_, path).directory; }

void DiskImage::Do(Change change) {
  for (const Edit& edit : change.edits) {
    if (edit.node == nullptr) {
      edit.directory->names.erase(edit.name);
    } else {
      edit.directory->names[edit.name] = edit.node;
    }
    edit.directory->modified_at = ++ticks_;
  }
  unsynced_.push_back(std::move(change));
}

NodePtr DiskImage::Create(std::string_view path) {
  auto node = std::make_shared<Node>();
  node->modified_at = ++ticks_;
  const Place place = PlaceOf(root_, path);
  CHECK(place.directory != nullptr, "a file is created where there is a directory");
  Do({"creations lost", {{place.directory, place.name, node}}});
  return node;
}

void DiskImage::MakeDirectory(std::string_view path) { Create(path)->directory = true; }

void DiskImage::Remove(std::string_view path) {
  const Place place = PlaceOf(root_, path);
  --place.directory->names.at(place.name)->links;
  Do({"deletions lost", {{place.directory, place.name, nullptr}}});
}

void DiskImage::Rename(std::string_view from, std::string_view to) {
  const Place source = PlaceOf(root_, from);
  const Place target = PlaceOf(root_, to);
  const NodePtr node = source.directory->names.at(source.name);
  if (const NodePtr replaced = Find(to); replaced != nullptr) {
    if (replaced == node) return;
    --replaced->links;
  }
  Do({"renames lost",
      {{source.directory, source.name, nullptr}, {target.directory, target.name, node}}});
}

void DiskImage::Link(std::string_view from, std::string_view to) {
  const NodePtr node = Find(from);
  const Place target = PlaceOf(root_, to);
  ++node->links;
  Do({"links lost", {{target.directory, target.name, node}}});
}

void DiskImage::Write(Node& file, std::size_t offset, std::string_view bytes) {
  if (bytes.empty()) return;
  file.modified_at = ++ticks_;
  // Between the old end and the offset there are zeros, which are written like anything else.
  const std::size_t begin = std::min(offset, file.live.size());
  const std::size_t end = offset + bytes.size();
  if (file.live.size() < end) file.live.resize(end, '\0');
  file.live.replace(offset, bytes.size(), bytes);
  if (!file.unsynced.empty()) {
    Node::Write& last = file.unsynced.back();
    if (last.offset + last.size == begin) {
      last.size += end - begin;
      return;
    }
  }
  file.unsynced.push_back({begin, end - begin});
}

void DiskImage::Truncate(Node& file, std::size_t size) {
  if (size == file.live.size()) return;
  if (size > file.live.size())
    return Write(file, file.live.size(), std::string(size - file.live.size(), '\0'));
  file.modified_at = ++ticks_;
  file.live.resize(size);
  file.smallest = std::min(file.smallest, size);
  std::erase_if(file.unsynced, [&](const Node::Write& write) { return write.offset >= size; });
  for (Node::Write& write : file.unsynced) write.size = std::min(write.size, size - write.offset);
}

void DiskImage::Sync(Node& file) {
  file.durable.resize(std::min(file.smallest, file.durable.size()));
  file.durable.resize(file.live.size(), '\0');
  for (const Node::Write& write : file.unsynced) {
    file.durable.replace(write.offset, write.size, file.live, write.offset, write.size);
  }
  file.unsynced.clear();
  file.smallest = file.live.size();
}

void DiskImage::LoseUnsynced(Node& file) { file.unsynced.clear(); }

void DiskImage::MakeDurable(const Change& change) {
  for (const Edit& edit : change.edits) {
    if (edit.node == nullptr) {
      edit.directory->durable_names.erase(edit.name);
    } else {
      edit.directory->durable_names[edit.name] = edit.node;
    }
  }
}

void DiskImage::SyncDirectory(const Node& directory) {
  // A change of two directories drags the other one along, or their order would be lost.
  std::set<const Node*> synced = {&directory};
  const auto touches = [&](const Change& change) {
    return std::any_of(change.edits.begin(), change.edits.end(),
                       [&](const Edit& edit) { return synced.contains(edit.directory.get()); });
  };
  for (std::size_t before = 0; before != synced.size();) {
    before = synced.size();
    for (const Change& change : unsynced_) {
      if (!touches(change)) continue;
      for (const Edit& edit : change.edits) synced.insert(edit.directory.get());
    }
  }
  for (const Change& change : unsynced_) {
    if (touches(change)) MakeDurable(change);
  }
  std::erase_if(unsynced_, touches);
}

void DiskImage::Cut(Rng& rng, Counters& counts) {
  ++counts["power cuts"];
  const std::size_t kept = rng.Next() % (unsynced_.size() + 1);
  for (std::size_t i = 0; i < unsynced_.size(); ++i) {
    if (i < kept) {
      MakeDurable(unsynced_[i]);
    } else {
      ++counts[unsynced_[i].lost];
    }
  }
  unsynced_.clear();
  std::set<const Node*> seen;
  CutBelow(*root_, seen, rng, counts);
}

void DiskImage::CutBelow(Node& directory, std::set<const Node*>& seen, Rng& rng, Counters& counts) {
  directory.names = directory.durable_names;
  for (const auto& [name, node] : directory.names) {
    if (!seen.insert(node.get()).second) {
      ++node->links;
      continue;
    }
    node->links = 1;
    if (node->directory) {
      CutBelow(*node, seen, rng, counts);
    } else {
      // RocksDB takes a list of its files whose unsynced end is anything but cut off for damage,
      // and the start is refused with nothing lost: see README.md.
      const bool list = name.starts_with("MANIFEST-");
      Tear(*node, list ? Tearing::kAtTheEnd : Tearing::kAnyhow, rng, counts);
    }
  }
}

}  // namespace ackwire
