using PromptToPrompt.Batch.Shards;
using PromptToPrompt.Diffusion;

namespace PromptToPrompt.Batch.Tests;

/// <summary>Shards that another process may make: a process asks whether it still has the shard before its files appear.</summary>
public sealed class CommitGuardTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AShardWithoutPermissionStaysUnfinishedAndIsCompletedLater(bool isTar)
    {
        using var small = new SmallRun();
        var request = small.Request() with { Layout = isTar ? new TarLayout { Format = ImageFormat.Png } : new FolderLayout { Format = ImageFormat.Png } };
        var run = new BatchRun(TinyModel.Shared.Model, request);
        run.Prepare();
        Assert.False(run.MakeShard(0, mayCommit: () => false));
        Assert.Equal(["run.json", "unfinished"], Directory.EnumerateFileSystemEntries(request.Folder).Select(path => Path.GetFileName(path)).Order());
        Assert.Equal(2, ShardSurvey.Of(request, 0).Items);
        var made = run.Progress.Items;
        Assert.True(run.MakeShard(0, mayCommit: () => true));
        // The finished items were not made again.
        Assert.Equal(made, run.Progress.Items);
        Assert.True(new ShardPaths(request.Folder, 0).IsCommitted);
        Assert.Equal(2, ShardSurvey.Of(request, 0).Items);
    }

    [Fact]
    public void ACompleteShardAsksNobody()
    {
        using var small = new SmallRun();
        var run = new BatchRun(TinyModel.Shared.Model, small.Request());
        run.Prepare();
        Assert.True(run.MakeShard(0));
        Assert.True(run.MakeShard(0, mayCommit: () => throw new InvalidOperationException()));
    }

    [Fact]
    public void AFolderOfAnotherRunIsRefusedByTheKnownFieldsAlone()
    {
        using var small = new SmallRun();
        var request = small.Request();
        new BatchRun(TinyModel.Shared.Model, request).Prepare();
        RunManifest.RequireFits(request.Folder, new() { ["plan"] = request.Plan.Hash });
        Assert.Contains("plan differs", Assert.Throws<InvalidInputException>(() => RunManifest.RequireFits(request.Folder, new() { ["plan"] = "another" })).Message, StringComparison.Ordinal);
    }
}
