// One plain sentence for a person: when, which attempt of how many, in which session, the client's
// own words, and what happens next.
//
// Threads: any.
#pragma once

#include <string>

#include "ackwire/v1/deliveries.pb.h"
#include "delivery/delivery_story.h"
#include "delivery/explain.h"

namespace ackwire {

// `decided` has everything but its explanation.
[[nodiscard]] std::string ExplanationOf(const DeliveryFacts& facts, const DeliveryStory& story,
                                        const v1::Delivery& decided);

}  // namespace ackwire
