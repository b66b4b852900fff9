using System.Text.Json.Nodes;
using PromptToPrompt.Diffusion;
using PromptToPrompt.Diffusion.Images;
using PromptToPrompt.Diffusion.Pipelines;
using PromptToPrompt.Diffusion.Storage.Adapters;
using PromptToPrompt.Diffusion.Storage.Layouts;
using PromptToPrompt.Diffusion.Storage.Weights;
using PromptToPrompt.Editing.Inversion;
using TorchSharp;
using static TorchSharp.torch;

namespace PromptToPrompt.Editing.Tests.Inversion;

/// <summary>An inversion on disk is the inversion, and fits its model alone.</summary>
public sealed class InversionFileTests(InvertedDrawings drawings) : IClassFixture<InvertedDrawings>, IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly DisposeScope scope = NewDisposeScope();

    public static TheoryData<string> Methods => [.. InversionMethod.Names];

    internal static InversionFile File(InvertedDrawings drawings, InvertedImage found)
        => new(found, drawings.Image, drawings.Model.Frame(FramingKind.Crop, drawings.Image.Size));

    internal static void AssertSame(InvertedImage expected, InvertedImage actual)
    {
        Assert.Equal(expected.Settings, actual.Settings);
        Assert.Equal(expected.FinishedSteps, actual.FinishedSteps);
        Assert.Equal(expected.Losses, actual.Losses);
        Assert.True(expected.Latents.Equals(actual.Latents));
        Assert.True(expected.SourceTrajectory.Equals(actual.SourceTrajectory));
        Assert.Equal(expected.StepNoise is null, actual.StepNoise is null);
        Assert.True(expected.StepNoise is null || expected.StepNoise.Equals(actual.StepNoise!));
        // One embedding for all steps is written step by step.
        Assert.True(expected.Unconditional is null
            ? actual.Unconditional is null
            : expected.Unconditional.Text.expand_as(actual.Unconditional!.Text).Equals(actual.Unconditional.Text));
        Assert.True(expected.Unconditional?.Vector is null
            ? actual.Unconditional?.Vector is null
            : expected.Unconditional.Vector.Equals(actual.Unconditional!.Vector!));
    }

    [Theory]
    [MemberData(nameof(Methods))]
    public void WhatIsReadIsWhatWasWritten(string method)
    {
        var file = File(drawings, drawings.Invert(InvertedDrawings.Settings(method)));
        file.Save(folder["inversion"], drawings.Model);
        using var read = InversionFile.Load(folder["inversion"], drawings.Model);
        AssertSame(file.Inverted, read.Inverted);
        Assert.True(read.IsOf(drawings.Model, file.Inverted.Settings, file.Image, file.Framing));
        var sized = file.Inverted.Settings with { Sampling = file.Inverted.Settings.Sampling with { Size = new(64, 64) } };
        Assert.True(read.IsOf(drawings.Model, sized, file.Image, file.Framing));
        var guided = file.Inverted.Settings with { Sampling = file.Inverted.Settings.Sampling with { Guidance = 3 } };
        Assert.False(read.IsOf(drawings.Model, guided, file.Image, file.Framing));
        AssertClose(drawings.Retrace(file.Inverted), drawings.Retrace(read.Inverted), 1e-6, method);
    }

    // The steps of one type and the rest of another would be no inversion that can be made again.
    [Fact]
    public void AnInversionInAnotherTypeIsNotGoneOnWith()
    {
        var file = File(drawings, drawings.Invert(InvertedDrawings.Settings("direct")));
        file.Save(folder["inversion"], drawings.Model);
        using var rounded = StableDiffusionModel.Load(drawings.Model.Directory, dtype: ScalarType.BFloat16);
        using var read = InversionFile.Load(folder["inversion"], rounded);
        Assert.False(read.IsOf(rounded, file.Inverted.Settings, file.Image, file.Framing));
    }

    // The studio learns words after it has inverted pictures.
    [Fact]
    public void AnEmbeddingChangesNoInversionWithoutItsWord()
    {
        var file = File(drawings, drawings.Invert(InvertedDrawings.Settings("direct")));
        file.Save(folder["inversion"], drawings.Model);
        new WordVectors("word", [ones(1, drawings.Model.Shape.TextEncoder.HiddenSize)]).Save(folder["word.safetensors"]);
        using (var other = With("<my-cat>"))
        using (var read = InversionFile.Load(folder["inversion"], other))
            AssertSame(file.Inverted, read.Inverted);
        using var same = With(file.Inverted.Settings.Prompt.Split(' ')[^1]);
        Assert.Contains("different model", Assert.Throws<InvalidInputException>(() => InversionFile.Load(folder["inversion"], same)).Message, StringComparison.Ordinal);

        StableDiffusionModel With(string word) =>
            StableDiffusionModel.Load(drawings.Model.Directory, options: new() { Embeddings = [new(folder["word.safetensors"], word)] });
    }

    // The studio's own words are not part of the fingerprint of its model; on the command line all words are.
    [Fact]
    public void TheWordsOfThePromptMustBeThoseThatItWasInvertedWith()
    {
        var prompt = File(drawings, drawings.Invert(InvertedDrawings.Settings("direct"))).Inverted.Settings.Prompt;
        var (given, learned) = (Embedding("given", "<given>", 1), new TextEmbedding(Embedding("learned", "<learned>", 2).Path, prompt.Split(' ')[^1]) { IsIdentifying = false });
        using (var studio = Model(given, learned))
            File(drawings, drawings.Invert(InvertedDrawings.Settings("direct"))).Save(folder["inversion"], studio);
        foreach (var embeddings in new TextEmbedding[][] { [given, learned with { IsIdentifying = true }], [learned with { IsIdentifying = true }] })
        {
            using var command = Model(embeddings);
            using var read = InversionFile.Load(folder["inversion"], command);
            Assert.Equal(prompt, read.Inverted.Settings.Prompt);
        }

        foreach (var embeddings in new TextEmbedding[][] { [given, Embedding("other", learned.Word!, 3)], [] })
        {
            using var other = Model(embeddings);
            Assert.Contains("different model", Refused(() => InversionFile.Load(folder["inversion"], other)), StringComparison.Ordinal);
        }

        StableDiffusionModel Model(params TextEmbedding[] embeddings) => StableDiffusionModel.Load(drawings.Model.Directory, options: new() { Embeddings = embeddings });

        TextEmbedding Embedding(string name, string word, double value)
        {
            new WordVectors("word", [full([1, drawings.Model.Shape.TextEncoder.HiddenSize], value)]).Save(folder[name]);
            return new(folder[name], word);
        }
    }

    [Fact]
    public void AnotherModelIsRefused()
    {
        File(drawings, drawings.Invert(InvertedDrawings.Settings("direct"))).Save(folder["inversion"], drawings.Model);
        var model = folder.Copy(drawings.Model.Directory, "model");
        var config = Path.Combine(model, "scheduler", "scheduler_config.json");
        System.IO.File.WriteAllText(config, System.IO.File.ReadAllText(config).Replace("0.012", "0.013", StringComparison.Ordinal));
        using var other = StableDiffusionModel.Load(model);
        Assert.Contains("a different model", Refused(() => InversionFile.Load(folder["inversion"], other)), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNoInversionIsRefused()
    {
        var weights = Path.Combine(EmbeddedModel.Folder(), "vae", "diffusion_pytorch_model.safetensors");
        Assert.Contains("not an inversion", Refused(() => InversionFile.Load(weights, drawings.Model)), StringComparison.Ordinal);
        System.IO.File.WriteAllBytes(folder["torn"], [1, 2, 3]);
        Refused(() => InversionFile.Load(folder["torn"], drawings.Model));
    }

    [Theory]
    [InlineData("Original", 4, 4)]
    [InlineData("Framed", 4, 4)]
    [InlineData("Framed", 40000, 40000)]
    [InlineData("Region", 0, 0)]
    [InlineData("Region", 40000, 8)]
    [InlineData("Region", int.MaxValue, int.MaxValue)]
    [InlineData("Place", -8, 8)]
    [InlineData("Place", 40000, 8)]
    public void AFramingThatFitsNothingIsRefused(string part, int width, int height)
    {
        File(drawings, drawings.Invert(InvertedDrawings.Settings("direct"))).Save(folder["inversion"], drawings.Model);
        Rewrite((_, metadata) =>
        {
            var framing = JsonNode.Parse(metadata["framing"])!;
            (framing[part]!["Width"], framing[part]!["Height"]) = (width, height);
            metadata["framing"] = framing.ToJsonString();
        });
        Assert.Contains("is damaged", Refused(() => InversionFile.Load(folder["inversion"], drawings.Model)), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("source")]
    [InlineData("inversion.latents")]
    public void LatentsThatFitNothingAreRefused(string name)
    {
        foreach (var change in new Func<Tensor, Tensor>[] { tensor => tensor.narrow(1, 0, 2), tensor => tensor.narrow(2, 0, 2), tensor => tensor.flatten(1) })
        {
            File(drawings, drawings.Invert(InvertedDrawings.Settings("direct"))).Save(folder["inversion"], drawings.Model);
            Rewrite((tensors, _) => tensors[name] = change(tensors[name]).contiguous());
            Assert.Contains("is damaged", Refused(() => InversionFile.Load(folder["inversion"], drawings.Model)), StringComparison.Ordinal);
        }
    }

    private void Rewrite(Action<Dictionary<string, Tensor>, Dictionary<string, string>> change)
    {
        Dictionary<string, Tensor> tensors;
        Dictionary<string, string> metadata;
        using (var file = SafetensorsFile.Open(folder["inversion"]))
            (tensors, metadata) = (file.Tensors.Keys.ToDictionary(name => name, name => file.Read(name).clone()), new(file.Metadata));
        change(tensors, metadata);
        SafetensorsWriter.Write(folder["inversion"], tensors, metadata);
    }

    public void Dispose()
    {
        scope.Dispose();
        folder.Dispose();
    }

    private static string Refused(Action load)
    {
        var message = Assert.Throws<InvalidInputException>(load).Message;
        Assert.DoesNotContain('\n', message);
        return message;
    }
}
