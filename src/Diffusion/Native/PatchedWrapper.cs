using System.Runtime.InteropServices;
using System.Security.Cryptography;
using PromptToPrompt.Diffusion.Checkpoints;

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

    /// <summary>Loads a patched copy of a library, or returns null where the library is not one that this patch can help.</summary>
    public static PatchedWrapper? TryLoad(string original)
    {
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
        return LoadFromCache(bytes, fileName) ?? LoadFromTemporaryFile(bytes, fileName);
    }

    /// <summary>The per-user cache folder for copies with this content: <c>$XDG_CACHE_HOME</c> or <c>~/.cache</c>, then ours.</summary>
    internal static string? CacheDirectory(ReadOnlySpan<byte> content)
    {
        var root = EnvironmentPath.Read("XDG_CACHE_HOME", Environment.GetEnvironmentVariable);
        if (!System.IO.Path.IsPathRooted(root))
        {
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (home.Length == 0)
                return null;
            root = System.IO.Path.Combine(home, ".cache");
        }
        return System.IO.Path.Combine(root, "prompt-to-prompt", "native", Convert.ToHexStringLower(SHA256.HashData(content))[..16]);
    }

    private static PatchedWrapper? LoadFromCache(byte[] bytes, string fileName)
    {
        try
        {
            if (CacheDirectory(bytes) is not { } directory)
                return null;
            var path = System.IO.Path.Combine(directory, fileName);
            // Compared in full, so that a damaged copy is replaced. Two processes may both write it: each renames a whole file into place.
            if (!File.Exists(path) || !File.ReadAllBytes(path).AsSpan().SequenceEqual(bytes))
            {
                Directory.CreateDirectory(directory);
                AtomicFile.Write(path, stream => stream.Write(bytes));
            }
            return NativeLibrary.TryLoad(path, out var handle) ? new PatchedWrapper(path, handle) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or InvalidInputException)
        {
            return null;
        }
    }

    /// <summary>For homes that are read-only, missing or mounted without execution: a folder of our own, gone as soon as it is loaded.</summary>
    private static PatchedWrapper? LoadFromTemporaryFile(byte[] bytes, string fileName)
    {
        DirectoryInfo? directory = null;
        try
        {
            directory = Directory.CreateTempSubdirectory("prompt-to-prompt-");
            var path = System.IO.Path.Combine(directory.FullName, fileName);
            File.WriteAllBytes(path, bytes);
            return NativeLibrary.TryLoad(path, out var handle) ? new PatchedWrapper(path, handle) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
        finally
        {
            directory?.Delete(recursive: true);
        }
    }
}
