using System.Security.Cryptography;

namespace PromptToPrompt.Batch.Tests;

/// <summary>What a folder holds, to compare two of them.</summary>
internal static class Hashes
{
    /// <summary>The hash of every file by its path within the folder.</summary>
    public static SortedDictionary<string, string> Of(string folder) => new(
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .ToDictionary(file => Path.GetRelativePath(folder, file), file => Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))),
        StringComparer.Ordinal);
}
