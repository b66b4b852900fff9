using System.IO.Pipelines;
using System.Text;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Studio.Engine;

namespace PromptToPrompt.Studio.Tests.Engine;

public sealed class AddedFilesTests : IDisposable
{
    private const string Model = "storybook";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public async Task AListIsNeverOutdated()
    {
        var added = new AddedLoras(folder.Path);
        using var over = new CancellationTokenSource();
        var readers = Enumerable.Range(0, 2).Select(reader => Task.Run(() =>
        {
            while (!over.IsCancellationRequested)
                Assert.InRange(added.Of(Model).Count, 0, 1);
        })).ToList();
        for (var k = 0; k < 100; k++)
        {
            await Add(added, "style", Stream.Null);
            Assert.Single(added.Of(Model));
            Assert.True(added.Remove(Model, "style"));
            Assert.Empty(added.Of(Model));
        }

        await over.CancelAsync();
        await Task.WhenAll(readers);
    }

    [Fact]
    public void AWordThatCannotBeReadIsLeftOut()
    {
        var words = Directory.CreateDirectory(folder[$"words/{Model}"]).FullName;
        File.WriteAllText(Path.Combine(words, "mine.safetensors"), "");
        using (new FileStream(Path.Combine(words, "held.safetensors"), FileMode.Create, FileAccess.Write, FileShare.None))
            Assert.Equal(["mine"], new AddedWords(folder.Path).Of(Model).Select(word => word.Word));
    }

    [Fact]
    public async Task OneLoraArrivesAtATime()
    {
        var added = new AddedLoras(folder.Path);
        var pipe = new Pipe();
        var first = Add(added, "style", pipe.Reader.AsStream());
        await Assert.ThrowsAsync<QueueFullException>(() => Add(added, "hat", Stream.Null));
        await pipe.Writer.CompleteAsync();
        await first;
        await Add(added, "hat", Stream.Null);
        Assert.Equal(2, added.Of(Model).Count);
    }

    [Fact]
    public async Task WhatCannotBeStoredIsRefused()
    {
        foreach (var name in new[] { new string('語', 67), "a\0b", "a/b" })
            Assert.Contains("Rename the file", Assert.Throws<InvalidInputException>(() => AddedLoras.NameOf($"{name}.safetensors")).Message, StringComparison.Ordinal);
        Assert.Equal(198, Encoding.UTF8.GetByteCount(AddedLoras.NameOf($"{new string('語', 66)}.safetensors")));

        // A file in place of the folder.
        await File.WriteAllTextAsync(folder["loras"], "");
        var refused = await Assert.ThrowsAsync<InvalidInputException>(() => Add(new AddedLoras(folder.Path), "style", Stream.Null));
        Assert.Contains("style cannot be stored", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(folder.Path, refused.Message, StringComparison.Ordinal);
    }

    private static Task Add(AddedLoras added, string name, Stream body) => added.Add(Model, name, body, _ => { }, TestContext.Current.CancellationToken);
}
