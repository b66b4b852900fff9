using System.Text;
using System.Text.RegularExpressions;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// The libtorch of an installed PyTorch, or one unpacked from its archive. Its compatibility with TorchSharp's library is checked from
/// its files, before any of them is loaded.
/// </summary>
/// <param name="Folder">The directory of its libraries.</param>
/// <param name="Version">Its stated version, such as <c>2.10.0+cu128</c>; null if it states none.</param>
internal sealed partial record InstalledTorch(string Folder, string? Version)
{
    /// <summary>The libraries that TorchSharp's library links to, in dependency order.</summary>
    public static IReadOnlyList<string> Libraries { get; } = ["c10", "torch_cpu"];

    /// <summary>The additional libraries of a CUDA build, in loading order.</summary>
    public static IReadOnlyList<string> CudaLibraries { get; } = ["c10_cuda", "torch_cuda"];

    /// <summary>The supported versions, for messages.</summary>
    public const string Wanted = "2.10 or 2.11";

    // The mangled name of a function that TorchSharp's library calls, with the C++11 std::string.
    private static ReadOnlySpan<byte> Cxx11Symbol => "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"u8;

    /// <summary>
    /// Finds libtorch in a directory: the <c>torch</c> package, its <c>lib</c>, or an unpacked archive. Null if there is none.
    /// </summary>
    public static InstalledTorch? In(string folder)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        return Directory.Exists(full)
            && ((string[])[Path.Combine(full, "lib"), full]).FirstOrDefault(place => File.Exists(Library(place, "torch_cpu"))) is { } libraries
            ? new InstalledTorch(libraries, ReadVersion(Path.GetDirectoryName(libraries)!))
            : null;
    }

    /// <summary>Path of one of its libraries; null if it is missing.</summary>
    public string? Find(string library) => Library(Folder, library) is var path && File.Exists(path) ? path : null;

    /// <summary>The reason why TorchSharp's library cannot use it, as the end of a sentence; null if it can.</summary>
    /// <param name="anyVersion">Whether to accept every version that has the functions that TorchSharp's library calls. They may still behave differently.</param>
    public string? Mismatch(bool anyVersion = false)
    {
        if (!anyVersion && Version is null)
            return $"states no version (there is no version.py or build-version next to its lib directory); {Wanted} is required";
        // A pre-release may differ from the release in any function.
        if (!anyVersion && !MatchingVersion().IsMatch(Version!))
            return $"is version {Version}; {Wanted} is required";
        if (Libraries.Append("torch").FirstOrDefault(library => Find(library) is null) is { } missing)
            return $"has no {NativeSearchPath.FileName(missing)}; it is incomplete";
        // The loader maps as much as a library's header states, and the process crashes if the file is shorter.
        if (Libraries.Concat(CudaLibraries).Append("torch").Select(Find).OfType<string>().FirstOrDefault(path => !ElfFile.IsWhole(path)) is { } damaged)
            return $"has a damaged {Path.GetFileName(damaged)}; install it again";
        if (File.ReadAllBytes(Find("c10")!).AsSpan().IndexOf(Cxx11Symbol) < 0)
            return "was built with the pre-C++11 ABI; a build with the C++11 ABI is required";
        return anyVersion && MissingSymbol() is { } symbol ? $"is version {Version ?? "unknown"} and lacks {symbol}, which TorchSharp's library needs" : null;
    }

    // A function that is missing would end the process at its first call. On macOS, the loader itself finds it.
    private string? MissingSymbol()
    {
        if (!OperatingSystem.IsLinux() || NativeSearchPath.Find("LibTorchSharp") is not { } wrapper)
            return null;
        var provided = Libraries.Select(library => ElfSymbols.Read(Find(library)!).Defined).ToList();
        return ElfSymbols.Read(wrapper).Needed.FirstOrDefault(symbol => OfLibTorch().IsMatch(symbol) && !provided.Any(names => names.Contains(symbol)));
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

    // Mangled names that mention one of libtorch's namespaces.
    [GeneratedRegex("""^_Z.*(2at|3c10|5torch|6caffe2)""")]
    private static partial Regex OfLibTorch();

    [GeneratedRegex("""^2\.1[01]\.\d+(\+.*)?$""")]
    private static partial Regex MatchingVersion();
}
