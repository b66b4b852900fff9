using PromptToPrompt.Diffusion.Native;

namespace PromptToPrompt.Diffusion.Tests.Native;

/// <summary>A folder laid out as an installed PyTorch, with links to the libtorch that these tests run on; gone after the test.</summary>
internal sealed class PretendTorch : IDisposable
{
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("p2p-tests-");

    /// <param name="version">What its version.py states; null for no such file.</param>
    /// <param name="package">The folder of the package within the root.</param>
    public PretendTorch(string? version = "2.10.0+cpu", string package = "torch")
    {
        Package = Path.Combine(root.FullName, package);
        Libraries = Directory.CreateDirectory(Path.Combine(Package, "lib")).FullName;
        foreach (var library in Directory.GetFiles(Path.GetDirectoryName(NativeSearchPath.Find("torch_cpu"))!, "lib*.so*"))
            File.CreateSymbolicLink(Path.Combine(Libraries, Path.GetFileName(library)), library);
        if (version is not null)
            File.WriteAllText(Path.Combine(Package, "version.py"), $"from typing import Optional\n\n__all__ = ['__version__', 'debug']\n__version__ = '{version}'\ndebug = False\n");
    }

    public string Root => root.FullName;

    public string Package { get; }

    public string Libraries { get; }

    /// <summary>Puts something else in a library's place.</summary>
    public void Replace(string library, ReadOnlySpan<byte> content)
    {
        var path = Path.Combine(Libraries, NativeSearchPath.FileName(library));
        File.Delete(path);
        File.WriteAllBytes(path, content);
    }

    public void Dispose() => root.Delete(recursive: true);
}
