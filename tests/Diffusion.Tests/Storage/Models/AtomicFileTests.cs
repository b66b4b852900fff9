using PromptToPrompt.Diffusion.Storage.Files;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

public sealed class AtomicFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void TheFileIsReplacedAsAWhole()
    {
        File.WriteAllText(folder["a"], "a much longer old content");
        AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write("new"u8);
            Assert.Equal("a much longer old content", File.ReadAllText(folder["a"]));
        });
        Assert.Equal("new", File.ReadAllText(folder["a"]));
        Assert.Equal(["a"], folder.Files);
    }

    [Fact]
    public void AFailureLeavesTheOldFileAndNothingElse()
    {
        File.WriteAllText(folder["a"], "old");
        Assert.Throws<OperationCanceledException>(() => AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write("half"u8);
            throw new OperationCanceledException();
        }));
        Assert.Equal("old", File.ReadAllText(folder["a"]));
        Assert.Equal(["a"], folder.Files);
    }

    /// <summary>Only what the file itself cannot do is its failure; what its content comes from may fail as well.</summary>
    [Fact]
    public void AFailureOfASourceIsNotTheTargets()
    {
        var missing = Assert.Throws<FileNotFoundException>(() => AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write("half"u8);
            using var source = File.OpenRead(folder["source"]);
        }));
        Assert.DoesNotContain("cannot be written", missing.Message);
        foreach (var failure in new Exception[] { new IOException("the source is gone"), new EndOfStreamException(), new ArgumentOutOfRangeException("value") })
            Assert.Same(failure, Record.Exception(() => AtomicFile.Write(folder["a"], _ => throw failure)));
        Assert.Empty(folder.Files);
    }

    /// <summary>A length that no file system has fails as a full disk does, whatever the callback makes of it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AFailureOfTheTargetNamesIt(bool isWrapped)
    {
        var error = Assert.ThrowsAny<IOException>(() => AtomicFile.Write(folder["a"], stream =>
        {
            try
            {
                stream.SetLength(long.MaxValue);
            }
            catch (Exception e) when (isWrapped)
            {
                throw new IOException("it failed", e);
            }
        }));
        Assert.StartsWith($"{folder["a"]} cannot be written: ", error.Message);
        Assert.Empty(folder.Files);
    }

    [Fact]
    public void WhatIsWrittenCanBeGoneBackOver()
    {
        AtomicFile.Write(folder["a"], stream =>
        {
            stream.Write("0123456789"u8);
            stream.Position = 2;
            Assert.Equal('2', stream.ReadByte());
            stream.WriteByte((byte)'x');
            stream.SetLength(6);
            Assert.Equal((4, 6), (stream.Position, stream.Length));
        });
        Assert.Equal("012x45", File.ReadAllText(folder["a"]));
    }

    [Fact]
    public void APathThatCannotBeWrittenIsTheCallersMistake()
    {
        var missing = Assert.Throws<InvalidInputException>(() => AtomicFile.Write(folder["no/such/a"], _ => { }));
        Assert.Contains(folder["no/such/a"], missing.Message);
        Assert.Throws<InvalidInputException>(() => AtomicFile.Write(folder["."], _ => { }));
    }

    public void Dispose() => folder.Dispose();
}
