namespace PromptToPrompt.Diffusion.Native;

/// <summary>
/// Decides which libtorch is loaded. A program that comes with one runs on that; one without (<c>TorchBackend=none</c>) on
/// the one that <c>P2P_LIBTORCH</c> names, else on that of an installed PyTorch. What was asked for and cannot be had is an error, and never
/// replaced by something else.
/// </summary>
/// <param name="variable">Reads an environment variable.</param>
/// <param name="own">The libtorch that came with the program, or null.</param>
internal sealed class TorchChoice(Func<string, string?> variable, string? own)
{
    /// <summary>The environment variable that names a folder.</summary>
    public const string Variable = "P2P_LIBTORCH";

    /// <summary>The choice of this process.</summary>
    public static TorchChoice Here { get; } = new(Environment.GetEnvironmentVariable, NativeSearchPath.Find("torch_cpu"));

    /// <summary>The installed libtorch to load, or null for that of the packages.</summary>
    /// <exception cref="InvalidInputException">The folder that the variable names has none, or one that does not match.</exception>
    /// <exception cref="LibTorchLoadException">The program comes without one, and no installed one matches.</exception>
    public InstalledTorch? Installed() =>
        EnvironmentPath.Read(Variable, variable) is { } named ? Named(named)
        : own is null ? Found()
        : null;

    private InstalledTorch Named(string folder)
    {
        // TorchSharp loads what lies beside the program by its path, and two libtorches in a process do not live together.
        InvalidInputException.Require(
            own is null,
            $"{Variable} is \"{folder}\", and this program was built with a libtorch of its own ({own}), which it cannot leave aside: build it with -p:TorchBackend=none, or unset {Variable}.");
        var installed = InstalledTorch.In(folder) ?? throw new InvalidInputException(
            $"{Variable} is \"{folder}\", where no {NativeSearchPath.FileName("torch_cpu")} is; give the folder of the torch package of a PyTorch {InstalledTorch.Wanted}, or of an unpacked libtorch.");
        return installed.Mismatch() is not { } mismatch ? installed
            : throw new InvalidInputException($"{Variable}: {installed} {mismatch}.");
    }

    private InstalledTorch Found()
    {
        var python = new PythonFolders(variable);
        var found = python.Torch().Select(InstalledTorch.In).OfType<InstalledTorch>().Select(torch => (Torch: torch, Mismatch: torch.Mismatch())).ToList();
        if (found.FirstOrDefault(candidate => candidate.Mismatch is null).Torch is { } fitting)
            return fitting;
        var seen = found.Count > 0
            ? string.Join("; ", found.Select(candidate => $"{candidate.Torch} {candidate.Mismatch}"))
            : $"no PyTorch was found (looked under {string.Join(", ", python.Roots())})";
        throw new LibTorchLoadException(
            $"This program comes without libtorch, and {seen}: set {Variable} to the folder of a PyTorch {InstalledTorch.Wanted}, or reference a libtorch package (-p:TorchBackend=cpu in this repository).");
    }
}
