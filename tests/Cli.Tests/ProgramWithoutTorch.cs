using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Cli.Tests;

/// <summary>A copy of the built command as a build without libtorch leaves it; gone after the tests.</summary>
public sealed class ProgramWithoutTorch : IDisposable
{
    private const string Manifest = "p2p.deps.json";
    private const string Package = "libtorch-";

    private readonly TemporaryFolder folder = new();

    public ProgramWithoutTorch()
    {
        var built = AppContext.BaseDirectory;
        // The packages' native files lie in one folder, those of libtorch and those that are needed here.
        var native = System.IO.Path.GetDirectoryName(LibTorch.Describe().LibTorchPath)!;
        foreach (var file in Directory.GetFiles(built))
            File.Copy(file, folder[System.IO.Path.GetFileName(file)]);
        var target = Directory.CreateDirectory(folder[System.IO.Path.GetRelativePath(built, native)]).FullName;
        foreach (var file in Directory.GetFiles(native).Where(IsKept))
            File.Copy(file, System.IO.Path.Combine(target, System.IO.Path.GetFileName(file)));
        var manifest = JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(built, Manifest)))!;
        foreach (var (_, libraries) in manifest["targets"]!.AsObject())
        {
            foreach (var (name, library) in libraries!.AsObject().ToList())
            {
                if (name.StartsWith(Package, StringComparison.Ordinal))
                    libraries.AsObject().Remove(name);
                else
                    LeaveOutOtherSystems(library!.AsObject());
            }
        }

        File.WriteAllText(folder[Manifest], manifest.ToJsonString());
    }

    /// <summary>The command's assembly.</summary>
    public string Path => folder["p2p.dll"];

    public void Dispose() => folder.Dispose();

    private static bool IsKept(string path) =>
        new[] { "libLibTorchSharp", "libSkia", "libHarfBuzz" }.Any(name => System.IO.Path.GetFileName(path).StartsWith(name, StringComparison.Ordinal));

    // The host wants every file that the manifest names for this system.
    private void LeaveOutOtherSystems(JsonObject library)
    {
        if (library["runtimeTargets"] is not JsonObject files)
            return;
        foreach (var (file, _) in files.ToList())
        {
            if (!File.Exists(folder[file]))
                files.Remove(file);
        }
    }
}
