using Microsoft.Data.Sqlite;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Studio.Store;

/// <summary>The disk with the studio's data is full.</summary>
/// <param name="cause">The failure.</param>
public sealed class DiskFullException(Exception cause)
    : Exception("The disk with the studio's data is full. Delete pictures or projects that are no longer needed, or make room on the disk.", cause)
{
    // SQLite's error numbers: the file cannot grow; the index of its log cannot.
    private const int Full = 13;
    private const int IndexFull = 4874;

    /// <summary>Whether a failure means that the disk is full.</summary>
    internal static bool IsCause(Exception failure) => failure is DiskFullException
        or SqliteException { SqliteErrorCode: Full } or SqliteException { SqliteExtendedErrorCode: IndexFull }
        || (failure is IOException file && (AtomicFile.IsDiskFull(file) || (file.InnerException is { } inner && IsCause(inner))));
}
