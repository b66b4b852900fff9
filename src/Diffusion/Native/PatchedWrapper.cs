using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// A private copy of TorchSharp's native library that loads on systems whose libstdc++ is older than GCC 13's.
/// </summary>
/// <remarks>
/// <para>The library of TorchSharp 0.107.0 requires the version <c>GLIBCXX_3.4.32</c> for one symbol, <c>std::ios_base_library_init()</c>.
/// The compiler emits that reference only to pin the version; no relocation uses it. If the need is marked as weak, the loader accepts a
/// libstdc++ without it, and all functions that the library calls exist.</para>
/// <para>The copy is cached in the user's cache under a name derived from its content. The package's own file is not changed.</para>
/// </remarks>
internal sealed class PatchedWrapper
{
    private const string NeedlessVersion = "GLIBCXX_3.4.32";

    private PatchedWrapper(string path, nint handle) => (Path, Handle) = (path, handle);

    /// <summary>Path of the loaded copy; a copy that could not be cached is deleted after loading.</summary>
    public string Path { get; }

    /// <summary>The loaded library.</summary>
    public nint Handle { get; }

    /// <summary>Loads a patched copy of a library; null if the patch does not apply to it or no copy can be used.</summary>
    /// <param name="original">Path of the library.</param>
    /// <param name="problem">The reason why no copy can be used, with advice; null on success, or if the patch does not apply.</param>
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
            problem = $"This system's libstdc++ is older than TorchSharp's library requires, and no adapted copy of the library can be used: {string.Join("; ", problems)}. "
                + "Set XDG_CACHE_HOME, or TMPDIR, to a directory where files can be written and executed.";
        }
        catch (DllNotFoundException e)
        {
            problem = $"{original} cannot be loaded (loader: \"{ReasonOf(e)}\"). Its libtorch is damaged or of another version; reinstall it.";
        }

        return null;
    }

    /// <summary>The cache directory for copies with this content; null if there is no user cache.</summary>
    internal static string? CacheDirectory(ReadOnlySpan<byte> content) =>
        UserCache.Folder("native", Convert.ToHexStringLower(SHA256.HashData(content))[..16]);

    private static PatchedWrapper? LoadFromCache(byte[] bytes, string fileName, List<string> problems)
    {
        if (CacheDirectory(bytes) is not { } directory)
        {
            problems.Add("there is no cache directory, because neither XDG_CACHE_HOME nor HOME is set");
            return null;
        }

        try
        {
            var path = System.IO.Path.Combine(directory, fileName);
            // Compares the whole content, so that a damaged copy is replaced. Two processes may both write it: each renames a complete
            // file into place.
            if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
            {
                Directory.CreateDirectory(directory);
                AtomicFile.Write(path, stream => stream.Write(bytes));
            }
            return new PatchedWrapper(path, NativeLibrary.Load(path));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidInputException || IsMountedWithoutExecution(e))
        {
            problems.Add($"the cache directory {directory} cannot be used ({ReasonOf(e)})");
            return null;
        }
    }

    /// <summary>
    /// Fallback for home directories that are read-only, missing or mounted noexec: a temporary directory, deleted after loading.
    /// </summary>
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
            problems.Add($"the temporary directory {System.IO.Path.GetTempPath()} cannot be used ({ReasonOf(e)})");
            return null;
        }
        finally
        {
            directory?.Delete(recursive: true);
        }
    }

    // Recognizes a noexec mount; other loader errors do not concern the directory.
    private static bool IsMountedWithoutExecution(Exception failure) =>
        failure is DllNotFoundException && failure.Message.Contains("failed to map segment", StringComparison.Ordinal);

    // The loader's message lists every path that it tried before the reason.
    private static string ReasonOf(Exception failure) =>
        failure switch
        {
            DllNotFoundException => failure.Message.TrimEnd().Split('\n')[^1].Trim().TrimEnd('.'),
            DirectoryNotFoundException or FileNotFoundException => "it does not exist and cannot be created",
            _ => AtomicFile.ReasonOf(failure).TrimEnd('.'),
        };
}
