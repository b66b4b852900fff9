using PromptToPrompt.Diffusion.Storage.Hub;

namespace PromptToPrompt.Diffusion.Tests.Storage.Hub;

public sealed class CachedRepositoryTests : IDisposable
{
    private static readonly string First = new('1', 40);
    private static readonly string Second = new('2', 40);
    private readonly TemporaryFolder folder = new();
    private readonly CachedRepository cached;

    public CachedRepositoryTests()
    {
        cached = new HubCache(folder["hub"]).Repository(HubRepository.Parse("owner/model"));
        cached.Create();
        var (shared, own, newer) = (Blob('a', 10), Blob('b', 200), Blob('c', 3000));
        cached.Link(First, "shared.json", shared);
        cached.Link(First, "unet/model.safetensors", own);
        cached.Link(Second, "shared.json", shared);
        cached.Link(Second, "unet/model.safetensors", newer);
        cached.Point("refs/pr/1", First);
        cached.Point("main", Second);
    }

    [Fact]
    public void SnapshotsAreFoundByRevision()
    {
        Assert.Equal(Second, cached.Find(null)?.Commit);
        Assert.Equal(First, cached.Find("refs/pr/1")?.Commit);
        Assert.Equal(First, cached.Find("1111111")?.Commit);
        Assert.Null(cached.Find("1"));
        Assert.Null(cached.Find("v2"));
        Assert.Equal(210, cached.Find(First)!.Bytes);
        Assert.Equal("owner/model", Assert.Single(new HubCache(folder["hub"]).Repositories()).Name.ToString());
    }

    [Fact]
    public void WhatAnotherRevisionSharesStays()
    {
        Assert.Equal(200, cached.Remove(cached.Find(First)!));
        Assert.Null(cached.Find("refs/pr/1"));
        var left = cached.Find(null)!;
        Assert.Equal(10, new FileInfo(File.ResolveLinkTarget(Path.Combine(left.Path, "shared.json"), returnFinalTarget: true)!.FullName).Length);
        Assert.Equal(2, Directory.GetFiles(Path.Combine(cached.Folder, "blobs")).Length);
        Assert.Equal(3010, cached.Remove(left));
        Assert.False(cached.Exists);
    }

    [Fact]
    public void ForeignLinksAreNotFollowedToTheirEnd()
    {
        File.WriteAllText(folder["precious"], "kept");
        var link = Path.Combine(cached.Find(First)!.Path, "link");
        File.CreateSymbolicLink(link, folder["precious"]);
        cached.Remove(cached.Find(First)!);
        cached.Remove();
        Assert.Equal("kept", File.ReadAllText(folder["precious"]));
    }

    /// <summary>Other programs and users also change the cache.</summary>
    [Fact]
    public void LinksThatLeadNowhereOrInCirclesAreNoFiles()
    {
        var snapshot = cached.Find(First)!.Path;
        File.CreateSymbolicLink(Path.Combine(snapshot, "broken"), "../../blobs/gone");
        File.CreateSymbolicLink(Path.Combine(snapshot, "itself"), "itself");
        File.CreateSymbolicLink(Path.Combine(snapshot, "around"), ".");
        File.CreateSymbolicLink(Path.Combine(snapshot, "and"), ".");

        Assert.Equal(210, cached.Find(First)!.Bytes);
        Assert.Equal(200, cached.Remove(cached.Find(First)!));
        Assert.Equal(3010, cached.Find(null)!.Bytes);
    }

    [Fact]
    public void ARevisionThatIsInTheWayOfAnotherIsOneClearLine() =>
        Assert.Contains("refs", Assert.Throws<InvalidInputException>(() => cached.Point("main/next", First)).Message);

    [Fact]
    public async Task ALockThatCannotBeTakenIsOneClearLine()
    {
        var path = cached.Lock(ContentHash.OfTag(new string('a', 64))!);
        Directory.CreateDirectory(path);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => BlobLock.TakeAsync(path, (_, _, _) => Task.CompletedTask, CancellationToken.None));
        Assert.Contains(path, error.Message);
    }

    public void Dispose() => folder.Dispose();

    private ContentHash Blob(char name, int length)
    {
        var hash = ContentHash.OfTag(new string(name, 64))!;
        File.WriteAllBytes(cached.Blob(hash), new byte[length]);
        return hash;
    }
}
