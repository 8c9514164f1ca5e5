// Places where the process kills itself when a test has asked for it by the environment:
// ACKWIRE_CRASH_AT=NAME or NAME:NTH, for the NTH time that it gets there. Nothing is flushed, as
// with kill -9. In all other processes a crash point costs one comparison.
//
// Threads: any.
#pragma once

#include <array>
#include <string_view>

namespace ackwire {

namespace crash {
inline constexpr std::string_view kBeforeBatch = "before-batch";  // of a commit
inline constexpr std::string_view kAfterBatch = "after-batch";    // written, not synced
inline constexpr std::string_view kAfterSync = "after-sync";      // synced, nobody told
inline constexpr std::string_view kAfterAnswer = "after-answer";  // told, not yet with the relay
inline constexpr std::string_view kBeforeWatermark = "before-watermark";
inline constexpr std::string_view kAfterWatermark = "after-watermark";
inline constexpr std::string_view kBeforeSend = "before-send";        // of deliveries to a client
inline constexpr std::string_view kAfterSend = "after-send";          // with the kernel
inline constexpr std::string_view kBeforeJournal = "before-journal";  // of what happened to them
inline constexpr std::string_view kAfterJournal = "after-journal";
inline constexpr std::string_view kBeforeDerivedRun = "before-derived-run";
inline constexpr std::string_view kAfterDerivedRun = "after-derived-run";  // not yet ingested
inline constexpr std::string_view kAfterDerivedCheckpoint = "after-derived-checkpoint";
inline constexpr std::string_view kBeforeTrim = "before-trim";  // of the outbox
inline constexpr std::string_view kAfterTrim = "after-trim";
inline constexpr std::string_view kBeforeJournalTrim = "before-journal-trim";  // its base is ahead
inline constexpr std::string_view kAfterJournalTrim = "after-journal-trim";
inline constexpr std::string_view kBeforeBackupManifest = "before-backup-manifest";
inline constexpr std::string_view kAfterBackupManifest = "after-backup-manifest";  // not renamed
inline constexpr std::string_view kBeforeShutdown = "before-shutdown";
inline constexpr std::string_view kAfterShutdown = "after-shutdown";  // all on disk, not marked

inline constexpr std::array kAll = {
    kBeforeBatch,
    kAfterBatch,
    kAfterSync,
    kAfterAnswer,
    kBeforeWatermark,
    kAfterWatermark,
    kBeforeSend,
    kAfterSend,
    kBeforeJournal,
    kAfterJournal,
    kBeforeDerivedRun,
    kAfterDerivedRun,
    kAfterDerivedCheckpoint,
    kBeforeTrim,
    kAfterTrim,
    kBeforeJournalTrim,
    kAfterJournalTrim,
    kBeforeBackupManifest,
    kAfterBackupManifest,
    kBeforeShutdown,
    kAfterShutdown,
};
}  // namespace crash

void CrashPoint(std::string_view name);

[[nodiscard]] bool IsCrashPointSet(std::string_view name);

}  // namespace ackwire
