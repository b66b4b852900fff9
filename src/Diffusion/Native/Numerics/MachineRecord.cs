using System.Security.Cryptography;
using System.Text;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Native.Numerics;

/// <summary>A verdict about this machine in the user's cache: a file with the verdict in its first line and the facts that it depends on in the others.</summary>
/// <param name="folder">Directory of the cache; null if there is none.</param>
/// <param name="kind">The kind of the verdict, the beginning of the file's name.</param>
/// <param name="facts">The facts. A verdict for other facts counts for nothing.</param>
internal sealed class MachineRecord(string? folder, string kind, string facts)
{
    private readonly string? path =
        folder is null ? null : Path.Combine(folder, $"{kind}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(facts)))[..16]}.txt");

    /// <summary>The stored verdict; null if there is none for these facts.</summary>
    public T? Read<T>()
        where T : struct, Enum
    {
        try
        {
            // Compares all facts, because the file name contains only a part of their hash.
            return path is not null && File.Exists(path) && File.ReadAllText(path).Split('\n', 2) is [var verdict, var rest] && rest == facts
                && Enum.TryParse<T>(verdict, out var known) && Enum.IsDefined(known) ? known : null;
        }
        catch (Exception e) when (IsUnusable(e))
        {
            return null;
        }
    }

    /// <summary>Stores a verdict in place of any other, if the cache is writable.</summary>
    public void Write<T>(T verdict)
        where T : struct, Enum => Try(file => Store(file, verdict, overwrite: true));

    /// <summary>Stores a verdict unless another process has stored one first.</summary>
    /// <returns>The verdict that is stored now; null if the cache is not writable.</returns>
    public T? WriteFirst<T>(T verdict)
        where T : struct, Enum
    {
        if (Read<T>() is { } other)
            return other;
        Try(file =>
        {
            // A damaged record must not stay in the way.
            if (File.Exists(file))
                File.Delete(file);
            Store(file, verdict, overwrite: false);
        });
        return Read<T>();
    }

    /// <summary>Removes the verdict.</summary>
    public void Delete() => Try(File.Delete);

    private void Store<T>(string file, T verdict, bool overwrite)
        where T : struct, Enum
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        AtomicFile.WriteText(file, $"{verdict}\n{facts}", overwrite);
    }

    private void Try(Action<string> act)
    {
        try
        {
            if (path is not null)
                act(path);
        }
        catch (Exception e) when (IsUnusable(e))
        {
            // The cache is not writable, or another process was first.
        }
    }

    private static bool IsUnusable(Exception e) => e is IOException or UnauthorizedAccessException or InvalidInputException;
}
