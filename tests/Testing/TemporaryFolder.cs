namespace PromptToPrompt.Testing;

/// <summary>A folder for one test, deleted at its end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("p2p-tests-");

    public string Path => folder.FullName;

    /// <summary>The names of its files, sorted.</summary>
    public string[] Files => [.. folder.GetFiles().Select(file => file.Name).Order()];

    /// <summary>The path of a file or folder in it.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Copies a folder with all that is in it.</summary>
    /// <returns>The path of the copy.</returns>
    public string Copy(string original, string name)
    {
        foreach (var file in Directory.EnumerateFiles(original, "*", SearchOption.AllDirectories))
        {
            var copy = System.IO.Path.Combine(this[name], System.IO.Path.GetRelativePath(original, file));
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return this[name];
    }

    public void Dispose() => folder.Delete(recursive: true);
}
