using System.Text;
using System.Text.RegularExpressions;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// The libtorch of a PyTorch that is installed on this machine, or one unpacked from its archive. What decides whether TorchSharp's library can
/// run on it is read from its files, before any of it is loaded.
/// </summary>
/// <param name="Folder">The folder of its libraries.</param>
/// <param name="Version">Its version as it states it, such as <c>2.10.0+cu128</c>; null where it states none.</param>
internal sealed partial record InstalledTorch(string Folder, string? Version)
{
    /// <summary>The libraries that TorchSharp's binds to, each after those it needs.</summary>
    public static IReadOnlyList<string> Libraries { get; } = ["c10", "torch_cpu"];

    /// <summary>What a libtorch made for NVIDIA's GPUs has beside them, in the order of loading.</summary>
    public static IReadOnlyList<string> CudaLibraries { get; } = ["c10_cuda", "torch_cuda"];

    /// <summary>The versions that can be run on, for people.</summary>
    public const string Wanted = "2.10.x";

    // A function that TorchSharp's library calls, as compilers write its name where std::string is that of C++11.
    private static ReadOnlySpan<byte> Cxx11Symbol => "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"u8;

    /// <summary>
    /// What is in a folder: the <c>torch</c> package, its <c>lib</c>, or an unpacked libtorch. Null where no libtorch is in it.
    /// </summary>
    public static InstalledTorch? In(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Directory.Exists(full)
            && ((string[])[Path.Combine(full, "lib"), full]).FirstOrDefault(place => File.Exists(Library(place, "torch_cpu"))) is { } libraries
            ? new InstalledTorch(libraries, ReadVersion(Path.GetDirectoryName(libraries)!))
            : null;
    }

    /// <summary>The file of one of its libraries, or null.</summary>
    public string? Find(string library) => Library(Folder, library) is var path && File.Exists(path) ? path : null;

    /// <summary>Why TorchSharp's library cannot run on it, as the end of a sentence; null where it can.</summary>
    public string? Mismatch()
    {
        if (Version is null)
            return $"states no version (neither version.py nor build-version is beside its lib folder); wanted is {Wanted}";
        // What comes before a release may differ from it in any function.
        if (!MatchingVersion().IsMatch(Version))
            return $"is version {Version}; wanted is {Wanted}";
        if (Libraries.Append("torch").FirstOrDefault(library => Find(library) is null) is { } missing)
            return $"has no {NativeSearchPath.FileName(missing)}; it is incomplete";
        // The loader maps what a library's header promises, and the process dies where the file ends before that.
        if (Libraries.Concat(CudaLibraries).Append("torch").Select(Find).OfType<string>().FirstOrDefault(path => !ElfFile.IsWhole(path)) is { } damaged)
            return $"has a damaged {Path.GetFileName(damaged)}; install it again";
        return File.ReadAllBytes(Find("c10")!).AsSpan().IndexOf(Cxx11Symbol) >= 0
            ? null
            : "was built with the C++ ABI from before C++11; wanted is a build with the new one";
    }

    /// <inheritdoc/>
    public override string ToString() => $"the libtorch in {Folder}";

    private static string Library(string folder, string library) => Path.Combine(folder, NativeSearchPath.FileName(library));

    private static string? ReadVersion(string root)
    {
        if (File.Exists(Path.Combine(root, "version.py")))
            return Stated().Match(File.ReadAllText(Path.Combine(root, "version.py"), Encoding.UTF8)) is { Success: true } stated ? stated.Groups[1].Value : null;
        return File.Exists(Path.Combine(root, "build-version")) ? File.ReadAllText(Path.Combine(root, "build-version"), Encoding.UTF8).Trim() : null;
    }

    [GeneratedRegex("""^__version__\s*(?::[^=]*)?=\s*['"]([^'"]+)['"]""", RegexOptions.Multiline)]
    private static partial Regex Stated();

    [GeneratedRegex("""^2\.10\.\d+(\+.*)?$""")]
    private static partial Regex MatchingVersion();
}
