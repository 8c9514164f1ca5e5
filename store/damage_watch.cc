#include "store/damage_watch.h"

namespace ackwire {

Status DamageWatch::Noted(Status read) {
  if (read.code() != StatusCode::kDataLoss) return read;
  {
    std::lock_guard lock(mutex_);
    if (first_.ok()) first_ = read;
    if (told_.size() >= kDamagesToldMax || !told_.insert(MessageOf(read)).second) return read;
  }
  if (listener_) listener_(read);
  return read;
}

Status DamageWatch::first() const {
  std::lock_guard lock(mutex_);
  return first_;
}

}  // namespace ackwire
