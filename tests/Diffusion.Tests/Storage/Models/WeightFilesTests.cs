using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using static TorchSharp.torch;

namespace PromptToPrompt.Diffusion.Tests.Storage.Models;

public sealed class WeightFilesTests : IDisposable
{
    private const string Stem = "diffusion_pytorch_model";
    private readonly TemporaryFolder folder = new();

    [Theory]
    [InlineData(null, $"{Stem}.safetensors", $"{Stem}.safetensors", $"{Stem}.fp16.safetensors")]
    [InlineData("fp16", $"{Stem}.fp16.safetensors", $"{Stem}.safetensors", $"{Stem}.fp16.safetensors")]
    [InlineData(null, "model.fp16.safetensors", "model.fp16.safetensors", "pytorch_model.bin")]
    [InlineData(null, "pytorch_model.bin", "pytorch_model.bin")]
    [InlineData(null, $"{Stem}.safetensors.index.json", $"{Stem}.safetensors.index.json", $"{Stem}-00001-of-00002.safetensors", $"{Stem}.fp16.safetensors")]
    [InlineData("fp16", $"{Stem}.safetensors.index.fp16.json", $"{Stem}.safetensors.index.fp16.json", $"{Stem}.fp16-00001-of-00002.safetensors")]
    [InlineData(null, $"{Stem}.fp16.safetensors.index.json", $"{Stem}.fp16.safetensors.index.json", $"{Stem}.fp16-00001-of-00002.safetensors")]
    public void PrefersThePlainWeights(string? variant, string expected, params string[] files)
    {
        Touch(files);
        Assert.Equal(folder[expected], WeightFiles.Find(Path.GetDirectoryName(folder[expected])!, variant));
    }

    [Fact]
    public void WhatIsNotThereIsOneClearLine()
    {
        Assert.Contains("contains no weights", Refused(null));
        Touch($"{Stem}.fp16.safetensors");
        Assert.Contains("fp16", Refused("bf16"));
        Touch($"{Stem}.non_ema.safetensors");
        Assert.Contains("fp16 or non_ema", Refused(null));
    }

    [Fact]
    public void ShardsAreOnePart()
    {
        WriteShards();
        using var stored = StoredTensors.Open(folder["model.safetensors.index.json"]);
        Assert.Equal(["a", "b", "c"], stored.Tensors.Keys.Order());
        Assert.Equal(3, stored.Files.Count);
        using var c = stored.Tensors["c"].Read();
        Assert.Equal(3, c.item<float>());
    }

    [Fact]
    public void DefectiveShardsAreOneClearLine()
    {
        WriteShards();
        WriteIndex("\"a\":\"one.safetensors\",\"d\":\"one.safetensors\"");
        Assert.Contains("\"d\" should be in one.safetensors", RefusedIndex());
        WriteIndex("\"a\":\"one.safetensors\",\"b\":\"three.safetensors\"");
        Assert.Contains("three.safetensors is missing", RefusedIndex());
        WriteIndex("\"a\":\"../one.safetensors\"");
        Assert.Contains("not a safetensors file in the same directory", RefusedIndex());
        WriteIndex("\"a\":3");
        Assert.Contains("must be a text", RefusedIndex());
        SafetensorsWriter.Write(folder["two.safetensors"], [new("a", ones(1)), new("c", ones(1))]);
        WriteIndex("\"a\":\"one.safetensors\",\"c\":\"two.safetensors\"");
        Assert.Contains("and also in another file", RefusedIndex());
        File.WriteAllText(folder["model.safetensors.index.json"], "{}");
        Assert.Contains("weight_map", RefusedIndex());
    }

    public void Dispose() => folder.Dispose();

    private void WriteShards()
    {
        using var scope = NewDisposeScope();
        SafetensorsWriter.Write(folder["one.safetensors"], [new("a", ones(1)), new("b", ones(2))]);
        SafetensorsWriter.Write(folder["two.safetensors"], [new("c", full(1, 3f))]);
        WriteIndex("\"a\":\"one.safetensors\",\"b\":\"one.safetensors\",\"c\":\"two.safetensors\"");
    }

    private void WriteIndex(string map) => File.WriteAllText(folder["model.safetensors.index.json"], "{\"metadata\":{\"total_size\":16},\"weight_map\":{" + map + "}}");

    private void Touch(params string[] names)
    {
        foreach (var name in names)
            File.WriteAllText(folder[name], "");
    }

    private string RefusedIndex() => OneLine(Assert.Throws<InvalidInputException>(() => StoredTensors.Open(folder["model.safetensors.index.json"])));

    private string Refused(string? variant) => OneLine(Assert.Throws<InvalidInputException>(() => WeightFiles.Find(folder[""], variant)));

    private static string OneLine(InvalidInputException error)
    {
        Assert.DoesNotContain('\n', error.Message);
        return error.Message;
    }
}
