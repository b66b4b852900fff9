namespace PromptToPrompt.Cli.Tests.Commands;

/// <summary>Places where nothing can be written are sentences, before the work wherever that can be known, and leave nothing half-written.</summary>
public sealed class UnwritableOutputTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData("/proc is not writable", "-o", "/proc/p2p")]
    [InlineData("is a file", "-o", "{folder}/file")]
    [InlineData("is a file", "-o", "{folder}/file/below")]
    [InlineData("longer than the system allows", "-o", "{folder}/{long}/{long}x{long}")]
    [InlineData("longer than the system allows", "-o", "{folder}/{deep}")]
    [InlineData("is a folder", "--trace", "{folder}")]
    [InlineData("does not exist. Create it first.", "--trace", "{folder}/no/trace")]
    [InlineData("/proc is not writable", "--trace", "/proc/trace")]
    [InlineData("is a device", "--trace", "/dev/null")]
    [InlineData("longer than the system allows", "--trace", "{folder}/{long}x{long}")]
    public void ARunIsRefusedBeforeTheWork(string sentence, string option, string path)
    {
        File.WriteAllText(folder["file"], "");
        // A model that does not exist would be the next thing to fail.
        var error = InProcess.Run("generate", "a cat", "--model", "no-such-model", option, Path(path)).FailedWith(2);
        Assert.Contains(sentence, error);
        Assert.Contains(option == "-o" ? "--output" : path == "/dev/null" ? path : option, error);
        Assert.Equal([folder["file"]], Directory.GetFileSystemEntries(folder.Path));
    }

    [Theory]
    [InlineData("is a device", "invert", "/dev/full")]
    [InlineData("longer than the system allows", "invert", "{folder}/{long}.safetensors")]
    [InlineData("longer than the system allows", "learn-concept", "{folder}/{long}.safetensors")]
    [InlineData("/proc is not writable", "convert", "/proc/model")]
    [InlineData("/proc is not writable", "random", "/proc/model")]
    public void SoAreTheOtherCommands(string sentence, string command, string path)
    {
        new Diffusion.Images.Image(8, 8, new byte[8 * 8 * 3]).SavePng(folder["picture.png"]);
        string[] line = command switch
        {
            "invert" => [command, folder["picture.png"], "a cat"],
            "learn-concept" => [command, folder["picture.png"], "--word", "<it>", "--init", "cat"],
            "convert" => ["models", command, TinyModel.Shared.Folder],
            _ => ["models", command],
        };
        Assert.Contains(sentence, InProcess.Run([.. line, "-o", Path(path)]).FailedWith(2));
    }

    /// <summary>A disk that is full while the results are written, by way of the largest file a shell allows.</summary>
    [Fact]
    [Trait("Category", "Process")]
    public void ADiskThatIsFullIsASentenceAndLeavesNoHalfOfAFile()
    {
        // The runtime would itself make a large file, for code, if it were not told otherwise.
        var outcome = P2P.RunShell($"ulimit -f 8; export DOTNET_EnableWriteXorExecute=0; {P2P.Command} generate 'a red house' --steps 1 --quiet --model {EmbeddedModel.Folder()} -o {folder["out"]}");
        Assert.Contains("source.png cannot be written: the file would be larger than", outcome.FailedWith(1));
        Assert.Empty(Directory.GetFiles(folder["out"]));
    }

    [Fact]
    [Trait("Category", "Process")]
    public void AWorkingFolderThatIsGoneIsSaid() => Assert.Contains(
        "no longer exists", P2P.RunShell($"mkdir {folder["gone"]} && cd {folder["gone"]} && rmdir {folder["gone"]} && {P2P.Command} tokens a").FailedWith(2));

    [Fact]
    [Trait("Category", "Process")]
    public void WhereNoCopyOfTheLibraryCanBeKeptTheFoldersAreNamed()
    {
        var homeless = new Dictionary<string, string> { ["XDG_CACHE_HOME"] = "/proc/cache", ["HOME"] = "/proc/home", ["TMPDIR"] = "/no/such" };
        var outcome = P2P.RunIn(homeless, "doctor", "--model", TinyModel.Shared.Folder);
        // Where the system's libstdc++ is new enough there is no copy.
        if (outcome.ExitCode == 0)
            return;
        var error = outcome.FailedWith(1);
        Assert.DoesNotContain("GLIBCXX", error);
        foreach (var named in new[] { "/proc/cache", "/no/such", "Set XDG_CACHE_HOME, or TMPDIR" })
            Assert.Contains(named, error);
    }

    public void Dispose() => folder.Dispose();

    private string Path(string text) => text
        .Replace("{folder}", folder.Path, StringComparison.Ordinal)
        .Replace("{long}", new string('x', 250), StringComparison.Ordinal)
        .Replace("{deep}", string.Join('/', Enumerable.Repeat("deep", 1000)), StringComparison.Ordinal);
}
