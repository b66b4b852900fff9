using System.Reflection;

namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Selects the libtorch to load. A program that comes with libtorch uses it; one without (<c>TorchBackend=none</c>) uses the one that
/// <c>P2P_LIBTORCH</c> names, else that of an installed PyTorch. If a requested libtorch is not available, this is an error; it is never
/// silently replaced.
/// </summary>
/// <param name="variable">Reads an environment variable.</param>
/// <param name="own">The libtorch that is part of the program, or null.</param>
/// <param name="backend">The backend that the program was built with: <c>cpu</c>, <c>cuda</c> or <c>none</c>; null for a program that does not say.</param>
internal sealed class TorchChoice(Func<string, string?> variable, string? own, string? backend = null)
{
    /// <summary>The environment variable that names a directory.</summary>
    public const string Variable = "P2P_LIBTORCH";

    /// <summary>The environment variable that, set to 1, accepts other versions of libtorch at the user's own risk.</summary>
    public const string AnyVersionVariable = "P2P_LIBTORCH_ANY";

    /// <summary>The selection for this process.</summary>
    public static TorchChoice Here { get; } = new(Environment.GetEnvironmentVariable, NativeSearchPath.Find("torch_cpu"), BuiltFor());

    /// <summary>The backend that the program was built with; null if it does not say.</summary>
    public string? Backend => backend;

    private bool AnyVersion => variable(AnyVersionVariable) == "1";

    /// <summary>The installed libtorch to load, or null for that of the packages.</summary>
    /// <exception cref="InvalidInputException">The directory named by the variable contains no libtorch, or an incompatible
    /// one.</exception>
    /// <exception cref="LibTorchLoadException">The program comes without libtorch, and no installed one is compatible.</exception>
    public InstalledTorch? Installed() =>
        EnvironmentPath.Read(Variable, variable) is { } named ? Named(named)
        : own is null && backend is (null or "none") ? Found()
        : null;

    private InstalledTorch Named(string folder)
    {
        // TorchSharp loads a libtorch next to the program by path, and two copies in one process conflict.
        InvalidInputException.Require(
            own is null,
            $"{Variable} is \"{folder}\", but this program was built with its own libtorch ({own}). Build it with -p:TorchBackend=none, or unset {Variable}.");
        var installed = InstalledTorch.In(folder) ?? throw new InvalidInputException(
            $"{Variable} is \"{folder}\", which contains no {NativeSearchPath.FileName("torch_cpu")}. Use the directory of the torch package of a PyTorch {InstalledTorch.Wanted}, or of an unpacked libtorch.");
        return installed.Mismatch(AnyVersion) is not { } mismatch ? installed
            : throw new InvalidInputException($"{Variable}: {installed} {mismatch}.{(AnyVersion ? "" : $" {AnyVersionVariable}=1 tries another version, at your own risk.")}");
    }

    private InstalledTorch Found()
    {
        var python = new PythonFolders(variable);
        var found = python.Torch().Select(InstalledTorch.In).OfType<InstalledTorch>().Select(torch => (Torch: torch, Mismatch: torch.Mismatch(AnyVersion))).ToList();
        if (found.FirstOrDefault(candidate => candidate.Mismatch is null).Torch is { } fitting)
            return fitting;
        var seen = found.Count > 0
            ? string.Join("; ", found.Select(candidate => $"{candidate.Torch} {candidate.Mismatch}"))
            : $"no PyTorch was found (searched {string.Join(", ", python.Roots())})";
        throw new LibTorchLoadException(
            $"This program comes without libtorch, and {seen}. Set {Variable} to the directory of a PyTorch {InstalledTorch.Wanted}, or reference the package libtorch-cpu-linux-x64 (in this repository: -p:TorchBackend=cpu).");
    }

    private static string? BuiltFor() => Assembly.GetEntryAssembly()?.GetCustomAttributes<AssemblyMetadataAttribute>().FirstOrDefault(fact => fact.Key == "TorchBackend")?.Value;
}
