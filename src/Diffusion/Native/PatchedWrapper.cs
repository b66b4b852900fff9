using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// A private copy of TorchSharp's native library that loads on systems whose libstdc++ is older than GCC 13's.
/// </summary>
/// <remarks>
/// <para>The library of TorchSharp 0.107.0 needs the version <c>GLIBCXX_3.4.32</c> for one symbol, <c>std::ios_base_library_init()</c>. The
/// compiler emits that reference only to pin the version; no relocation uses it. With the need marked as weak, the loader accepts a
/// libstdc++ without it and everything the library really calls is there.</para>
/// <para>The copy is kept in the user's cache under a name made from its content. The package's own file is never touched.</para>
/// </remarks>
internal sealed class PatchedWrapper
{
    private const string NeedlessVersion = "GLIBCXX_3.4.32";

    private PatchedWrapper(string path, nint handle) => (Path, Handle) = (path, handle);

    /// <summary>Where the copy was loaded from; a copy that could not be cached is deleted once it is loaded.</summary>
    public string Path { get; }

    /// <summary>The loaded library.</summary>
    public nint Handle { get; }

    /// <summary>Loads a patched copy of a library, or returns null where the library is not one that this patch can help or no copy can be used.</summary>
    /// <param name="original">The library.</param>
    /// <param name="problem">Why no copy can be used, in a sentence that says what to do; null where there is one, or where none would help.</param>
    public static PatchedWrapper? TryLoad(string original, out string? problem)
    {
        problem = null;
        byte[]? bytes;
        try
        {
            bytes = ElfVersionNeeds.Weaken(File.ReadAllBytes(original), NeedlessVersion);
        }
        catch (Exception e) when (e is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
        if (bytes is null)
            return null;
        var fileName = System.IO.Path.GetFileName(original);
        var problems = new List<string>();
        try
        {
            if ((LoadFromCache(bytes, fileName, problems) ?? LoadFromTemporaryFile(bytes, fileName, problems)) is { } loaded)
                return loaded;
            problem = $"On this system TorchSharp's library runs from a copy that is adapted to an older libstdc++, and no copy can be used: {string.Join("; ", problems)}. "
                + "Set XDG_CACHE_HOME, or TMPDIR, to a folder in which files can be written and run.";
        }
        catch (DllNotFoundException e)
        {
            problem = $"{original} cannot be loaded: the system's loader says \"{ReasonOf(e)}\"; the libtorch that it needs is damaged or of another version: install that again.";
        }

        return null;
    }

    /// <summary>The folder for copies with this content in the user's cache; null where there is none.</summary>
    internal static string? CacheDirectory(ReadOnlySpan<byte> content) =>
        UserCache.Folder("native", Convert.ToHexStringLower(SHA256.HashData(content))[..16]);

    private static PatchedWrapper? LoadFromCache(byte[] bytes, string fileName, List<string> problems)
    {
        if (CacheDirectory(bytes) is not { } directory)
        {
            problems.Add("there is no cache folder, since neither XDG_CACHE_HOME nor HOME is set");
            return null;
        }

        try
        {
            var path = System.IO.Path.Combine(directory, fileName);
            // Compared in full, so that a damaged copy is replaced. Two processes may both write it: each renames a whole file into place.
            if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
            {
                Directory.CreateDirectory(directory);
                AtomicFile.Write(path, stream => stream.Write(bytes));
            }
            return new PatchedWrapper(path, NativeLibrary.Load(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidInputException || IsMountedWithoutExecution(e))
        {
            problems.Add($"the cache folder {directory} cannot be used ({ReasonOf(e)})");
            return null;
        }
    }

    /// <summary>For homes that are read-only, missing or mounted without execution: a folder of our own, gone as soon as it is loaded.</summary>
    private static PatchedWrapper? LoadFromTemporaryFile(byte[] bytes, string fileName, List<string> problems)
    {
        DirectoryInfo? directory = null;
        try
        {
            directory = Directory.CreateTempSubdirectory("prompt-to-prompt-");
            var path = System.IO.Path.Combine(directory.FullName, fileName);
            File.WriteAllBytes(path, bytes);
            return new PatchedWrapper(path, NativeLibrary.Load(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException || IsMountedWithoutExecution(e))
        {
            problems.Add($"nor can the folder for temporary files {System.IO.Path.GetTempPath()} ({ReasonOf(e)})");
            return null;
        }
        finally
        {
            directory?.Delete(recursive: true);
        }
    }

    // Where the file itself may be run, what the loader says is not about its folder.
    private static bool IsMountedWithoutExecution(Exception failure) =>
        failure is DllNotFoundException && failure.Message.Contains("failed to map segment", StringComparison.Ordinal);

    // The loader's message names every path it tried before it says what is wrong.
    private static string ReasonOf(Exception failure) =>
        failure switch
        {
            DllNotFoundException => failure.Message.TrimEnd().Split('\n')[^1].Trim().TrimEnd('.'),
            DirectoryNotFoundException or FileNotFoundException => "it does not exist and cannot be made",
            _ => AtomicFile.ReasonOf(failure).TrimEnd('.'),
        };
}
