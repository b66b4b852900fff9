using CsCheck;
using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Diffusion.Tests.Storage.Hub;

/// <summary>The variables with paths mean what the hub's own tools read in them.</summary>
public sealed class HubPathsTests
{
    private static readonly Dictionary<string, string?> Surroundings = new() { ["HOME"] = "/home/me", ["DISK"] = "/mnt/big", ["NESTED"] = "$DISK" };

    public static TheoryData<string, string> Paths => new()
    {
        { "~", "/home/me" },
        { "~/cache", "/home/me/cache" },
        { "$DISK/cache", "/mnt/big/cache" },
        { "${DISK}/cache", "/mnt/big/cache" },
        { "${DISK}x/$DISK", "/mnt/bigx//mnt/big" },
        { "~/$DISK", "/home/me//mnt/big" },
        { "/a/~/b", "/a/~/b" },
        { "/a/$NO_SUCH_NAME/b", "/a/$NO_SUCH_NAME/b" },
        { "/a/${NO SUCH}/b", "/a/${NO SUCH}/b" },
        { "/a/$", "/a/$" },
        { "/a/$/b", "/a/$/b" },
        // Once, not again and again.
        { "$NESTED/x", "$DISK/x" },
        { "~no-such-user-anywhere/x", "~no-such-user-anywhere/x" },
    };

    [Theory]
    [MemberData(nameof(Paths))]
    public void PathsAreExpanded(string written, string expected) => Assert.Equal(expected, EnvironmentPath.Expand(written, Surroundings.GetValueOrDefault));

    [Theory]
    [MemberData(nameof(Paths))]
    public void EveryVariableIsReadSo(string written, string expected)
    {
        var full = Path.GetFullPath(expected);
        Assert.Equal(full, Cache("HF_HUB_CACHE", written));
        Assert.Equal(full, Cache("HUGGINGFACE_HUB_CACHE", written));
        Assert.Equal(Path.Combine(full, "hub"), Cache("HF_HOME", written));
        Assert.Equal(Path.Combine(full, "huggingface", "hub"), Cache("XDG_CACHE_HOME", written));
        Assert.Equal(Path.Combine("/home/me", ".cache", "huggingface", "hub"), Cache("HF_HOME", ""));
    }

    [Fact]
    public void TheTokensFileIsFoundSo()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["my token"], "hf_abc\n");
        var home = Path.GetDirectoryName(folder["my token"])!;
        foreach (var written in new[] { "~/my token", "$HOME/my token", "${HOME}/my token" })
        {
            var settings = new HubSettings(name => name switch { "HF_TOKEN_PATH" => written, "HOME" => home, _ => null });
            Assert.Equal("hf_abc", settings.Token?.Text);
        }
    }

    /// <summary>The user's own name after the tilde is their home as the system knows it.</summary>
    [Fact]
    public void AnotherUsersHomeIsFound()
    {
        Assert.SkipUnless(File.Exists("/etc/passwd"), "This system keeps its users elsewhere.");
        var root = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).First(fields => fields[0] == "root");
        Assert.Equal(root[5].TrimEnd('/') + "/x", EnvironmentPath.Expand("~root/x", Surroundings.GetValueOrDefault));
    }

    /// <summary>A path without a tilde at its beginning and without a dollar is left alone.</summary>
    [Fact]
    public void OtherPathsStayAsTheyAre() =>
        Gen.String[Gen.Char["abc/~ .-_{}%\\"], 1, 30].Where(path => path[0] != '~').Sample(path => Assert.Equal(path, EnvironmentPath.Expand(path, Surroundings.GetValueOrDefault)));

    private static string Cache(string variable, string value) =>
        new HubSettings(name => name == variable ? value : Surroundings.GetValueOrDefault(name)).CacheFolder;
}
