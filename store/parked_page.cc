// LedgerReader::Parked.
#include <rocksdb/iterator.h>

#include <utility>

#include "store/keys.h"
#include "store/ledger_reader.h"

namespace ackwire {
namespace {

Database::Range RangeOf(const LedgerReader::ParkedQuery& query) {
  Database::Range range;
  if (query.client.empty()) {
    // No name begins with this byte, which is none of UTF-8.
    range = {{}, "\xff"};
  } else if (query.channel.value == 0) {
    range = {keys::Ledger(query.client, {}), keys::LedgerEnd(query.client)};
  } else {
    range = {keys::Ledger(query.client, query.channel),
             keys::Ledger(query.client, {query.channel.value + 1})};
  }
  if (!query.from.empty()) range.from = query.from;
  return range;
}

}  // namespace

StatusOr<LedgerReader::ParkedPage> LedgerReader::Parked(const ParkedQuery& query) const {
  const Database::Range whole = RangeOf(query);
  // The tails first: what they held and hold no more is in the database by then.
  Derived::TailPart part = derived_.TailRowsUpTo(Family::kParked, whole, query.limit);
  Tail::Rows rows;
  const auto row = database_.NewIterator(Family::kParked, {whole.from, part.end});
  for (; row->Valid() && rows.size() < query.limit; row->Next()) {
    rows.emplace_hint(rows.end(), row->key().ToString(), row->value().ToString());
  }
  if (!row->status().ok()) return FromRocks(row->status(), "read what is parked");
  if (row->Valid()) part.end = row->key().ToString();
  for (auto& [key, value] : part.rows) {
    if (key < part.end) rows.insert_or_assign(key, std::move(value));
  }
  ParkedPage page;
  for (const auto& [key, value] : rows) {
    if (!value) continue;
    auto parsed = keys::ParseNumbered(key);
    if (!parsed) return NotAKey("parked", key);
    page.deliveries.push_back({std::move(parsed->client),
                               parsed->channel,
                               {parsed->number},
                               {keys::ParseU64(*value).value_or(0)}});
  }
  if (part.end != whole.to) page.next = std::move(part.end);
  return page;
}

}  // namespace ackwire
