// CHECK(condition, why) ends the process when an invariant of this program is broken, in every
// build. Bytes from disk or network are never checked with it: they get a Status.
#pragma once

#include <cstdio>
#include <cstdlib>

#define CHECK(condition, why)                                                             \
  do {                                                                                    \
    if (!(condition)) {                                                                   \
      std::fprintf(stderr, "%s:%d: broken invariant: %s (%s)\n", __FILE__, __LINE__, why, \
                   #condition);                                                           \
      std::abort();                                                                       \
    }                                                                                     \
  } while (false)
